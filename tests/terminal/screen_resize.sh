#!/bin/sh
# A storm of sizes while a statement runs and while a line is half typed; in the end the screen is as if it
# had always had its last size.
. ./lib.sh
open_shell
start
enter ':pane on'
wait_for 'RAM '

storm() {
    for size in '16 60' '30 100' '8 30' '24 80' '12 40' '50 132' '5 20' '24 200' '2 80' '24 80'; do
        # shellcheck disable=SC2086  # two words
        resize $size
    done
}
type 'kept = "half typed'
storm
wait_for 'kept = "half typed$'
wait_for 'RAM '
eventually 5 state_is '0-18 alternate=0 cursor=1' || fail "the region after the storm: $(state)"
[ "$(screen | grep -c 'half typed')" = 1 ] || fail "the line is there more than once"
type '"'
key Enter
enter 'kept'
wait_for '^half typed$'

enter 'for i = 1, 40 do local t = os.clock() while os.clock() - t < 0.05 do end print("row " .. i) end'
storm
storm
wait_for '^row 40$' 30
wait_for '^celllab> *$'
eventually 5 state_is '0-18 alternate=0 cursor=1' || fail "the region after the second storm: $(state)"
wait_for 'RAM '
[ "$(screen | grep -c 'RAM ')" = 1 ] || fail "more than one pane"

# in the full screen, too
key M-m
wait_for 'q back'
storm
wait_for 'q back'
key q
wait_for '^celllab> *$'
eventually 5 state_is '0-18 alternate=0 cursor=1' || fail "the region after the third storm: $(state)"
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
