#!/bin/sh
# Twenty sessions at once on one file: a login node is shared.  Each finishes its own small job.
set -eu
program=${CLAB_PROGRAM:?}
cells="${CLAB_SOURCE:?}/examples/data/pbmc_reference.h5ad"
[ -e "$cells" ] || { echo "skipped: no example cells"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -m 700 "$work/run"
export HOME="$work" XDG_RUNTIME_DIR="$work/run"

cat >"$work/job.lua" <<'L'
local ref = lab.read(arg[1]):filter_cells{min_genes=50}
local m = lab.scvi(ref, {n_latent=5, seed=0})
m:train{max_epochs=1}
ref.obsm.X_scVI = m:latent()
ref:write(arg[2])
L
pids=
for i in $(seq 20); do
    "$program" "$work/job.lua" "$cells" "$work/out$i.h5ad" >"$work/log$i" 2>&1 &
    pids="$pids $!"
done
bad=0
i=0
for pid in $pids; do
    i=$((i + 1))
    wait "$pid" || { bad=1; echo "session $i failed:"; tail -n 5 "$work/log$i"; }
done
[ $bad = 0 ] || exit 1
for i in $(seq 2 20); do
    cmp -s "$work/out1.h5ad" "$work/out$i.h5ad" || { echo "note: file $i differs from the first (dates are in it)"; break; }
done
[ "$(find "$work" -name 'out*.h5ad' | wc -l)" = 20 ] || { echo "not 20 results"; exit 1; }
[ -z "$(ls "$work/run/celllab" 2>/dev/null)" ] || { echo "live files are left behind"; exit 1; }
exit 0
