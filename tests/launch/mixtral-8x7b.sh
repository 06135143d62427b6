#!/bin/bash
set -euo pipefail
export NCCL_DEBUG=${NCCL_DEBUG:-WARN}

NNODES=${SLURM_NNODES:-"8"}
GPUS_PER_NODE=8

launch() {
    local MODEL_ARGS=(
        --num-layers 32 --hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32
        --group-query-attention --num-query-groups 8
        --seq-length 4096 --max-position-embeddings 32768
        --init-method-std 0.01 --attention-dropout 0.0 --hidden-dropout 0.0
        --normalization RMSNorm --position-embedding-type rope --swiglu
        --untie-embeddings-and-output-weights --disable-bias-linear --no-masked-softmax-fusion
        --vocab-size=32000
    )
    local MOE_ARGS=(
        --num-experts 8
        --expert-model-parallel-size 8
        --moe-router-topk 2
        --moe-aux-loss-coeff 1e-2
        --moe-grouped-gemm
        --moe-token-dispatcher-type alltoall
    )
    torchrun --nproc_per_node $GPUS_PER_NODE --nnodes $NNODES pretrain_gpt.py \
        "${MODEL_ARGS[@]}" "${MOE_ARGS[@]}" ${EXTRA_ARGS[@]} \
        --micro-batch-size 1 --global-batch-size 256 --train-iters 500000 --bf16 \
        --tensor-model-parallel-size 1 --pipeline-model-parallel-size 4 --num-virtual-stages-per-pipeline-rank 8 \
        --use-distributed-optimizer --sequence-parallel \
        --recompute-granularity full --recompute-method block --recompute-num-layers 1
}

case "${MODE:-train}" in
    train) launch ;;
    *) echo "no such mode"; exit 1 ;;
esac
