#!/usr/bin/env bash
# clang-tidy on one file: prints "ok FILE" or "bad FILE", findings on stderr. For xargs in check.sh.
set -euo pipefail
limit_seconds=$1 file=$2
if out=$(timeout "$limit_seconds" clang-tidy --quiet -p build/debug --extra-arg=-Wno-unknown-warning-option "$file" 2>&1); then
  echo "ok $file"
else
  printf '%s\n' "$out" >&2
  echo "bad $file"
fi
