#!/bin/sh
# check_steps.sh SOURCE -- every step has its file, its page and a test that names it.
set -eu
cd "$1"
bad=0
steps=$(sed -n 's/^CLAB_STEP(\([a-z0-9_]*\)).*/\1/p' core/steps/steps.def)
[ -n "$steps" ] || { echo "core/steps/steps.def lists no step"; exit 1; }
for s in $steps; do
    [ -s "core/steps/$s.c" ] || { echo "step $s: core/steps/$s.c is missing"; bad=1; }
    [ -s "docs/steps/$s.md" ] || { echo "step $s: docs/steps/$s.md is missing"; bad=1; }
    grep -rqw -e "$s" --include='*.c' --include='*.lua' tests || { echo "step $s: no test names it"; bad=1; }
done
exit $bad
