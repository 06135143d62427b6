enable f16;
enable wgpu_cooperative_matrix;

// Matrix product on cooperative matrices (tensor cores), c = a b, row-major, f16 in, f32 sums. DOWN x ACROSS subgroups compute a
// block, each 4 x 4 tiles of it. Slices two tiles deep go through workgroup memory in rows padded by 16 bytes against bank
// conflicts; the next slice is on its way into registers meanwhile. M, N and K are multiples of the block and the slice.
// The host replaces the tile type by `coop_mat8x8` on adapters that have only that; TILE is its side.

override N: u32;
override K: u32;
override TILE: u32;
override SUBGROUP: u32;
override DOWN: u32;
override ACROSS: u32;
override THREADS: u32; // DOWN * ACROSS * SUBGROUP

override ROWS: u32 = 4u * TILE * DOWN;
override COLUMNS: u32 = 4u * TILE * ACROSS;
override DEPTH: u32 = 2u * TILE;
override A_WIDTH: u32 = DEPTH / 4u;    // vectors of a row of a's slice
override B_WIDTH: u32 = COLUMNS / 4u;  // vectors of a row of b's slice
override A_STRIDE: u32 = A_WIDTH + 2u;
override B_STRIDE: u32 = B_WIDTH + 2u;
override A_SIZE: u32 = ROWS * A_STRIDE;
override B_SIZE: u32 = DEPTH * B_STRIDE;
override A_LOADS: u32 = ROWS * A_WIDTH / THREADS; // at most 16
override B_LOADS: u32 = DEPTH * B_WIDTH / THREADS;

alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;

@group(0) @binding(0) var<storage, read> ma: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> mb: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read_write> mc: array<f32>;

