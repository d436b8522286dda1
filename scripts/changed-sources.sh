#!/usr/bin/env bash
# changed-sources.sh changed|all: C++ sources that clang-tidy looks at. "changed": against the branch that the work
# started from (origin/main, else main), or the last commit where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-changed}" = all ]; then
  git ls-files 'src/*.cc' 'testing/*.cc'
  exit 0
fi
base=HEAD~1
for branch in origin/main origin/master main; do
  if fork=$(git merge-base HEAD "$branch" 2>/dev/null) && [ "$fork" != "$(git rev-parse HEAD)" ]; then
    base=$fork
    break
  fi
done
git rev-parse -q --verify "$base" >/dev/null || base=HEAD
{
  git diff --name-only --diff-filter=d "$base" -- '*.cc'
  git ls-files -o --exclude-standard -- '*.cc'
} | sort -u | while read -r file; do
  if [ -f "$file" ]; then printf '%s\n' "$file"; fi
done
