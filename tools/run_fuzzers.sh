#!/usr/bin/env bash
# Runs every fuzz target of a build folder for some seconds; fails on the first crash, leak or hang.
set -euo pipefail
build=$(realpath "$1")
seconds=$2
ran=0
while IFS= read -r target; do
  name=$(basename "$target")
  corpus=$build/corpus/$name
  mkdir -p "$corpus"
  echo "fuzz: $name for $seconds s"
  (cd "$corpus" && "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=0 -verbosity=0 "$corpus") || { echo "fuzz: $name failed"; exit 1; }
  ran=$((ran + 1))
done < <(find "$build/bin" -name '*_fuzz' -type f | sort)
[ "$ran" -gt 0 ] || { echo "fuzz: no target was built"; exit 1; }
echo "fuzz: $ran targets, no finding"
