A=(--num-layers 24
torchrun pretrain_gpt.py "${A[@]}"
