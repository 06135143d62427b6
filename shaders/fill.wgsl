// Fills a buffer with words of a hash, so that data is random without an upload: random data draws the power that real
// data draws and does not compress. `how` is (seed, mask, ones, vectors): a word is `hash(index ^ seed) & mask | ones`.

@group(0) @binding(0) var<storage, read> fill_how: vec4<u32>;
@group(0) @binding(1) var<storage, read_write> fill_words: array<vec4<u32>>;

fn hash(index: vec4<u32>) -> vec4<u32> {
    let state = index * 747796405u + 2891336453u;
    let word = ((state >> ((state >> vec4(28u)) + 4u)) ^ state) * 277803737u;
    return (word >> vec4(22u)) ^ word;
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < fill_how.w; i += groups.x * 256u) {
        let index = vec4(4u * i) + vec4(0u, 1u, 2u, 3u);
        fill_words[i] = (hash(index ^ vec4(fill_how.x)) & vec4(fill_how.y)) | vec4(fill_how.z);
    }
}
