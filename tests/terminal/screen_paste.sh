#!/bin/sh
# Bracketed paste: a block arrives whole, tabs in it complete nothing, a transcript loses its prompts.
. ./lib.sh
open_shell
start
paste() {
    mux set-buffer -- "$1"
    mux paste-buffer -p -t s
}

paste "$(printf 'local a = 20\nlocal b = 22\nprint(a\t+ b, "sum")')"
wait_for 'sum"\)'
key Enter
wait_for '^42 +sum$'

# several statements, the last one an expression: they run one after the other
paste "$(printf 'p = 6\nq = 7\np * q')"
wait_for 'p \* q'
key Enter
wait_for '^42$'

key C-l
wait_gone 'sum'
paste "$(printf 'celllab> r = 5\ncelllab> for i = 1, 2 do\n      >>   r = r + i\n      >> end\nan old output\ncelllab> print("r is", r)\n')"
wait_for 'print\("r is", r\)'
never 'an old output'
key Enter
wait_for '^r is +8$'
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
