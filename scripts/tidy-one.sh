#!/usr/bin/env bash
# tidy-one.sh FILE DEADLINE: clang-tidy-19 on one file for ./test. What passed before with the same text, headers and rules is
# not looked at again; a file that the deadline (seconds since 1970) leaves too little time for counts as skipped.
# REQUIRES: `results`, `logs`.
set -uo pipefail
file=$1 deadline=$2
name=${file//\//.}
stamps=build/tidy-stamps
mkdir -p "$stamps"
headers=$(sed -n 's/^#include "\(.*\)"$/src\/\1/p' "$file")
# shellcheck disable=SC2086  # one word a header
stamp=$stamps/$(cat .clang-tidy "$file" $headers 2>/dev/null | sha256sum | cut -c 1-40)
left=$((deadline - $(date +%s)))
if [ -f "$stamp" ]; then
  printf '1 0 0\n' >"${results:?}/tidy.$name"
elif ! grep -qF "\"$PWD/$file\"" build/check/compile_commands.json || [ "$left" -le 0 ]; then
  printf '0 0 1\n' >"$results/tidy.$name"
  echo "$file: not looked at"
else
  # shellcheck disable=SC2016  # the inner shell's variables; 77: skipped
  scripts/run-counted.sh tidy "$name" "$((left + 120))" bash -c \
    'timeout "$1" clang-tidy-19 --quiet -p build/check "$2" || { rc=$?; [ "$rc" != 124 ] || rc=77; exit "$rc"; }' \
    tidy "$((left + 60))" "$file"
  if grep -qx '1 0 0' "$results/tidy.$name"; then touch "$stamp"; fi
fi
