# Sourced by ./test: its stages, in order. Each counts what it ran with run-counted.sh.
# REQUIRES: the variables that ./test sets (results, logs, only, long, fuzz_seconds, tidy_scope, tidy_seconds).
# shellcheck shell=bash disable=SC2034,SC2154

# Test programs and fuzz targets are named after what stands in src/ (cmake/Modules.cmake).
test_programs() {
  find src -name '*_test.cc' | cut -d/ -f2 | sort -u | sed 's/$/_test/'
}
fuzz_targets() { find src -name '*_fuzz.cc' -printf '%f\n' | sed 's/\.cc$//' | sort; }
# What shares state between threads.
concurrent_programs() { test_programs | grep -E '^(base|net|object|catalog|vector|query|service|http|flight|server)_test$' || true; }

selected() { # STAGE: keeps the names on standard input that --only asks for
  local name
  while read -r name; do
    if [[ -z $only || "$1/$name" =~ $only ]]; then printf '%s\n' "$name"; fi
  done
}

# A step whose few lines of output are worth reading.
shown() { # NAME LABEL COMMAND...
  local rc=0
  step "$@" || rc=$?
  if [ "$rc" = 0 ]; then sed 's/^/    /' "$logs/$1.log" >&2; fi
  return "$rc"
}

# counted STAGE NAME SECONDS COMMAND...
counted() { scripts/run-counted.sh "$@"; }

# Runs what follows for each name on standard input, as many at once as told; {} is the name.
each() { # JOBS STAGE SECONDS COMMAND...
  local jobs=$1 stage=$2 seconds=$3
  shift 3
  # Servers of tests that run side by side take ports from different ranges (tests/smoke/lake.py).
  xargs -r -P "$jobs" --process-slot-var=LAKE_PORT_SLOT -I{} scripts/run-counted.sh "$stage" {} "$seconds" "$@"
}

# A build that fails is one failed test, and what needed it is not run.
built() { # PRESET TARGET...
  local preset=$1
  shift
  step "build-$preset" "building $preset ($# targets)" build "$preset" "$@" && return 0
  printf '0 1 0\n' >"$results/build.$preset"
  printf '== build %s: see %s/build-%s.log\n' "$preset" "$logs" "$preset" >>"$results/failures"
  return 1
}

# True when standard input has a line. Reads it to its end: a grep -q would end a writer early, and pipefail count that.
any_line() { [ -n "$(cat)" ]; }

# Counts a stage as failed that has no program to ask.
no_program() {
  printf '0 1 0\n' >"$results/$1.program"
  printf '== %s: build/check/lakehouse is not there to be tested\n' "$1" >>"$results/failures"
}

stage_format() {
  echo format | selected checks | any_line || return 0
  shown checks-format "formatting" counted checks format 120 scripts/check-format.sh
}

