#!/bin/sh
# While a model trains the pane shows the memory that /proc measures, the limit in force, and a growing curve.
. ./lib.sh
cells="${CLAB_SOURCE:?}/examples/data/pbmc_reference.h5ad"
[ -e "$cells" ] || { echo "skipped: no example cells"; exit 77; }
open_shell
start --budget 3G
enter "ref = lab.read('$cells')"
wait_for '^celllab> *$'
enter 'm = lab.scvi(ref, {n_latent=10, seed=0})'
wait_for '^celllab> *$'
enter 'm:train{max_epochs=2000}'
wait_for '[0-9]+/2000 epochs' 30
wait_for 'elbo_train'

epoch() { screen | sed -n 's/.* \([0-9]*\)\/2000 epochs.*/\1/p' | head -1; }
past() { e=$(epoch) && [ "${e:-0}" -ge "$1" ]; }
# the epoch at the right end of the curve
curve_end() { screen | sed -n 's/^.*└.*elbo_train *epoch *\([0-9]*\).*/\1/p' | head -1; }
# cells of the left panel that hold a piece of the curve: braille, by its first two bytes
drawn() { screen | tail -4 | sed 's/│.*//' | LC_ALL=C grep -a -o "$(printf '\342[\240-\243]')" | wc -l; }

# The process tree as the kernel counts it, in KiB.
tree_kib() {
    total=0
    for p in "$1" $(cat "/proc/$1/task"/*/children 2>/dev/null); do
        k=$(awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup" 2>/dev/null)
        total=$((total + ${k:-0}))
    done
    echo "$total"
}
shown_kib() {
    screen | sed -n 's/.*RAM [^0-9]*\([0-9.]*\) \{0,1\}\([KMG]iB\)\{0,1\}\/\([0-9.]*\) \([KMG]iB\).*/\1 \2 \4/p' | head -1 |
        awk '{u = NF == 3 ? $2 : $2; f = u == "GiB" ? 1048576 : u == "MiB" ? 1024 : 1; printf "%d\n", $1 * f}'
}
memory_agrees() {
    shown=$(shown_kib)
    real=$(tree_kib "$(session_pid)")
    [ -n "$shown" ] && [ "$real" -gt 0 ] && [ $((100 * (shown - real))) -le $((5 * real)) ] &&
        [ $((100 * (real - shown))) -le $((5 * real)) ]
}

eventually 60 past 2 || fail "no second epoch"
first=$(screen)
first_epoch=$(epoch)
first_cells=$(drawn)
first_end=$(curve_end)
eventually 10 memory_agrees || fail "the pane says $shown KiB, the kernel $real KiB"
wait_for 'RAM .*/3\.00 GiB budget'

eventually 60 past $((first_epoch + 12)) || fail "no later epoch than $(epoch)"
second_cells=$(drawn)
second_end=$(curve_end)
eventually 10 memory_agrees || fail "the pane says $shown KiB, the kernel $real KiB"
wait_for 'RAM .*/3\.00 GiB budget'
echo "curve of $first_cells cells to epoch $first_end, then of $second_cells cells to epoch $second_end"
[ "$first_cells" -gt 0 ] && [ "$second_cells" -gt 0 ] && [ "$second_end" -gt "$((first_end + 5))" ] || { echo "$first"; fail "the curve did not grow"; }

key C-c
wait_for 'interrupted after'
wait_for '^celllab> *$'
enter '#m.history.elbo_train > 3'
wait_for '^true$'
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
