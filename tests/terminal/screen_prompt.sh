#!/bin/sh
# The prompt: statements, continuation, errors, history, completion, help, pasting, typing ahead.
. ./lib.sh
open_shell
start

enter '1+1'
wait_for '^2$'
enter 'for i=1,3 do'
wait_for '>>'
enter 'print("line", i) end'
wait_for '^line.*3$'
enter 'x = = 1'
wait_for '^error: .*unexpected symbol'
enter 'error("from the user")'
wait_for '^error: .*from the user'

# one entry a statement: a single Up brings both lines back, and it runs again
key C-l
wait_gone 'unexpected'
key Up Up Up
wait_for 'for i=1,3 do$'
wait_for '^ *print\("line", i\) end|print\("line", i\) end'
key Enter
wait_for '^line.*3$'

# completion: one TAB as far as the words agree, the second lists
type 'lab.re'
key Tab
wait_for 'lab\.read$'
key Tab
wait_for '^read +read_csv'
key C-c
wait_for '\^C$'

# nothing to complete: a bell, and not as text; commands, topics of ?, paths after a command, values in quotes
type 'nosuchname'
key Tab
key C-c
wait_for 'nosuchname\^C$'
never 'x07'
type ':ru'
key Tab
wait_for ':run$'
key C-c
type '?keep'
key Tab
wait_for '\?keep_labels$'
key C-c
type '!ls /pro'
key Tab
wait_for '!ls /proc/$'
key C-c
type 'lab.read("x", {counts = "ra'
key Tab
wait_for 'counts = "raw$'
key C-c

# help fits into the window: broken between words, arguments and commands too
enter '?n_epochs_kl_warmup'
wait_for ':train +epochs in which'
enter '?where'
wait_for 'where shows the formula'
never '^[a-z]{1,3}$'
enter ':help run'
wait_for ':run FILE'

# Ctrl-C drops a statement with all its lines; the session goes on
enter 'do'
wait_for '>>'
key C-c
enter '"still " .. "here"'
wait_for '^still here$'

# longer than the window: through the pager
enter '?lab'
wait_for 'read .*Dataset'
key q
enter 'lab?'
wait_for 'read .*Dataset'
key q
enter ':no'
wait_for 'there is no command :no'

# wide characters: the cursor is where the terminal thinks it is
type 'print("größe 細胞 é")'
key Left Left Left
type '!'
key Enter
wait_for '^größe 細胞 !é$'

# and columns of a table stand under their names
enter "ref = lab.read('../../examples/data/pbmc_reference.h5ad'); ref.obs['größe 細胞'] = 12345"
enter 'ref.obs:head(1)'
wait_for '^ {20}cell_type +größe 細胞$'
wait_for '^  AAAGCCTGGCTAAC-1  CD14\+ Monocyte {7}12345$'

# a long line wraps and is edited in its middle
type "y = '$(printf 'x%.0s' $(seq 1 150))'"
key C-a
type 'w, '
key Enter
enter 'print(#w, y)'
wait_for '^150.nil$|^150 +nil$'

# typed ahead while a statement runs: it waits, is not echoed into the output, and runs afterwards
enter 't = os.clock() while os.clock() - t < 1.2 do end print("first done")'
type 'print("second", 40 + 2)'
key Enter
wait_for '^second +42$'
[ "$(screen | grep -c '^celllab> print("second", 40')" = 1 ] || fail "what was typed ahead is shown more than once"

# quitting by Ctrl-D; history survives, one entry a statement, private
key C-d
wait_for 'ready\$ *$'
history="$HOME/.local/state/celllab/history"
[ "$(stat -c %a "$history")" = 600 ] || fail "history has mode $(stat -c %a "$history")"
grep -q 'still' "$history" || fail "a statement is missing in the history"
key C-l
start
key Up
wait_for 'second", 40'
key C-c
enter ' leading = "blank"'
enter ':quit'
wait_for 'ready\$ *$'
grep -q 'leading' "$history" && fail "a statement with a leading blank was kept"

# a pager that is not there: the text is printed, to its last line
enter 'export PAGER=no-such-pager; clear'
start
enter '?lab'
wait_for '^ *mem +who holds'
key C-d
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