stage_checks() {
  local scripts
  mapfile -t scripts < <(cd scripts && find . -maxdepth 1 -name 'check-*.py' ! -name check-docs.py -printf '%f\n' | sort | selected checks)
  [ ${#scripts[@]} = 0 ] || shown checks "rules about the sources" check_scripts "${scripts[@]}"
}
check_scripts() { printf '%s\n' "$@" | each 2 checks 60 scripts/{}; }

smokes() { find tests/smoke -maxdepth 1 -name '[dg]*' -type f -perm -u+x -printf '%f\n' 2>/dev/null | sort; }
# Documents, smokes and end-to-end tests ask the program itself.
asks_program() {
  { echo check-docs.py | selected checks; smokes | selected smoke; e2e_files | selected e2e; } | any_line
}

stage_unit() {
  local programs targets
  mapfile -t programs < <(test_programs | selected unit)
  targets=("${programs[@]}")
  if asks_program; then targets+=(lakehouse); fi
  [ ${#targets[@]} != 0 ] || return 0
  configure_flags=()
  built check "${targets[@]}" || return 0
  [ ${#programs[@]} = 0 ] || shown unit "unit tests (${#programs[@]} programs)" run_programs unit check 120 "${programs[@]}"
}
# The program that takes longest runs in parts and first, so that both cores are busy to the end.
in_parts() { # PROGRAM...
  if [[ " $* " == *" vector_test "* ]]; then printf 'vector_test.%s\n' 1-of-3 2-of-3 3-of-3; fi
  printf '%s\n' "$@" | grep -vx vector_test || true
}
run_programs() { # STAGE PRESET SECONDS PROGRAM...
  local stage=$1 preset=$2 seconds=$3
  shift 3
  in_parts "$@" | each 2 "$stage" "$seconds" scripts/run-part.sh "$preset" {}
}

stage_docs() {
  echo check-docs.py | selected checks | any_line || return 0
  [ -x build/check/lakehouse ] || { no_program docs && return 0; }
  shown docs "documents against the program" counted checks check-docs.py 60 scripts/check-docs.py build/check/lakehouse
}

stage_smoke() {
  local names
  mapfile -t names < <(smokes | selected smoke)
  [ ${#names[@]} != 0 ] || return 0
  [ -x build/check/lakehouse ] || { no_program smoke && return 0; }
  shown smoke "smokes (${#names[@]})" run_smokes "${names[@]}"
}
run_smokes() { printf '%s\n' "$@" | each 2 smoke 180 "tests/smoke/{}"; }

# A file has its own servers, so files run side by side; the longest first.
e2e_files() {
  find tests/e2e -name 'test_*.py' -printf '%s %f\n' | sort -rn | sed 's/^[0-9]* //; s/\.py$//' |
    if [ "$long" = 1 ]; then cat; else grep -vx test_flight_jdbc; fi
}
stage_e2e() {
  local files
  mapfile -t files < <(e2e_files | selected e2e)
  [ ${#files[@]} != 0 ] || return 0
  [ -x build/check/lakehouse ] || { no_program e2e && return 0; }
  shown e2e "end-to-end tests (${#files[@]} files)" run_e2e "${files[@]}"
}
run_e2e() { printf '%s\n' "$@" | each 2 e2e 900 .deps/venv/bin/python -B -m pytest -q -p no:cacheprovider "tests/e2e/{}.py"; }

# The sanitized build carries the fuzz targets as well: one compilation serves both.
stage_asan() {
  local programs fuzzers
  mapfile -t programs < <(test_programs | selected asan)
  mapfile -t fuzzers < <(fuzz_targets | selected fuzz)
  [ $((${#programs[@]} + ${#fuzzers[@]})) != 0 ] || return 0
  configure_flags=(-DLAKEHOUSE_FUZZ=ON)
  built asan "${programs[@]}" "${fuzzers[@]}" || return 0
  # Times mean nothing here.
  export GTEST_FILTER="-ScaleTest.*"
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
  [ ${#programs[@]} = 0 ] || shown asan "unit tests under ASan and UBSan (${#programs[@]} programs)" run_programs asan asan 480 "${programs[@]}"
  [ ${#fuzzers[@]} = 0 ] || shown fuzz "fuzz targets (${#fuzzers[@]}, $fuzz_seconds s each)" run_fuzzers "${fuzzers[@]}"
}
run_fuzzers() {
  local target
  for target in "$@"; do mkdir -p "build/fuzz-corpus/$target" "tests/corpus/$target"; done
  # New inputs go to build/, the kept corpus is read only.
  printf '%s\n' "$@" | each 2 fuzz $((fuzz_seconds + 60)) "build/asan/{}" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$logs/{}-" "build/fuzz-corpus/{}" "tests/corpus/{}"
}

stage_tsan() {
  local programs
  mapfile -t programs < <(concurrent_programs | selected tsan)
  [ ${#programs[@]} != 0 ] || return 0
  configure_flags=()
  built tsan "${programs[@]}" || return 0
  # Arrow's own allocator hands memory from thread to thread where the sanitizer cannot see it.
  export ARROW_DEFAULT_MEMORY_POOL=system
  # Recall is one thread's work, and takes minutes here; times mean nothing.
  export GTEST_FILTER="-*Recall*:ScaleTest.*"
  export TSAN_OPTIONS="halt_on_error=0 exitcode=66 suppressions=$PWD/scripts/tsan-suppressions.txt"
  shown tsan "concurrent unit tests under TSan (${#programs[@]} programs)" run_programs tsan tsan 600 "${programs[@]}"
}

stage_tidy() {
  echo tidy | selected tidy | any_line || return 0
  [ -f build/check/compile_commands.json ] || return 0
  shown tidy "clang-tidy on changed files" run_tidy
}
run_tidy() {
  local units
  units=$(scripts/changed-sources.sh "$tidy_scope" | scripts/compile-units.py build/check) || {
    printf '0 1 0\n' >"$results/tidy.units"
    return 1
  }
  [ -n "$units" ] || { echo "no source has changed"; return 0; }
  xargs -r -P 2 -I{} scripts/tidy-one.sh {} $(($(date +%s) + tidy_seconds)) <<<"$units"
}

stage_gcc() { # --long: the second compiler builds clean as well
  [ "$long" = 1 ] && echo gcc | selected build | any_line || return 0
  configure_flags=()
  built gcc lakehouse && printf '1 0 0\n' >"$results/build.gcc"
}
