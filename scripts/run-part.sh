#!/usr/bin/env bash
# run-part.sh PRESET PROGRAM[.K-of-N]: runs one of our test programs, or the K-th of N parts of its tests.
set -euo pipefail
preset=$1 program=${2%%.*} part=${2#*.}
if [ "$part" != "$2" ]; then
  export GTEST_SHARD_INDEX=$((${part%-of-*} - 1)) GTEST_TOTAL_SHARDS=${part#*-of-}
fi
exec "build/$preset/$program" --gtest_brief=0
