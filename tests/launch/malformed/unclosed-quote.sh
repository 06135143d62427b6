torchrun pretrain_gpt.py --num-layers 24 "--hidden-size 2048
