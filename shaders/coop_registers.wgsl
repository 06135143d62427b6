enable f16;
enable wgpu_cooperative_matrix;

// Peak rate of cooperative matrices (tensor cores) without memory: eight independent sums a subgroup, each sixteen products of
// its own left tile and the one right tile a turn. They start from tiles of their own; all are stored.
// The host replaces the tile type by `coop_mat8x8` on adapters that have only that; TILE is its side.

override TURNS: u32;
override TILE: u32;
override SUBGROUP: u32;
override THREADS: u32; // a multiple of SUBGROUP

alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;

@group(0) @binding(0) var<storage, read> ma: array<vec4<f16>>;
@group(0) @binding(1) var<storage, read> mb: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> ms: array<f32>;
@group(0) @binding(3) var<storage, read_write> mc: array<f32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let size = TILE * TILE;
    let b = coopLoadT<Right>(&mb[0], TILE / 4u);
    let a0 = coopLoadT<Left>(&ma[0u * size / 4u], TILE / 4u);
    let a1 = coopLoadT<Left>(&ma[1u * size / 4u], TILE / 4u);
    let a2 = coopLoadT<Left>(&ma[2u * size / 4u], TILE / 4u);
    let a3 = coopLoadT<Left>(&ma[3u * size / 4u], TILE / 4u);
    let a4 = coopLoadT<Left>(&ma[4u * size / 4u], TILE / 4u);
    let a5 = coopLoadT<Left>(&ma[5u * size / 4u], TILE / 4u);
    let a6 = coopLoadT<Left>(&ma[6u * size / 4u], TILE / 4u);
    let a7 = coopLoadT<Left>(&ma[7u * size / 4u], TILE / 4u);
    var c0 = coopLoadT<Sum>(&ms[0u * size], TILE);
    var c1 = coopLoadT<Sum>(&ms[1u * size], TILE);
    var c2 = coopLoadT<Sum>(&ms[2u * size], TILE);
    var c3 = coopLoadT<Sum>(&ms[3u * size], TILE);
    var c4 = coopLoadT<Sum>(&ms[4u * size], TILE);
    var c5 = coopLoadT<Sum>(&ms[5u * size], TILE);
    var c6 = coopLoadT<Sum>(&ms[6u * size], TILE);
    var c7 = coopLoadT<Sum>(&ms[7u * size], TILE);
    for (var turn = 0u; turn < TURNS; turn += 1u) {
        for (var again = 0u; again < 16u; again += 1u) {
            c0 = coopMultiplyAdd(a0, b, c0);
            c1 = coopMultiplyAdd(a1, b, c1);
            c2 = coopMultiplyAdd(a2, b, c2);
            c3 = coopMultiplyAdd(a3, b, c3);
            c4 = coopMultiplyAdd(a4, b, c4);
            c5 = coopMultiplyAdd(a5, b, c5);
            c6 = coopMultiplyAdd(a6, b, c6);
            c7 = coopMultiplyAdd(a7, b, c7);
        }
    }
    let first = (group.x * (THREADS / SUBGROUP) + thread / SUBGROUP) * 8u * size;
    coopStoreT(c0, &mc[first + 0u * size], TILE);
    coopStoreT(c1, &mc[first + 1u * size], TILE);
    coopStoreT(c2, &mc[first + 2u * size], TILE);
    coopStoreT(c3, &mc[first + 3u * size], TILE);
    coopStoreT(c4, &mc[first + 4u * size], TILE);
    coopStoreT(c5, &mc[first + 5u * size], TILE);
    coopStoreT(c6, &mc[first + 6u * size], TILE);
    coopStoreT(c7, &mc[first + 7u * size], TILE);
}
