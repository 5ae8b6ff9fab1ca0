#!/bin/sh
# budget.sh CELLLAB SOURCE -- the whole job at shares of the memory that it takes without a limit: it ends with a
# refusal in words or is done, is never killed, holds nothing afterwards, and all its processes together take no more
# than the budget and MARGIN, or than the program takes before it does anything.  Then the same under ulimit -v and in
# a memory cgroup of its own, where this account may make one (said when not).
set -u
celllab=$1 source=$2
margin=$((12 << 20)) # one block of rows, a worker that starts, and what small pieces add before they are measured
dir=$(mktemp -d) || exit 1
group=
trap 'rm -rf "$dir"; [ -z "$group" ] || rmdir "$group" 2>/dev/null' EXIT
data=$source/examples/data

# run BUDGET: one line of a job without a prompt; $ended, $own, $peak.
run() {
    rm -f "$dir/out.h5ad"
    timeout 100 "$celllab" --plain --threads 2 ${1:+--budget} ${1:+"$1"} "$source/tests/faults/budget.lua" \
        "$data/pbmc_reference.h5ad" "$data/pbmc_query.h5ad" "$dir/out.h5ad" >"$dir/stdout" 2>"$dir/stderr"
    rc=$?
    ended=$(sed -n 's/^ended\t//p' "$dir/stdout")
    own=$(sed -n 's/^own\t//p' "$dir/stdout")
    peak=$(sed -n 's/^peak\t//p' "$dir/stdout")
}

complain() {
    echo "$1"
    tail -n 20 "$dir/stdout" "$dir/stderr"
    exit 1
}

check() { # check NAME LIMIT
    [ "$rc" = 0 ] || complain "$1: ended with $rc"
    case $ended in
    done) [ -s "$dir/out.h5ad" ] || complain "$1: done without an output" ;;
    EBUDGET) ;;
    ENOMEM) [ "${3:-}" = system ] || complain "$1: the system refused, not the budget" ;;
    *) complain "$1: ended with $ended" ;;
    esac
    grep -q "backed=true" "$dir/stderr" && ended="$ended, backed"
    echo "$1: limit $(($2 >> 20)) MiB, $ended, peak $((peak >> 20)) MiB"
}

run ""
[ "$rc" = 0 ] && [ "$ended" = done ] || complain "without a limit it ended with $rc, $ended"
whole=$peak
echo "without a limit: peak $((whole >> 20)) MiB, $((own >> 20)) MiB of it before anything is done"
for share in 10 25 50 75 95; do
    budget=$((whole / 100 * share))
    run "$budget"
    check "budget of $share %" "$budget"
    most=$budget
    [ "$own" -le "$most" ] || most=$own
    # After the job the session reads a file without that budget; the peak holds for both.
    [ "$peak" -le $((most + margin)) ] || complain "$share %: the processes took $peak bytes, the budget was $budget"
done

# ulimit -v counts addresses: what the program has of them at the start is the least that it can live in.  BLAS is not
# loaded where its threads would not find their buffers.
for mib in 400 600 1200; do
    (ulimit -v $((mib << 10)) && run "" && check "ulimit -v $mib MiB" $((mib << 20)) system) || exit 1
done

# A cgroup kills instead of refusing.
memory=/sys/fs/cgroup/memory/$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup 2>/dev/null)
if [ -f "$memory/cgroup.procs" ] && mkdir "$memory/celllab-test-$$" 2>/dev/null; then
    group=$memory/celllab-test-$$
    for share in 50 75 150; do
        limit=$((whole / 100 * share))
        if ! echo "$limit" >"$group/memory.limit_in_bytes" 2>/dev/null; then
            echo "skipped: the cgroup takes no limit"
            break
        fi
        sh -c 'echo $$ >"$0/cgroup.procs"' "$group" 2>/dev/null ||
            { echo "skipped: no process may be put into the cgroup"; break; }
        cat >"$dir/in_group" <<END
#!/bin/sh
echo \$\$ >"$group/cgroup.procs" && exec "$celllab" "\$@"
END
        chmod +x "$dir/in_group"
        (celllab=$dir/in_group && run "" && check "cgroup of $share %" "$limit") || exit 1
        grep -q "^oom_kill [1-9]" "$group/memory.oom_control" && complain "the cgroup killed at $share %"
    done
else
    echo "skipped: no memory cgroup can be made here"
fi
exit 0
