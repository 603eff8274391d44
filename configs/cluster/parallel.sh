#!/bin/sh
# A sweep by GNU parallel, on this machine or on others that see the same folder (--sshlogin, or the variable PARALLEL).
#   configs/cluster/parallel.sh scenario.yaml result.h5 8
# A share that died is made again by the same line: those that are complete have nothing to do.
set -eu
scenario=$1 result=$2 shards=$3
headroom=${HEADROOM:-headroom}
seq "$shards" | parallel --halt soon,fail=1 --quote "$headroom" run "$scenario" -o "$result" --resume --threads 1 --shard "{}/$shards"
"$headroom" merge "$result"
