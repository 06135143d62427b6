#! /bin/bash
# A script of 2022: options in strings, one job per sbatch.
#SBATCH --nodes=128 --exclusive --ntasks-per-node=8
#SBATCH --nodes=128
#SBATCH --ntasks-per-node=8
#SBATCH --job-name=gpt3-175b

DIR=`pwd`
DATETIME=`date +'date_%y-%m-%d_time_%H-%M-%S'`
DATASET="0.5 /data/one_text_document 0.5 /data/two_text_document"

options=" \
	--tensor-model-parallel-size 8 \
	--pipeline-model-parallel-size 16 \
	--num-layers-per-virtual-pipeline-stage 3 \
        --num-layers 96 \
        --hidden-size 12288 \
        --num-attention-heads 96 \
        --seq-length 2048 \
        --max-position-embeddings 2048 \
	--micro-batch-size 1 \
	--global-batch-size 1536 \
	--rampup-batch-size 16 16 5859375 \
	--train-samples 146484375 \
	--vocab-size 51200 \
	--data-path ${DATASET} \
	--split 98,2,0 \
	--recompute-activations \
	--fp16"

run_cmd="python -u ${DIR}/pretrain_gpt.py $@ ${options}"
srun -l --container-image "nvcr.io/nvidia/pytorch:20.12-py3" sh -c "${run_cmd}"
python -u ${DIR}/pretrain_gpt.py $@ ${options}
