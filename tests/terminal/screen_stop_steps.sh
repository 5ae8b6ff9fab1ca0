#!/bin/sh
# Ctrl-C in the middle of reading, writing, a minibatch over all genes and an XGBoost round: within 200 ms the
# prompt is back, nothing half-done lies about, and everything the session had is still there.
. ./lib.sh
cells="${CLAB_SOURCE:?}/examples/data/pbmc_reference.h5ad"
wide="${CLAB_SHARED:-/nowhere}/real/scmix_celseq2_3cl.h5ad" # 28,204 genes
[ -e "$cells" ] || { echo "skipped: no example cells"; exit 77; }
open_shell 30 100
enter "cd '$work'; clear"
start
enter ':pane on'
enter "ref = lab.read('$cells')"
enter 'parts = {}; for i = 1, 300 do parts[i] = ref end; keys = {}; for i = 1, 300 do keys[i] = "p" .. i end'
enter 'big = lab.concat(parts, {keys = keys})'
enter 'big.n_obs'
wait_for '^158700$' 60

now_ms() { date +%s%3N; }
# stop_in NAME STATEMENT PROGRESS: run, wait until the pane shows progress, press Ctrl-C.  What is seen lags by
# up to 100 ms, as the screen is looked at every 50 ms; a machine that others use gets three tries.
stop_in() {
    for _ in 1 2 3; do
        key C-l
        wait_gone 'interrupted after'
        enter "$2"
        wait_for "$3" 60
        from=$(now_ms)
        key C-c
        wait_for 'interrupted after' 10
        took=$(($(now_ms) - from))
        wait_for '^celllab> *$'
        echo "$1: the prompt is back after $took ms"
        enter 'big.n_obs + ref.n_obs'
        wait_for '^159229$'
        [ $took -gt 350 ] || return 0
    done
    fail "$1: $took ms"
}

stop_in 'write' 'big:write("big.h5ad")' '[1-9][0-9]*/158700 cells'
[ -z "$(ls "$work"/*.h5ad* 2>/dev/null)" ] || fail "left behind: $(ls "$work"/*.h5ad*)"
enter 'big:write("big.h5ad")'
eventually 60 test -e "$work/big.h5ad" || fail "not written"
wait_for '^celllab> *$' 60

stop_in 'read' 'again = lab.read("big.h5ad")' '[1-9][0-9]*/158700 cells'
enter 'again == nil'
wait_for '^true$'

enter 'clf = lab.xgboost{seed=0, rounds=100000, max_depth=8}'
stop_in 'XGBoost' 'clf:fit(big, {features="genes", labels="cell_type"})' 'rounds'

if [ -e "$wide" ]; then
    enter "wide = lab.read('$wide', {counts='X'})"
    enter 'm = lab.scvi(wide, {seed=0})'
    wait_for '^celllab> *$'
    stop_in 'a minibatch of 28,204 genes' 'm:train{max_epochs=100000, batch_size=128}' 'epochs'
    enter 'm:train{max_epochs=1}'
    wait_for '^celllab> *$' 60
else
    echo "skipped: a minibatch over 28,204 genes (no file $wide)"
fi
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 30
exit 0
