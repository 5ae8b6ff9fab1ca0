#!/bin/bash
# kill_write.sh CELLLAB SOURCE N [save] -- a session that writes over a file, or edits it, is killed at N moments between its first byte
# and a little after the last.  The file must then be the old one or the new one, byte for byte, and what the
# killed left behind must be gone after the next write into the folder.
set -u
celllab=$1 source=$2 n=$3 how=${4-}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
study=$source/examples/data/pbmc_reference.h5ad
target=$dir/study.h5ad
RANDOM=20240229

start() { # its process is $pid once it is about to write
    rm -f "$dir/ready"
    mkfifo "$dir/ready"
    "$celllab" --plain --threads 2 "$source/tests/faults/kill_write.lua" "$study" "$target" $how >"$dir/ready" 2>"$dir/stderr" &
    pid=$!
    read -r word <"$dir/ready"
    [ "$word" = ready ] || { cat "$dir/stderr"; exit 1; }
}
now() { echo $((${EPOCHREALTIME/./})); } # microseconds
sum() { sha256sum <"$1"; }

cp "$study" "$target"
old=$(sum "$target")
start
began=$(now)
wait "$pid" || { cat "$dir/stderr"; exit 1; }
took=$(($(now) - began))
new=$(sum "$target")
[ "$old" != "$new" ] || { echo "writing changed nothing"; exit 1; }

killed=0 kept=0 left=0 found=0
for i in $(seq "$n"); do
    cp "$study" "$target"
    start
    pause=$((RANDOM * took / 32768 * 5 / 4))
    sleep "$(printf '0.%06d' $((pause < 999999 ? pause : 999999)))"
    kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
    wait "$pid" 2>/dev/null
    is=$(sum "$target")
    case $is in
    "$old") kept=$((kept + 1)) ;;
    "$new") ;;
    *) echo "kill $i, after $pause us: the file is neither the old nor the new one"; exit 1 ;;
    esac
    found=$(find "$dir" -name '.celllab-*' | wc -l)
    [ "$found" -le 1 ] || { echo "kill $i: $found temporary files: those of earlier writers were not removed"; exit 1; }
    left=$((left + found))
done
cp "$study" "$target"
sleep 0.3 # the last worker dies with its session
"$celllab" --plain --threads 2 "$source/tests/faults/kill_write.lua" "$study" "$target" $how >/dev/null 2>&1 || exit 1
[ "$(sum "$target")" = "$new" ] || { echo "the write after the kills gave another file"; exit 1; }
found=$(find "$dir" -name '.celllab-*' | wc -l)
[ "$found" = 0 ] || { echo "$found temporary files left after the next write"; exit 1; }
[ $kept -gt 0 ] && [ $left -gt 0 ] || { echo "no kill came in time ($kept kept, $left left): the test tests nothing"; exit 1; }
echo "$killed of $n killed: $kept old, $((n - kept)) new; $left temporary files left, none after the next write"