var<workgroup> slice_a: array<vec4<f16>, A_SIZE>;
var<workgroup> slice_b: array<vec4<f16>, B_SIZE>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row0 = group.y * ROWS;
    let column0 = group.x * COLUMNS;
    let subgroup = thread / SUBGROUP;
    let down = (subgroup / ACROSS) * 4u * TILE;
    let across = (subgroup % ACROSS) * 4u * TILE;

    var c00 = Sum();
    var c01 = Sum();
    var c02 = Sum();
    var c03 = Sum();
    var c10 = Sum();
    var c11 = Sum();
    var c12 = Sum();
    var c13 = Sum();
    var c20 = Sum();
    var c21 = Sum();
    var c22 = Sum();
    var c23 = Sum();
    var c30 = Sum();
    var c31 = Sum();
    var c32 = Sum();
    var c33 = Sum();

    var next_a: array<vec4<f16>, 16>;
    var next_b: array<vec4<f16>, 16>;
    for (var l = 0u; l < A_LOADS; l += 1u) {
        let i = thread + l * THREADS;
        next_a[l] = ma[(row0 + i / A_WIDTH) * (K / 4u) + i % A_WIDTH];
    }
    for (var l = 0u; l < B_LOADS; l += 1u) {
        let i = thread + l * THREADS;
        next_b[l] = mb[((i / B_WIDTH) * N + column0) / 4u + i % B_WIDTH];
    }

    for (var k0 = 0u; k0 < K; k0 += DEPTH) {
        for (var l = 0u; l < A_LOADS; l += 1u) {
            let i = thread + l * THREADS;
            slice_a[(i / A_WIDTH) * A_STRIDE + i % A_WIDTH] = next_a[l];
        }
        for (var l = 0u; l < B_LOADS; l += 1u) {
            let i = thread + l * THREADS;
            slice_b[(i / B_WIDTH) * B_STRIDE + i % B_WIDTH] = next_b[l];
        }
        workgroupBarrier();

        let k1 = k0 + DEPTH;
        if (k1 < K) {
            for (var l = 0u; l < A_LOADS; l += 1u) {
                let i = thread + l * THREADS;
                next_a[l] = ma[((row0 + i / A_WIDTH) * K + k1) / 4u + i % A_WIDTH];
            }
            for (var l = 0u; l < B_LOADS; l += 1u) {
                let i = thread + l * THREADS;
                next_b[l] = mb[((k1 + i / B_WIDTH) * N + column0) / 4u + i % B_WIDTH];
            }
        }

        for (var k = 0u; k < DEPTH; k += TILE) {
            let a0 = coopLoadT<Left>(&slice_a[(down + 0u * TILE) * A_STRIDE + k / 4u], A_STRIDE);
            let a1 = coopLoadT<Left>(&slice_a[(down + 1u * TILE) * A_STRIDE + k / 4u], A_STRIDE);
            let a2 = coopLoadT<Left>(&slice_a[(down + 2u * TILE) * A_STRIDE + k / 4u], A_STRIDE);
            let a3 = coopLoadT<Left>(&slice_a[(down + 3u * TILE) * A_STRIDE + k / 4u], A_STRIDE);
            let b0 = coopLoadT<Right>(&slice_b[k * B_STRIDE + (across + 0u * TILE) / 4u], B_STRIDE);
            c00 = coopMultiplyAdd(a0, b0, c00);
            c10 = coopMultiplyAdd(a1, b0, c10);
            c20 = coopMultiplyAdd(a2, b0, c20);
            c30 = coopMultiplyAdd(a3, b0, c30);
            let b1 = coopLoadT<Right>(&slice_b[k * B_STRIDE + (across + 1u * TILE) / 4u], B_STRIDE);
            c01 = coopMultiplyAdd(a0, b1, c01);
            c11 = coopMultiplyAdd(a1, b1, c11);
            c21 = coopMultiplyAdd(a2, b1, c21);
            c31 = coopMultiplyAdd(a3, b1, c31);
            let b2 = coopLoadT<Right>(&slice_b[k * B_STRIDE + (across + 2u * TILE) / 4u], B_STRIDE);
            c02 = coopMultiplyAdd(a0, b2, c02);
            c12 = coopMultiplyAdd(a1, b2, c12);
            c22 = coopMultiplyAdd(a2, b2, c22);
            c32 = coopMultiplyAdd(a3, b2, c32);
            let b3 = coopLoadT<Right>(&slice_b[k * B_STRIDE + (across + 3u * TILE) / 4u], B_STRIDE);
            c03 = coopMultiplyAdd(a0, b3, c03);
            c13 = coopMultiplyAdd(a1, b3, c13);
            c23 = coopMultiplyAdd(a2, b3, c23);
            c33 = coopMultiplyAdd(a3, b3, c33);
        }
        workgroupBarrier();
    }

    let first = (row0 + down) * N + column0 + across;
    coopStoreT(c00, &mc[first + 0u * TILE * N + 0u * TILE], N);
    coopStoreT(c01, &mc[first + 0u * TILE * N + 1u * TILE], N);
    coopStoreT(c02, &mc[first + 0u * TILE * N + 2u * TILE], N);
    coopStoreT(c03, &mc[first + 0u * TILE * N + 3u * TILE], N);
    coopStoreT(c10, &mc[first + 1u * TILE * N + 0u * TILE], N);
    coopStoreT(c11, &mc[first + 1u * TILE * N + 1u * TILE], N);
    coopStoreT(c12, &mc[first + 1u * TILE * N + 2u * TILE], N);
    coopStoreT(c13, &mc[first + 1u * TILE * N + 3u * TILE], N);
    coopStoreT(c20, &mc[first + 2u * TILE * N + 0u * TILE], N);
    coopStoreT(c21, &mc[first + 2u * TILE * N + 1u * TILE], N);
    coopStoreT(c22, &mc[first + 2u * TILE * N + 2u * TILE], N);
    coopStoreT(c23, &mc[first + 2u * TILE * N + 3u * TILE], N);
    coopStoreT(c30, &mc[first + 3u * TILE * N + 0u * TILE], N);
    coopStoreT(c31, &mc[first + 3u * TILE * N + 1u * TILE], N);
    coopStoreT(c32, &mc[first + 3u * TILE * N + 2u * TILE], N);
    coopStoreT(c33, &mc[first + 3u * TILE * N + 3u * TILE], N);
}
