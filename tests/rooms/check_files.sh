#!/bin/sh
# check_files.sh SOURCE -- no source file over 500 lines, none without a first sentence on what it is.
set -eu
cd "$1"
bad=0
# shellcheck disable=SC2044  # our own names hold no blanks
for f in $(find core lua tui repl gpu tests -name '*.[ch]' -o -name '*.cu'); do
    n=$(wc -l <"$f")
    [ "$n" -le 500 ] || { echo "$f has $n lines: split it"; bad=1; }
    head -n 1 "$f" | grep -q "^/\* $(basename "$f") -- " || { echo "$f does not begin with '/* $(basename "$f") -- what it is'"; bad=1; }
done
exit $bad
