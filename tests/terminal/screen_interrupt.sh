#!/bin/sh
# Ctrl-C: a running statement stops within 200 ms and the session goes on with everything it had.
. ./lib.sh
open_shell
start
enter 'kept = "intact"'

now_ms() { date +%s%3N; }
# interrupted TEXT-ON-SCREEN: press Ctrl-C and time how long until the prompt is back
interrupted() {
    from=$(now_ms)
    key C-c
    wait_for 'interrupted after'
    wait_for '^celllab> *$'
    took=$(($(now_ms) - from))
    echo "$1: $took ms"
    # 200 ms for the step, the rest for looking at the screen in steps of 50 ms on a shared machine
    [ $took -le 600 ] || fail "$1 took $took ms to stop"
    enter 'kept'
    wait_for '^intact$'
    key C-l
    wait_gone 'interrupted after'
}

enter 'while true do end'
sleep 0.3
interrupted 'a Lua loop'

# not even pcall keeps it
enter 'while true do pcall(function() while true do end end) end'
sleep 0.3
interrupted 'a loop inside pcall'

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
