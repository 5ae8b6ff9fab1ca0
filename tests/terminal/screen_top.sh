#!/bin/sh
# `celllab top` in a second terminal shows what the first one does.
. ./lib.sh
open_shell
start
enter 'while true do end'
wait_for 'while true do end$'
pid=$(session_pid)

text=$("$CLAB_PROGRAM" top --plain)
echo "$text" | grep -q 'RAM ' || fail "no memory in: $text"
echo "$text" | grep -q "$(printf '\033')" && fail "an escape byte in plain text"
"$CLAB_PROGRAM" top "$pid" </dev/null | grep -q 'RAM ' || fail "top with a PID says nothing"
"$CLAB_PROGRAM" top 1 2>"$work/err" </dev/null && fail "top of a process that is no session succeeds"
grep -q 'no session' "$work/err" || fail "top does not say that there is no session"

mux split-window -t s "PS1='second\$ ' sh"
mux set -w -t s remain-on-exit on >/dev/null
mux resize-pane -Z -t s
wait_for 'second\$'
enter "$CLAB_PROGRAM top"
wait_for 'q leaves'
never 'Ctrl-C stop'
wait_for 'RAM '
key q
wait_for 'second\$ *$'
state_is '0-23 alternate=0 cursor=1' || fail "top leaves $(state)"
enter "kill -KILL $pid; $CLAB_PROGRAM top 2>&1"
wait_for 'no session of yours is running'
exit 0
