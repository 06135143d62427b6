ARGS=(
    --num-layers 80 --hidden-size 8192 --ffn-hidden-size 28672 --num-attention-heads 64
    --group-query-attention --num-query-groups 8 --swiglu --normalization RMSNorm --disable-bias-linear
    --position-embedding-type rope --untie-embeddings-and-output-weights --hidden-dropout 0 --attention-dropout 0
    --seq-length 8192 --micro-batch-size 1 --global-batch-size 512 --bf16
)
torchrun pretrain_gpt.py "${ARGS[@]}"
