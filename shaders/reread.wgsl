// Reads the same array ROUNDS times, for the bandwidth of the caches. Each round starts SHIFT further on: no thread reads the
// same place twice in a row, so the loads cannot be moved out of the loop.

override VECTORS: u32; // 16-byte elements, a power of two and a multiple of 4 * STRIDE
override STRIDE: u32;  // threads of the whole grid
override ROUNDS: u32;
override SHIFT: u32;

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = vec4(0u);
    for (var round = 0u; round < ROUNDS; round += 1u) {
        let first = id.x + round * SHIFT;
        for (var i = 0u; i < VECTORS; i += 4u * STRIDE) {
            let a = input[(first + i) & (VECTORS - 1u)];
            let b = input[(first + i + STRIDE) & (VECTORS - 1u)];
            let c = input[(first + i + 2u * STRIDE) & (VECTORS - 1u)];
            let d = input[(first + i + 3u * STRIDE) & (VECTORS - 1u)];
            sum += (a + b) + (c + d);
        }
    }
    sums[id.x] = sum;
}
