#!/usr/bin/env bash
# tidy-one.sh UNIT DEADLINE: clang-tidy-19 on one unit of scripts/compile-units.py for ./test. What passed before with the same
# text, headers and rules is not looked at again; a unit that the deadline (seconds since 1970) leaves too little time for counts
# as skipped.
# REQUIRES: `results`, `logs`, `long`.
set -uo pipefail
unit=$1 deadline=$2
# build/check/CMakeFiles/lakehouse_http.dir/Unity/unity_0_cxx.cxx as lakehouse_http.0
name=$(sed -E 's#.*CMakeFiles/(.*)\.dir/Unity/unity_([0-9]+)_.*#\1.\2#; s#/#.#g' <<<"$unit")
stamps=build/tidy-stamps
mkdir -p "$stamps"
# One level of includes, and what those include.
included() { sed -nE "s#^\#include \"($PWD/)?(src/)?([a-z_]+/.*)\"\$#src/\3#p" "$@" 2>/dev/null | sort -u; }
mapfile -t sources < <(included "$unit")
[[ $unit != */Unity/* || ${#sources[@]} != 0 ]] || { echo "$unit: names no source" && printf '0 1 0\n' >"${results:?}/tidy.$name" && exit 1; }
mapfile -t headers < <(included "$unit" "${sources[@]}")
stamp=$stamps/$(cat .clang-tidy "$unit" "${sources[@]}" "${headers[@]}" 2>/dev/null | sha256sum | cut -c 1-40)
# Tests need not be fast.
checks=
case $name in *_test.*) checks=-performance-* ;; esac
left=$((deadline - $(date +%s)))
# DuckDB's header alone takes minutes: only where there is time.
case $name in lakehouse_query.*) [ "${long:-0}" = 1 ] || left=0 ;; esac
if [ -f "$stamp" ]; then
  printf '1 0 0\n' >"${results:?}/tidy.$name"
elif ! grep -qF "\"$PWD/$unit\"" build/check/compile_commands.json || [ "$left" -le 0 ]; then
  printf '0 0 1\n' >"$results/tidy.$name"
  echo "$name: not looked at"
else
  # shellcheck disable=SC2016  # the inner shell's variables; 77: skipped
  scripts/run-counted.sh tidy "$name" "$((left + 120))" bash -c \
    'timeout "$1" clang-tidy-19 --quiet --checks="$3" -p build/check "$2" || { rc=$?; [ "$rc" != 124 ] || rc=77; exit "$rc"; }' \
    tidy "$((left + 60))" "$unit" "$checks"
  if grep -qx '1 0 0' "$results/tidy.$name"; then touch "$stamp"; fi
fi
