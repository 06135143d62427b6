#!/bin/bash
TP=4
GPUS_PER_NODE=8
NUM_NODES=${NUM_NODES:-2}

MODEL_ARGS=(
    --num-layers 32
    --hidden-size 4096
    --ffn-hidden-size 14336
    --num-attention-heads 32
    --group-query-attention
    --num-query-groups 8
    --swiglu
    --normalization RMSNorm
    --disable-bias-linear
    --position-embedding-type rope
    --max-position-embeddings 8192
    --seq-length 8192
    --vocab-size 128256
    --untie-embeddings-and-output-weights
    --attention-dropout 0.0
    --hidden-dropout 0.0
)

TRAINING_ARGS=(
    --micro-batch-size 1
    --global-batch-size 256
    --train-iters 50000
    --lr 3e-4
    --bf16
    --tensor-model-parallel-size $TP
    --sequence-parallel
    --use-distributed-optimizer
    --overlap-grad-reduce        # the planner counts on it
    --recompute-granularity full
    --recompute-method block
    --recompute-num-layers $((32 / TP))
)

torchrun --nnodes $NUM_NODES --nproc-per-node $GPUS_PER_NODE \
    pretrain_gpt.py ${MODEL_ARGS[@]} ${TRAINING_ARGS[@]} --data-path $DATA
