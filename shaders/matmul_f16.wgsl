enable f16;

// Tiled matrix product on the vector units, c = a b, row-major, f16 in, f32 sums. A group computes a block of ROWS x COLUMNS, a thread 8 x 8 of
// it in sixteen vectors. Slices of 16 of the inner dimension go through workgroup memory, a's transposed, so that a step of
// the inner loop is four 16-byte loads for 64 multiply-adds; the next slice is on its way into registers meanwhile.
// M, N and K are multiples of ROWS, COLUMNS and 16.

override N: u32;
override K: u32;
override ROWS: u32;
override COLUMNS: u32;
override THREADS: u32; // ROWS * COLUMNS / 64

override A_STRIDE: u32 = ROWS / 4u + 1u; // vectors of a step of a's slice, one more against bank conflicts of the transposed stores
override B_STRIDE: u32 = COLUMNS / 4u;   // vectors of a step of b's slice
override A_LOADS: u32 = ROWS * 4u / THREADS;     // vectors of a slice that a thread loads: at most 4
override B_LOADS: u32 = COLUMNS * 4u / THREADS;
override A_SIZE: u32 = 16u * A_STRIDE;
override B_SIZE: u32 = COLUMNS * 4u;

@group(0) @binding(0) var<storage, read> ma: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> mb: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> mc: array<vec4<f32>>;

var<workgroup> slice_a: array<vec4<f16>, A_SIZE>;
var<workgroup> slice_b: array<vec4<f16>, B_SIZE>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.y * ROWS;
    let column0 = group.x * COLUMNS;
    let across = thread % (COLUMNS / 8u);
    let down = thread / (COLUMNS / 8u);

    var c00 = vec4(0.0);
    var c01 = vec4(0.0);
    var c10 = vec4(0.0);
    var c11 = vec4(0.0);
    var c20 = vec4(0.0);
    var c21 = vec4(0.0);
    var c30 = vec4(0.0);
    var c31 = vec4(0.0);
    var c40 = vec4(0.0);
    var c41 = vec4(0.0);
    var c50 = vec4(0.0);
    var c51 = vec4(0.0);
    var c60 = vec4(0.0);
    var c61 = vec4(0.0);
    var c70 = vec4(0.0);
    var c71 = vec4(0.0);

    var next_a: array<vec4<f16>, 4>;
    var next_b: array<vec4<f16>, 4>;
    for (var l = 0u; l < A_LOADS; l += 1u) {
        let i = thread + l * THREADS;
        next_a[l] = ma[(row0 + i / 4u) * (K / 4u) + i % 4u];
    }
    for (var l = 0u; l < B_LOADS; l += 1u) {
        let i = thread + l * THREADS;
        next_b[l] = mb[((i / B_STRIDE) * N + column0) / 4u + i % B_STRIDE];
    }

    for (var k0 = 0u; k0 < K; k0 += 16u) {
        for (var l = 0u; l < A_LOADS; l += 1u) {
            let i = thread + l * THREADS;
            let row = i / 4u;
            let k = 4u * (i % 4u);
            slice_a[k * A_STRIDE + row / 4u][row % 4u] = next_a[l].x;
            slice_a[(k + 1u) * A_STRIDE + row / 4u][row % 4u] = next_a[l].y;
            slice_a[(k + 2u) * A_STRIDE + row / 4u][row % 4u] = next_a[l].z;
            slice_a[(k + 3u) * A_STRIDE + row / 4u][row % 4u] = next_a[l].w;
        }
        for (var l = 0u; l < B_LOADS; l += 1u) {
            slice_b[thread + l * THREADS] = next_b[l];
        }
        workgroupBarrier();

        let k1 = k0 + 16u;
        if (k1 < K) {
            for (var l = 0u; l < A_LOADS; l += 1u) {
                let i = thread + l * THREADS;
                next_a[l] = ma[((row0 + i / 4u) * K + k1) / 4u + i % 4u];
            }
            for (var l = 0u; l < B_LOADS; l += 1u) {
                let i = thread + l * THREADS;
                next_b[l] = mb[((k1 + i / B_STRIDE) * N + column0) / 4u + i % B_STRIDE];
            }
        }

        for (var k = 0u; k < 16u; k += 1u) {
            let a0 = vec4<f32>(slice_a[k * A_STRIDE + down]);
            let a1 = vec4<f32>(slice_a[k * A_STRIDE + ROWS / 8u + down]);
            let b0 = vec4<f32>(slice_b[k * B_STRIDE + across]);
            let b1 = vec4<f32>(slice_b[k * B_STRIDE + B_STRIDE / 2u + across]);
            c00 = fma(vec4(a0.x), b0, c00);
            c01 = fma(vec4(a0.x), b1, c01);
            c10 = fma(vec4(a0.y), b0, c10);
            c11 = fma(vec4(a0.y), b1, c11);
            c20 = fma(vec4(a0.z), b0, c20);
            c21 = fma(vec4(a0.z), b1, c21);
            c30 = fma(vec4(a0.w), b0, c30);
            c31 = fma(vec4(a0.w), b1, c31);
            c40 = fma(vec4(a1.x), b0, c40);
            c41 = fma(vec4(a1.x), b1, c41);
            c50 = fma(vec4(a1.y), b0, c50);
            c51 = fma(vec4(a1.y), b1, c51);
            c60 = fma(vec4(a1.z), b0, c60);
            c61 = fma(vec4(a1.z), b1, c61);
            c70 = fma(vec4(a1.w), b0, c70);
            c71 = fma(vec4(a1.w), b1, c71);
        }
        workgroupBarrier();
    }

    let upper = ((row0 + 4u * down) * N + column0) / 4u + across;
    let lower = upper + (ROWS / 2u) * N / 4u;
    mc[upper] = c00;
    mc[upper + B_STRIDE / 2u] = c01;
    mc[upper + 1u * N / 4u] = c10;
    mc[upper + 1u * N / 4u + B_STRIDE / 2u] = c11;
    mc[upper + 2u * N / 4u] = c20;
    mc[upper + 2u * N / 4u + B_STRIDE / 2u] = c21;
    mc[upper + 3u * N / 4u] = c30;
    mc[upper + 3u * N / 4u + B_STRIDE / 2u] = c31;
    mc[lower] = c40;
    mc[lower + B_STRIDE / 2u] = c41;
    mc[lower + 1u * N / 4u] = c50;
    mc[lower + 1u * N / 4u + B_STRIDE / 2u] = c51;
    mc[lower + 2u * N / 4u] = c60;
    mc[lower + 2u * N / 4u + B_STRIDE / 2u] = c61;
    mc[lower + 3u * N / 4u] = c70;
    mc[lower + 3u * N / 4u + B_STRIDE / 2u] = c71;
}
