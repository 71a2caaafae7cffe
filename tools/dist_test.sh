#!/usr/bin/env bash
# Test on several GPUs of this machine, or of several machines as
# tools/dist_train.sh does:
#
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
set -euo pipefail
usage='usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options]'
config=${1:?$usage}
checkpoint=${2:?$usage}
gpus=${3:?$usage}
exec torchrun --nproc_per_node="$gpus" --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch \
    "${@:4}"
