// Reads an array once. Each thread keeps four loads of 16 bytes in flight and stores the sum of what it read, in integers,
// so that the sum over all threads does not depend on any order and is checked exactly.

override VECTORS: u32; // 16-byte elements, a multiple of 4 * STRIDE
override STRIDE: u32;  // threads of the whole grid

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = vec4(0u);
    for (var i = id.x; i < VECTORS; i += 4u * STRIDE) {
        let a = input[i];
        let b = input[i + STRIDE];
        let c = input[i + 2u * STRIDE];
        let d = input[i + 3u * STRIDE];
        sum += (a + b) + (c + d);
    }
    sums[id.x] = sum;
}
