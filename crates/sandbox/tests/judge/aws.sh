#!/usr/bin/env bash
# Stands in for `python -m awscli ARGUMENTS`: has cli.py run it.
set -euo pipefail
shift 2
printf '%s\0' "$@" >"$AWS_RUNS/ask"
code=$(<"$AWS_RUNS/done")
cat "$AWS_RUNS/out"
cat "$AWS_RUNS/err" >&2
exit "$code"
