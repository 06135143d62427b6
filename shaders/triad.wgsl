// STREAM's triad, to = left + scale * right. The scale is one half: the product is exact, so that the sum is rounded once
// whether or not the compiler fuses, and the result is checked bit by bit.

override VECTORS: u32; // 16-byte elements, a multiple of 4 * STRIDE
override STRIDE: u32;  // threads of the whole grid

@group(0) @binding(0) var<storage, read> left: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> to: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var i = id.x; i < VECTORS; i += 4u * STRIDE) {
        let a = left[i] + 0.5 * right[i];
        let b = left[i + STRIDE] + 0.5 * right[i + STRIDE];
        let c = left[i + 2u * STRIDE] + 0.5 * right[i + 2u * STRIDE];
        let d = left[i + 3u * STRIDE] + 0.5 * right[i + 3u * STRIDE];
        to[i] = a;
        to[i + STRIDE] = b;
        to[i + 2u * STRIDE] = c;
        to[i + 3u * STRIDE] = d;
    }
}
