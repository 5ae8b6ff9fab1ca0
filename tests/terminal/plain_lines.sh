#!/bin/sh
# Not a terminal, or one that cannot: plain lines, no escape byte, whatever is typed or printed.
set -eu
program=${CLAB_PROGRAM:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -m 700 "$work/run"
export HOME="$work" XDG_RUNTIME_DIR="$work/run"
unset NO_COLOR ACCESSIBLE || true

fail() {
    echo "FAILED: $*"
    cat -v "$work/out" "$work/err"
    exit 1
}
no_escape() {
    if grep -q "$(printf '\033')" "$work/out" "$work/err"; then fail "an escape byte ($1)"; fi
}

cat > "$work/in" <<'E2'
1 + 1
for i = 1, 2 do
  print("row", i)
end
print("\27[31mred\27[0m")
?lab
:help
t = os.clock() while os.clock() - t < 1.3 do end
lab.note("a note")
E2
"$program" <"$work/in" >"$work/out" 2>"$work/err" || fail "exit code $?"
no_escape pipe
grep -qx '2' "$work/out" || fail "no result"
grep -qx "row$(printf '\t')2" "$work/out" || fail "no loop"
grep -q 'celllab>' "$work/out" && fail "a prompt without a keyboard"

# an error is said on standard error, the rest still runs, the exit code tells
printf 'x = = 1\nprint("after")\n' | "$program" >"$work/out" 2>"$work/err" && fail "an error, but exit code 0"
grep -q '^error: ' "$work/err" || fail "no error"
grep -qx 'after' "$work/out" || fail "the session did not go on"
no_escape error

# unfinished at the end of the input
printf 'for i = 1, 2 do\n' | "$program" >"$work/out" 2>"$work/err" && fail "unfinished, but exit code 0"
grep -q '^error: ' "$work/err" || fail "an unfinished statement is not told"

# with a terminal on both ends, but for one reason or another no pane
if command -v script >/dev/null 2>&1; then
    for how in 'TERM=dumb' 'TERM=' 'ACCESSIBLE=1 TERM=xterm' '--plain'; do
        case $how in --*) call="TERM=xterm '$program' $how" ;; *) call="$how '$program'" ;; esac
        : >"$work/err"
        printf 'print("he" .. "re")\n1/0\n\004' | script -qec "env $call" "$work/out" >/dev/null || true
        tr -d '\r' <"$work/out" >"$work/out2" && mv "$work/out2" "$work/out"
        grep -qE '^(celllab> )?here$' "$work/out" || fail "nothing printed ($how)"
        grep -q 'celllab>' "$work/out" || fail "no prompt ($how)"
        no_escape "$how"
    done
fi
exit 0
