#!/bin/sh
# interrupt.sh PROGRAM SOURCE -- SIGINT ends a batch job with exit code 130 wherever it is: in Lua that catches errors,
# in training, in a guest that reads.
set -u
program=$1 source=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export XDG_STATE_HOME="$dir/state"

# interrupt NAME CODE: starts CODE, waits for "started", interrupts it.
interrupt() {
    name=$1
    : >"$dir/out" # what the last one said must not start this one
    "$program" --threads 2 -e "$2" "$source/examples/data/pbmc_reference.h5ad" >"$dir/out" 2>"$dir/err" &
    pid=$!
    n=0
    until grep -q started "$dir/out"; do
        n=$((n + 1))
        [ $n -lt 600 ] || { echo "$name: never started"; cat "$dir/err"; kill -9 $pid; exit 1; }
        sleep 0.05
    done
    from=$(date +%s%N)
    kill -INT $pid
    wait $pid
    rc=$?
    took=$((($(date +%s%N) - from) / 1000000))
    echo "$name: exit code $rc after $took ms"
    [ $rc = 130 ] || { cat "$dir/err"; exit 1; }
    [ $took -lt 3000 ] || exit 1
    if grep -q "$(printf '\033')" "$dir/out" "$dir/err"; then echo "$name: an escape byte"; exit 1; fi
}

interrupt "a loop that catches errors" 'print("started") while true do pcall(function() while true do end end) end'
interrupt "training" 'ds = lab.read(arg[1])
    lab.scvi(ds):train{max_epochs = 100000, on_epoch = function(epoch) print("started", epoch) end}'
interrupt "reading again and again" 'while true do local d <close> = lab.read(arg[1]) if not s then print("started") s = true end end'
