#!/usr/bin/env bash
# run-counted.sh STAGE NAME SECONDS COMMAND...: runs one test program for ./test and writes "passed failed skipped" to
# $results/STAGE.NAME. GoogleTest programs and pytest are counted test by test, anything else as one. Always succeeds: the counts say
# what failed. REQUIRES: `results` and `logs` name folders.
set -uo pipefail
stage=$1 name=$2 seconds=$3
shift 3
log=${logs:?}/$stage.$name.log
start=$SECONDS
timeout --foreground --kill-after=10 "$seconds" "$@" >"$log" 2>&1 </dev/null
rc=$?

count() { grep -acE "$1" "$log" || true; }
passed=0 failed=0 skipped=0
if grep -aq '^\[==========\] Running' "$log"; then
  passed=$(count '^\[       OK \] .*ms\)$')
  failed=$(count '^\[  FAILED  \] .*ms\)$')
  skipped=$(count '^\[  SKIPPED \] .*ms\)$')
  # A crash, a sanitizer's report or the time limit comes after tests that passed.
  if [ "$rc" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
elif summary=$(grep -aE '^[0-9]+ (passed|failed|skipped|error).* in [0-9.]+s' "$log") && [ "$stage" = e2e ]; then
  number() { grep -oE "[0-9]+ $1" <<<"$summary" | head -n 1 | grep -oE '^[0-9]+' || echo 0; }
  passed=$(number passed) failed=$(($(number failed) + $(number error))) skipped=$(number skipped)
  if [ "$rc" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
elif [ "$rc" = 0 ]; then
  passed=1
elif [ "$rc" = 77 ]; then
  skipped=1
else
  failed=1
fi
printf '%s %s %s\n' "$passed" "$failed" "$skipped" >"${results:?}/$stage.$name"
verdict=ok
if [ "$failed" != 0 ]; then
  verdict=FAILED
  if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then verdict="FAILED (stopped after $seconds s)"; fi
  {
    printf '== %s %s: the end of %s\n' "$stage" "$name" "$log"
    grep -aE '^\[  FAILED  \] .*ms\)$|: Failure$|ERROR: |WARNING: ThreadSanitizer|runtime error:' "$log" | head -n 20
    tail -n 40 "$log"
  } >>"$results/failures"
fi
printf '%-8s %-24s %4d passed %3d failed %3d skipped  %3d s  %s\n' \
  "$stage" "$name" "$passed" "$failed" "$skipped" $((SECONDS - start)) "$verdict"
