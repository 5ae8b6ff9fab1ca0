#!/bin/sh
# :run, :step and :record.
. ./lib.sh
open_shell
cd "$work" || exit 1
cat > "$work/demo.lua" <<'L'
-- a script for a class
local base = 20
local function twice(x)
  return 2 * x
end
answer = twice(base) + 2
print("the answer is", answer)
L
enter "cd '$work'; clear"
start

enter ':run demo.lua'
wait_for '^the answer is +42$'
enter ':run nowhere.lua'
wait_for '^error: .*nowhere.lua'

key C-l
enter ':step demo.lua'
wait_for 'celllab> local base = 20'
wait_for '^step> *$'
key Enter
wait_for 'celllab> local function twice'
wait_for '>> end'
enter 'base + 1'
wait_for '^21$'
key Enter
wait_for 'celllab> answer = twice'
key Enter
wait_for 'celllab> print\("the answer'
key Enter
wait_for '^the answer is +42$'
key Enter
wait_for 'at its end'
wait_for '^celllab> *$'

key C-l
enter 'z = 5'
enter ':record saved.lua'
wait_for 'recording into saved.lua'
enter 'z = z + 1'
enter 'z'
wait_for '^6$'
enter 'for i = 1, 2 do'
enter '  print("i", i)'
enter 'end'
wait_for '^i +2$'
enter 'z + nil'
wait_for '^error'
enter ':record saved.lua'
wait_for 'there is such a file'
enter ':record'
wait_for 'recorded into saved.lua'
grep -qx 'print(z)' saved.lua || { cat saved.lua; fail "an expression is not printed by the transcript"; }
grep -qx -- '-- 6' saved.lua || { cat saved.lua; fail "an output is no comment"; }
grep -qx -- '-- failed: z + nil' saved.lua || { cat saved.lua; fail "a failed statement is no comment"; }
key C-l
wait_gone 'recorded into'
enter 'z = nil'
enter ':run saved.lua'
wait_for '^6$'
wait_for '^i +2$'
enter ':quit'
wait_for 'ready\$ *$'
normal_terminal 24
exit 0
