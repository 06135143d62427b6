// Peak rate of fused multiply-add in f32: eight independent chains of four lanes a thread, sixteen a chain and turn.
// The factors come from memory, so that nothing folds, and are 1 and -1: with small whole numbers every result is exact, a turn
// takes x to -x - 14 step, and an odd number of turns ends where no turn at all does not. The turns counted are stored with the sum.

override TURNS: u32; // odd

@group(0) @binding(0) var<storage, read> factors: vec2<f32>;
@group(0) @binding(1) var<storage, read_write> results: array<vec4<f32>>;

fn four(x: vec4<f32>, one: vec4<f32>, minus: vec4<f32>, step: vec4<f32>) -> vec4<f32> {
    return fma(fma(fma(fma(x, one, step), one, step), one, step), one, step);
}

fn last_four(x: vec4<f32>, one: vec4<f32>, minus: vec4<f32>, step: vec4<f32>) -> vec4<f32> {
    return fma(fma(fma(fma(x, one, step), one, step), one, step), minus, step);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let one = vec4<f32>(f32(factors.x));
    let minus = vec4<f32>(f32(factors.y));
    let step = vec4<f32>(f32(1u + (id.x & 3u)));
    let start = vec4<f32>(0.0, 1.0, 2.0, 3.0) + f32(id.x & 7u);
    var x0 = start + f32(0.0);
    var x1 = start + f32(1.0);
    var x2 = start + f32(2.0);
    var x3 = start + f32(3.0);
    var x4 = start + f32(4.0);
    var x5 = start + f32(5.0);
    var x6 = start + f32(6.0);
    var x7 = start + f32(7.0);
    var turns = 0u;
    for (var turn = 0u; turn < TURNS; turn += 1u) {
        x0 = four(x0, one, minus, step);
        x1 = four(x1, one, minus, step);
        x2 = four(x2, one, minus, step);
        x3 = four(x3, one, minus, step);
        x4 = four(x4, one, minus, step);
        x5 = four(x5, one, minus, step);
        x6 = four(x6, one, minus, step);
        x7 = four(x7, one, minus, step);
        x0 = four(x0, one, minus, step);
        x1 = four(x1, one, minus, step);
        x2 = four(x2, one, minus, step);
        x3 = four(x3, one, minus, step);
        x4 = four(x4, one, minus, step);
        x5 = four(x5, one, minus, step);
        x6 = four(x6, one, minus, step);
        x7 = four(x7, one, minus, step);
        x0 = four(x0, one, minus, step);
        x1 = four(x1, one, minus, step);
        x2 = four(x2, one, minus, step);
        x3 = four(x3, one, minus, step);
        x4 = four(x4, one, minus, step);
        x5 = four(x5, one, minus, step);
        x6 = four(x6, one, minus, step);
        x7 = four(x7, one, minus, step);
        x0 = last_four(x0, one, minus, step);
        x1 = last_four(x1, one, minus, step);
        x2 = last_four(x2, one, minus, step);
        x3 = last_four(x3, one, minus, step);
        x4 = last_four(x4, one, minus, step);
        x5 = last_four(x5, one, minus, step);
        x6 = last_four(x6, one, minus, step);
        x7 = last_four(x7, one, minus, step);
        turns += 1u;
    }
    let sum = (x0 + x1 + x2 + x3)
        + (x4 + x5 + x6 + x7);
    results[id.x] = sum + 4096.0 * f32(turns);
}
