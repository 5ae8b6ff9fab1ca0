#!/bin/sh
# plan_against.sh PROGRAM SOURCE TEMP -- the demo planned and measured: the promise of docs/plan.md holds, and the
# plan leaves nothing behind.
set -eu
program=$1 source=$2 temp=$3
rm -rf "$temp"
mkdir -p "$temp"
cd "$temp"
export XDG_STATE_HOME="$temp/state"
script=$source/examples/sessions/quickstart.lua
"$program" --threads 2 plan --json "$script" out >plan.json
[ ! -e out ] || { echo "the plan made out"; exit 1; }
"$program" --threads 2 run --timeline measured.json "$script" out >/dev/null
"$program" --threads 2 plan --against measured.json --svg bars.svg "$script" out >both.txt
grep -q "the prediction holds" both.txt || { cat both.txt; exit 1; }
grep -q "<svg" bars.svg
for key in peak_bytes mem_request steps live_bytes gpu_peak_bytes file_bytes; do
    grep -q "\"$key\"" plan.json || { echo "the plan has no $key"; exit 1; }
done
