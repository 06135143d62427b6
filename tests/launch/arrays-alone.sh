# Sourced by other scripts.
HIDDEN=8192
HEADS=$((HIDDEN / 128))
GPT_ARGS=(
    --num-layers 80
    --hidden-size ${HIDDEN}
    --ffn-hidden-size 28672
    --num-attention-heads ${HEADS}
    --group-query-attention
    --num-query-groups 8
    --kv-channels 128
    --swiglu
    --normalization RMSNorm
    --disable-bias-linear
    --position-embedding-type rope
    --untie-embeddings-and-output-weights
    --hidden-dropout 0 --attention-dropout 0
    --seq-length 8192
    --vocab-size 128256
)
SCALE_ARGS="--tensor-model-parallel-size 8 --sequence-parallel --pipeline-model-parallel-size 4 \
    --decoder-first-pipeline-num-layers 19 --decoder-last-pipeline-num-layers 19 --tp-comm-overlap \
    --micro-batch-size 1 --global-batch-size 512 --bf16 --use-distributed-optimizer \
    --num-distributed-optimizer-instances 2 --use-tp-pp-dp-mapping"
