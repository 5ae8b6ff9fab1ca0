#!/bin/sh
# fail_each.sh CELLLAB SOURCE KIND STRIDE -- the N-th allocation (KIND alloc) or file operation (KIND io) of a small
# session fails, for N = 1, 2, ... 20 and then every STRIDE-th, until the session passes.  Each failure must be an
# error in words (exit code 1, never a signal), leave no partial output and no temporary file.  In a build with
# sanitizers no process of the session, workers included, may have anything to report.
set -u
celllab=$1 source=$2 kind=$3 stride=$4
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
reference=$source/examples/data/pbmc_reference.h5ad
query=$source/examples/data/pbmc_query.h5ad
n=1 failed=0
mkdir "$dir/reports"
export ASAN_OPTIONS="log_path=$dir/reports/asan" UBSAN_OPTIONS="log_path=$dir/reports/ubsan:print_stacktrace=1"

run() {
    CELLLAB_FAULT=$kind:$n timeout 60 "$celllab" --plain --threads 2 "$source/tests/faults/session.lua" "$reference" "$query" "$dir/out.h5ad" \
        >"$dir/stdout" 2>"$dir/stderr"
}

complain() {
    echo "$kind:$n: $1"
    tail -n 15 "$dir/stderr"
    head -n 40 "$dir"/reports/* 2>/dev/null
    exit 1
}

while :; do
    rm -f "$dir/out.h5ad"
    run
    rc=$?
    grep -qs 'ERROR:\|runtime error' "$dir"/reports/* && complain "a sanitizer reported"
    left=$(find "$dir" -mindepth 1 ! -path "$dir/reports*" ! -name stdout ! -name stderr ! -name out.h5ad)
    [ -z "$left" ] || complain "left $left behind"
    if [ $rc = 0 ]; then
        [ -s "$dir/out.h5ad" ] || complain "said it was done without an output"
        break
    fi
    [ $rc = 1 ] || complain "ended with $rc instead of an error in words"
    [ -s "$dir/stderr" ] || complain "gave no message"
    [ ! -e "$dir/out.h5ad" ] || "$celllab" inspect "$dir/out.h5ad" >/dev/null 2>&1 || complain "left a broken output"
    failed=$((failed + 1))
    if [ $n -lt 20 ]; then n=$((n + 1)); else n=$((n + stride)); fi
    [ $n -lt 200000 ] || complain "the session never passed"
done
[ $failed -ge 5 ] || complain "only $failed failures were injected: the hook does not work"
echo "$failed failures of kind $kind were reported in words; passed at $kind:$n"
