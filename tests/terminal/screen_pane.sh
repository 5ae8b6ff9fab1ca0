#!/bin/sh
# The pane: opens by itself, stays below the scroll region, keeps scrollback, survives what wipes screens.
. ./lib.sh
open_shell
start
rule='─ .* ─'
busy='t = os.clock() while os.clock() - t < 1.6 do end'

state_is '0-23 alternate=0 cursor=1' || fail "a region before any pane: $(state)"
enter "$busy print('over')"
wait_for "$rule"
wait_for '^over$'
state_is '0-18 alternate=0 cursor=1' || fail "no region for five rows: $(state)"
wait_for 'RAM '
wait_for 'node .*free, swap'
wait_for 'GPU'

# text scrolls above it, all of it into the scrollback
enter 'for i = 1, 100 do print("output " .. i) end'
wait_for '^output 100$'
[ "$(all_text | grep -c '^output ')" = 100 ] || fail "scrollback lost lines: $(all_text | grep -c '^output ')"
wait_for 'RAM '

key C-l
wait_gone 'output 100'
wait_for 'RAM '
enter '!echo from; echo the shell'
wait_for '^the shell$'
wait_for 'RAM '
state_is '0-18 alternate=0 cursor=1' || fail "the region after a command: $(state)"

# stray output of a library, here another process on the same descriptors, does no harm
enter 'os.execute([[printf "stray \\033[2J\\033[1;1H text\\n"]])'
wait_for 'stray .x1b\[2J'
wait_for 'RAM '

# full screen and back, idle and busy
type 'half a li'
key M-m
eventually 5 state_is '0-23 alternate=1 cursor=0' || fail "no full screen: $(state)"
wait_for 'q back'
key q
eventually 5 state_is '0-18 alternate=0 cursor=1' || fail "not back: $(state)"
wait_for 'half a li$'
wait_for 'RAM '
key C-c
enter "$busy print('behind the scenes')"
key M-m
wait_for 'q back'
sleep 0.1
key q
wait_for '^behind the scenes$'
wait_for '^celllab> *$'

# Ctrl-Z and back, with half a line
type 'half '
key C-z
wait_for 'ready\$ *$'
eventually 5 state_is '0-23 alternate=0 cursor=1' || fail "stopped with a region: $(state)"
enter 'echo in the shell; fg'
wait_for 'in the shell'
wait_for 'celllab> half *$'
type '.. "line"'
key C-c
enter '"awa" .. "ke"'
wait_for '^awake$'
state_is '0-18 alternate=0 cursor=1' || fail "no region after fg: $(state)"

enter ':pane off'
wait_gone 'RAM '
state_is '0-23 alternate=0 cursor=1' || fail "pane off leaves $(state)"
enter ':pane 3'
wait_for "$rule"
state_is '0-20 alternate=0 cursor=1' || fail "pane 3 leaves $(state)"
enter ':quit'
wait_for 'ready\$ *$'
never 'RAM '
normal_terminal 24
exit 0
