// Copies an array. Each thread loads four times 16 bytes before it stores.

override VECTORS: u32; // 16-byte elements, a multiple of 4 * STRIDE
override STRIDE: u32;  // threads of the whole grid

@group(0) @binding(0) var<storage, read> input: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> to: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var i = id.x; i < VECTORS; i += 4u * STRIDE) {
        let a = input[i];
        let b = input[i + STRIDE];
        let c = input[i + 2u * STRIDE];
        let d = input[i + 3u * STRIDE];
        to[i] = a;
        to[i + STRIDE] = b;
        to[i + 2u * STRIDE] = c;
        to[i + 3u * STRIDE] = d;
    }
}
