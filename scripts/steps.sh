# Sourced by ./run, ./test and scripts/setup.sh: steps that show what they do and for how long.
# Each step's output goes to a log file; on a terminal its last line is shown while it runs, elsewhere a line every
# 30 seconds. REQUIRES: the variables `program` (who speaks) and `logs` (folder of the log files).
# shellcheck shell=bash

ticker=
configure_flags=()

say() { printf '%s: %s\n' "${program:?}" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# The command of a step runs in the foreground, so that Ctrl-C reaches it; what ticks beside it is stopped here.
stop_ticker() {
  [ -n "$ticker" ] || return 0
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  ticker=
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

tick() {  # LABEL LOG
  local start=$SECONDS last waited
  trap 'exit 0' TERM
  while sleep 1; do
    waited=$((SECONDS - start))
    if [ -t 2 ]; then
      last=$(tail -n 1 "$2" 2>/dev/null | tr -cd '[:print:]' | cut -c 1-70)
      printf '\r\033[K%s: %s (%d s)  %s' "$program" "$1" "$waited" "$last" >&2
    elif [ $((waited % 30)) = 0 ]; then
      say "$1 (${waited} s)"
    fi
  done
}

# step NAME LABEL COMMAND...: returns the command's status; shows the end of its log when it failed.
step() {
  local name=$1 label=$2 start=$SECONDS rc=0
  shift 2
  local log=${logs:?}/$name.log
  mkdir -p "$logs"
  if [ ! -t 2 ]; then say "$label"; fi
  tick "$label" "$log" &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || rc=$?
  stop_ticker
  if [ "$rc" = 0 ]; then
    say "$label: done in $((SECONDS - start)) s"
  else
    tail -n "${log_tail:-40}" "$log" >&2
    say "$label: FAILED after $((SECONDS - start)) s (whole log: $log)"
  fi
  return "$rc"
}

# One at a time in this clone. Held until this shell ends; children that outlive it must be started with 9>&-.
lock_clone() {  # NAME
  mkdir -p .deps
  exec 9>".deps/$1.lock"
  flock -n 9 || die "another ./$1 is at work in this clone; wait for it or stop it"
}

use_ccache() {  # the compiler's cache stays in the clone
  export CCACHE_DIR=$PWD/.deps/cache/ccache CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=8G
  export CCACHE_SLOPPINESS=pch_defines,time_macros  # what it asks for before it keeps what a precompiled header went into
}

# Configures a preset unless that is done; CMake itself runs again when its own files have changed.
configure() {  # PRESET; with the flags of the array `configure_flags`
  local cache=build/$1/CMakeCache.txt
  if [ -f "$cache" ] && ! grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    rm -rf "build/$1"  # the clone has moved
  fi
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" "${configure_flags[@]}"
}

build() {  # PRESET TARGET...
  local preset=$1
  shift
  configure "$preset" && cmake --build --preset "$preset" --target "$@"
}
