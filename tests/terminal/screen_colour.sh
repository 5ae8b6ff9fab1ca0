#!/bin/sh
# Colours by role; NO_COLOR and --color=never leave bold and dim but no colour code; ASCII glyphs on request.
. ./lib.sh
open_shell
coloured() { mux capture-pane -p -e -t s | grep -qE "$(printf '\033')\[([0-9;]*;)?(3[0-7]|9[0-7]|38[;:]|4[0-7])(;[0-9;]*)?m"; }

start
enter 'error("red")'
enter ':pane on'
wait_for 'RAM '
coloured || fail "no colour at all"
enter ':quit'
wait_for 'ready\$ *$'
enter 'clear; export NO_COLOR=1 CELLLAB_GLYPHS=0'
wait_gone 'quit'
start
enter 'error("red")'
enter ':pane on'
wait_for 'RAM '
wait_for '^error: '
coloured && fail "a colour in spite of NO_COLOR"
screen | LC_ALL=C grep -q "$(printf '[\200-\377]')" && fail "a glyph beyond ASCII"
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
