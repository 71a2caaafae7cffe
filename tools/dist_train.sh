#!/usr/bin/env bash
# Train on several GPUs of this machine:
#
#   tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
#
# and of several: the same on each, with NNODES, NODE_RANK and MASTER_ADDR
# set. Without a GPU the processes share the CPU.
set -euo pipefail
config=${1:?usage: tools/dist_train.sh CONFIG GPUS [options]}
gpus=${2:?usage: tools/dist_train.sh CONFIG GPUS [options]}
exec torchrun --nproc_per_node="$gpus" --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
