#!/usr/bin/env bash
# Format, layers, house rules, clang-tidy on what differs from the last landed state, ruff and mypy.
set -euo pipefail
cd "$(dirname "$0")/.."
python=build/venv/bin/python

mapfile -t sources < <(git ls-files -co --exclude-standard '*.h' '*.cc')
clang-format-19 --dry-run -Werror "${sources[@]}"
$python tools/layers.py
$python tools/tidy.py
$python -m ruff check -q clients runtime tests tools bench examples
$python -m ruff format -q --check clients runtime tests tools bench examples
(cd clients/sdk && "$OLDPWD/$python" -m mypy)

# clang-tidy reads whole translation units: only those that changed since the base, if there is one.
base=${LINT_BASE:-$(git rev-parse -q --verify origin/main || git rev-parse HEAD)}
[ "$(git rev-parse "$base")" != "$(git rev-parse HEAD)" ] || base=HEAD~1
mapfile -t changed < <(git diff --name-only --diff-filter=d "$base" -- '*.cc'
  git ls-files -o --exclude-standard '*.cc')
if [ "${#changed[@]}" -gt 0 ]; then
  cmake --preset debug >/dev/null
  printf '%s\n' "${changed[@]}" | sort -u | xargs -P2 -n4 clang-tidy-19 -p build/debug --quiet 2>/dev/null
fi
echo "lint: clean"
