#!/bin/sh
# Whatever ends the session, in whatever state, the terminal is usable afterwards and the cause is said.
. ./lib.sh
open_shell

# end SIGNAL STATE
end() {
    enter clear
    wait_gone 'modes'
    start
    enter ':pane on'
    wait_for 'RAM '
    case $2 in
    typing) type 'half a line' && wait_for 'half a line' ;;
    computing)
        enter 'while true do end'
        wait_for 'while true do end$'
        ;;
    monitor)
        key M-m
        wait_for 'q back'
        ;;
    esac
    pid=$(session_pid)
    [ -n "$pid" ] || fail "no live file"
    kill -"$1" "$pid"
    wait_for 'ready\$ *$'
    case $1 in
    KILL | SEGV | ABRT) wait_for 'was ended by signal' ;;
    esac
    [ "$2-$1" != computing-KILL ] || wait_for 'while it ran: while true do end'
    normal_terminal 24
    rm -f "$work"/run/celllab/*
    echo "ok $1 $2"
}

for sig in KILL SEGV ABRT TERM HUP; do
    for when in prompt typing computing monitor; do
        end $sig $when
    done
done

# a signal to the process that the user sees, the guard, ends the session as well
enter clear
wait_gone 'modes'
start
pid=$(session_pid)
kill -TERM "$(awk '/^PPid:/ {print $2}' "/proc/$pid/status")"
wait_for 'ready\$ *$'
[ -z "$(session_pid)" ] || fail "the live file is left behind"
normal_terminal 24
exit 0
