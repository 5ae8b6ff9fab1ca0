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
# a statement that ends behind the full screen: what it printed, and the prompt, come when that is left
enter "$busy print('behind the scenes'); io.open('$work/ended', 'w'):close()"
key M-m
wait_for 'q back'
eventually 15 test -e "$work/ended" || fail "the statement does not end"
shows 'q back' || fail "the full screen is gone"
never 'celllab>'
type 'x'
key q
wait_for '^behind the scenes$'
wait_for '^celllab> *$'
enter '"and " .. "on"'
wait_for '^and on$'

# help that is taller than the screen goes through the pager, what is shorter does not
enter ':pane off'
enter '!true'
wait_for '^celllab> *$' # what is typed before is the command's
key C-d
wait_for 'ready\$ *$'
cat >"$work/editor" <<'EDIT'
#!/bin/sh
printf 'print("edited",\n 6 * 7)\n' >"$1"
EDIT
chmod +x "$work/editor"
enter "export PAGER=\"sed 's/^/paged: /'\" EDITOR='$work/editor'; clear"
wait_gone 'celllab'
start
enter ':pane on'
wait_for 'RAM '
enter '?lab.xgboost'
wait_for '^paged: .*seed '
wait_for 'RAM '
key C-l
enter ':help'
wait_for '^ *!COMMAND'
key C-l
type 'something'
key C-x C-e
wait_for '6 \* 7\)$'
key Enter
wait_for '^edited +42$'

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
