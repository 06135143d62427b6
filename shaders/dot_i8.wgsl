// Peak rate of the dot product of four signed bytes with 32-bit sums: eight independent chains a thread, eight a chain and turn.
// Each result is the next one's operand, so that no product can be taken out of the loop; the host follows the same chain exactly.

override TURNS: u32;

@group(0) @binding(0) var<storage, read> factors: vec2<u32>;
@group(0) @binding(1) var<storage, read_write> results: array<vec4<u32>>;

fn four(x: u32, by: u32, plus: i32) -> u32 {
    let a = bitcast<u32>(dot4I8Packed(x, by) + plus);
    let b = bitcast<u32>(dot4I8Packed(a, by) + plus);
    let c = bitcast<u32>(dot4I8Packed(b, by) + plus);
    return bitcast<u32>(dot4I8Packed(c, by) + plus);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let by = factors.x;
    let plus = bitcast<i32>(factors.y + id.x);
    var x0 = id.x + 0u;
    var x1 = id.x + 1u;
    var x2 = id.x + 2u;
    var x3 = id.x + 3u;
    var x4 = id.x + 4u;
    var x5 = id.x + 5u;
    var x6 = id.x + 6u;
    var x7 = id.x + 7u;
    for (var turn = 0u; turn < TURNS; turn += 1u) {
        x0 = four(x0, by, plus);
        x1 = four(x1, by, plus);
        x2 = four(x2, by, plus);
        x3 = four(x3, by, plus);
        x4 = four(x4, by, plus);
        x5 = four(x5, by, plus);
        x6 = four(x6, by, plus);
        x7 = four(x7, by, plus);
        x0 = four(x0, by, plus);
        x1 = four(x1, by, plus);
        x2 = four(x2, by, plus);
        x3 = four(x3, by, plus);
        x4 = four(x4, by, plus);
        x5 = four(x5, by, plus);
        x6 = four(x6, by, plus);
        x7 = four(x7, by, plus);
    }
    results[id.x] = vec4(x0 ^ x4, x1 ^ x5, x2 ^ x6, x3 ^ x7);
}
