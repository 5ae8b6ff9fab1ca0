# lib.sh -- what the screen tests share: a private tmux server with a shell in it, text typed into it, and
# waiting for what appears.  Source it; CLAB_PROGRAM names the program.
#
# Rules: never sleep for a guess, wait for text; a failure prints the screen; only our own server is ended.

command -v tmux >/dev/null 2>&1 || { echo "skipped: tmux is not installed"; exit 77; }
[ -x "${CLAB_PROGRAM:?}" ] || { echo "no program at $CLAB_PROGRAM"; exit 1; }

work=$(mktemp -d)
server="celllab-test-$$"
mux() { tmux -u -L "$server" -f /dev/null "$@"; }
cleanup() {
    mux kill-server 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Nothing of the user's: no settings, no history, no other session.
mkdir -m 700 "$work/home" "$work/run"
export LC_ALL=C.UTF-8 HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work" INPUTRC=/dev/null
unset XDG_STATE_HOME NO_COLOR ACCESSIBLE CELLLAB_GLYPHS VISUAL EDITOR PAGER ENV SLURM_JOB_ID 2>/dev/null

screen() { mux capture-pane -p -t s; }
all_text() { mux capture-pane -p -S - -t s; }

fail() {
    echo "FAILED: $*"
    echo "--- screen ($(state))"
    screen
    echo "---"
    exit 1
}

# Facts about the terminal itself: scroll region, alternate screen, cursor.
state() { mux display-message -p -t s '#{scroll_region_upper}-#{scroll_region_lower} alternate=#{alternate_on} cursor=#{cursor_flag}'; }

# eventually SECONDS COMMAND...: until the command succeeds
eventually() {
    tries=$(($1 * 20))
    shift
    while [ "$tries" -gt 0 ]; do
        "$@" && return 0
        sleep 0.05
        tries=$((tries - 1))
    done
    return 1
}
shows() { screen | grep -qE -- "$1"; }
lacks() { ! shows "$1"; }
wait_for() { eventually "${2:-15}" shows "$1" || fail "no \"$1\" within ${2:-15} s"; }
wait_gone() { eventually "${2:-15}" lacks "$1" || fail "\"$1\" is still there"; }
never() { lacks "$1" || fail "\"$1\" is on the screen"; }

type() { mux send-keys -t s -l -- "$1"; }
key() { mux send-keys -t s "$@"; }
enter() {
    type "$1"
    key Enter
}

# open [ROWS COLS]: a shell in a terminal of that size
open_shell() {
    mux new-session -d -y "${1:-24}" -x "${2:-80}" -s s "PS1='shell\$ ' sh" || fail "tmux does not start"
    mux set -g history-limit 5000 >/dev/null
    mux set -g default-terminal screen-256color >/dev/null
    wait_for 'shell\$'
    # the first shell began before the options were set
    enter "export TERM=screen-256color PS1='ready\$ '; clear"
    wait_for '^ready\$'
}

# start [ARGUMENTS]: the program in that shell, up to its prompt
start() {
    enter "$CLAB_PROGRAM $*"
    wait_for '^celllab> *$'
}

resize() { mux resize-window -t s -y "$1" -x "$2"; }

# pid of the session itself: the program under its guard
session_pid() { find "$work/run/celllab" -name '*.live' 2>/dev/null | sed 's/.*\///; s/\.live//' | head -1; }

# normal_terminal ROWS: nothing of ours is left on the terminal
normal_terminal() {
    want="0-$(($1 - 1)) alternate=0 cursor=1"
    eventually 5 state_is "$want" || fail "the terminal is left as \"$(state)\", not \"$want\""
    enter 'stty -a | grep -o -E " -?(echo|icanon) " | tr -d "\n"; echo "<modes"'
    wait_for '<modes$'
    shows '^ *icanon +echo +<modes$' || shows ' icanon  echo ' || fail "the line discipline is not as before"
}
state_is() { [ "$(state)" = "$1" ]; }
