#!/bin/sh
# check_includes.sh SOURCE -- an include may only point the way docs/architecture.md draws.
set -eu
cd "$1"
bad=0

# Inside core a room may include those before it in this list, never one after it.
core_rooms='base ledger guest backend counts data io steps models label plan cluster'

rank() {
    i=0
    for r in $core_rooms; do
        i=$((i + 1))
        [ "$r" = "$1" ] && { echo $i; return; }
    done
    echo 0
}

say() {
    echo "$1 includes $2: $3"
    bad=1
}

# "room/file.h" includes of one file, a line each
local_includes() {
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$1"
}

system_includes() {
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<\([^>]*\)>.*/\1/p' "$1"
}

# shellcheck disable=SC2044  # our own names hold no blanks
for f in $(find core -name '*.[ch]'); do
    room=$(echo "$f" | cut -d/ -f2)
    for h in $(local_includes "$f"); do
        [ -e "core/$h" ] || [ -e "$(dirname "$f")/$h" ] || say "$f" "$h" "no such header in core"
        case $h in */*) other=${h%%/*} ;; *) continue ;; esac
        case $f in core/*/*) [ "$(rank "$other")" -le "$(rank "$room")" ] || say "$f" "$h" "$room stands above $other" ;; esac
    done
    for h in $(system_includes "$f"); do
        case $h in
        lua* | lauxlib.h | curses.h | ncurses* | term.h | readline/*) say "$f" "<$h>" "core knows no Lua and no terminal" ;;
        cuda* | xgboost/* | cblas.h | openblas*) say "$f" "<$h>" "loaded at run time, with own prototypes" ;;
        hdf5*) [ "$room" = io ] || say "$f" "<$h>" "only core/io reads HDF5" ;;
        esac
    done
done

# shellcheck disable=SC2044  # our own names hold no blanks
for f in $(find lua tui repl gpu -name '*.[ch]' -o -name '*.cu' 2>/dev/null); do
    room=${f%%/*}
    for h in $(system_includes "$f"); do
        case $room:$h in
        lua:*curses.h | lua:readline/* | lua:term.h) say "$f" "<$h>" "lua touches no terminal" ;;
        tui:lua* | tui:lauxlib.h | tui:readline/*) say "$f" "<$h>" "tui draws snapshots, nothing else" ;;
        tui:term.h) [ "$f" = tui/term.c ] || say "$f" "<$h>" "term.h belongs to tui/term.c" ;;
        repl:*curses.h | repl:term.h | repl:hdf5* | repl:lua*) say "$f" "<$h>" "belongs to another room" ;;
        esac
    done
    for h in $(local_includes "$f"); do
        case $room:$h in
        *_impl.h) [ -e "$(dirname "$f")/$h" ] || say "$f" "$h" "private to its room" ;;
        tui:base/* | tui:ledger/*) ;;
        tui:*) [ -e "tui/$h" ] || say "$f" "$h" "tui sees only the ledger's snapshots" ;;
        gpu:base/* | gpu:backend/backend.h | gpu:backend/formula.h) ;;
        gpu:*) [ -e "gpu/$h" ] || say "$f" "$h" "gpu sees only the backend's interface" ;;
        lua:*) [ -e "core/$h" ] || [ -e "lua/$h" ] || say "$f" "$h" "lua sees core" ;;
        esac
    done
done
exit $bad
