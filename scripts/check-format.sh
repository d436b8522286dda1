#!/usr/bin/env bash
# Every C++ file is as clang-format-19 writes it.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z -co --exclude-standard '*.cc' '*.h' | xargs -0 -r -n 40 -P 2 clang-format-19 --dry-run --Werror --ferror-limit=3
echo "formatted"
