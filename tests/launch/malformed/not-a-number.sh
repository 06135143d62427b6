LAYERS=many
torchrun pretrain_gpt.py --num-layers 24 --hidden-size 2048 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048 --vocab-size 50304 --micro-batch-size 1 --global-batch-size 64 --num-layers $LAYERS --context-parallel-size -2 --hidden-size
