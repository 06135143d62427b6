#!/bin/bash
set -euo pipefail
mkdir -p shards
hq submit --wait --array 1-4 --cpus 8 --env PLANNER_SHARDS=4 -- \
    bash -c 'planner sweep offers --workload jobs.yaml --nodes 1..16:x2 -o "shards/$HQ_TASK_ID.jsonl"'
