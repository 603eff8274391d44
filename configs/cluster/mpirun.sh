#!/bin/sh
# A sweep by mpirun: every rank runs one share; nothing is sent between them.
#   configs/cluster/mpirun.sh scenario.yaml result.h5 -n 8 [--hostfile hosts]
# A share that died is made again by the same line: those that are complete have nothing to do.
set -eu
scenario=$1 result=$2
shift 2
headroom=${HEADROOM:-headroom}
mpirun "$@" "$headroom" run "$scenario" -o "$result" --resume --threads 1
"$headroom" merge "$result"
