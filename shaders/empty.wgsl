// Next to nothing: one thread stores one word. What is measured is the launch.

@group(0) @binding(0) var<storage, read_write> done: array<vec4<u32>>;

@compute @workgroup_size(1)
fn main() {
    done[0] = vec4(1u, 2u, 3u, 4u);
}
