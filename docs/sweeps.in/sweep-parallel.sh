#!/bin/bash
set -euo pipefail
mkdir -p shards
parallel planner sweep offers --workload jobs.yaml --nodes 1..16:x2 --shard {}/4 -o shards/{}.jsonl ::: 1 2 3 4
