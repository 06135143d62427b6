// Writes an array once, each word a function of its place.

override VECTORS: u32; // 16-byte elements, a multiple of 4 * STRIDE
override STRIDE: u32;  // threads of the whole grid

@group(0) @binding(0) var<storage, read_write> to: array<vec4<u32>>;

fn value(i: u32) -> vec4<u32> {
    return vec4(i * 747796405u) ^ vec4(0x9e3779b9u, 0x7f4a7c15u, 0xf39cc060u, 0x5cedc834u);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var i = id.x; i < VECTORS; i += 4u * STRIDE) {
        to[i] = value(i);
        to[i + STRIDE] = value(i + STRIDE);
        to[i + 2u * STRIDE] = value(i + 2u * STRIDE);
        to[i + 3u * STRIDE] = value(i + 3u * STRIDE);
    }
}
