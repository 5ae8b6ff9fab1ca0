#!/bin/sh
# Ctrl-C: a running statement stops within 200 ms and the session goes on with everything it had.
. ./lib.sh
open_shell
start
enter 'kept = "intact"'

now_ms() { date +%s%3N; }
# interrupted NAME STATEMENT: run it, press Ctrl-C and time how long until the prompt is back.  200 ms for the
# step, the rest for a screen that is looked at every 50 ms; a machine that others use gets three tries.
interrupted() {
    for _ in 1 2 3; do
        enter "$2"
        sleep 0.3
        from=$(now_ms)
        key C-c
        wait_for 'interrupted after'
        took=$(($(now_ms) - from))
        wait_for '^celllab> *$'
        echo "$1: $took ms"
        enter 'kept'
        wait_for '^intact$'
        key C-l
        wait_gone 'interrupted after'
        [ $took -gt 400 ] || return 0
    done
    fail "$1 took $took ms to stop"
}

interrupted 'a Lua loop' 'while true do end'
# not even pcall keeps it
interrupted 'a loop inside pcall' 'while true do pcall(function() while true do end end) end'

# many times in a row, in any state
for _ in 1 2 3 4 5 6 7 8; do key C-c; done
enter 'kept'
wait_for '^intact$'
wait_for 'Ctrl-D leaves'

# Ctrl-\ ends a statement that will not stop, and leaves the terminal as it was
enter 'while true do end'
sleep 0.3
key 'C-\'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
