#!/bin/sh
# shared_data.sh FOLDER -- one line in the test summary for what is left out where the further data is missing: exits 77
# (skipped) then, and names the tests that skip parts of themselves.
folder=$1
missing=
for part in golden_scanpy:filter,normalise,hvg,scale,concat golden_scvi:scvi_step format:io_corpus real:compare_files,screen_stop_steps; do
    [ -d "$folder/${part%%:*}" ] || missing="$missing ${part%%:*} (used by ${part#*:})"
done
[ -n "$missing" ] || exit 0
echo "further data is not in $folder:$missing"
echo "these tests ran on the project's own small files only"
exit 77
