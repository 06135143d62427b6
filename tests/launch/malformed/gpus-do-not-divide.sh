torchrun --nnodes 3 --nproc-per-node 8 pretrain_gpt.py --num-layers 24 --hidden-size 2048 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048 --vocab-size 50304 --micro-batch-size 1 --global-batch-size 64 \
    --tensor-model-parallel-size 8 --pipeline-model-parallel-size 2
