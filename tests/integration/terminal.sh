# A terminal for tests: tmux with one window in which a command of alice's runs, keys in, screen
# looked at. Read by lib.sh.

# terminal COLUMNSxROWS [VARIABLE... --] COMMAND...: its exit code goes to $WORK/rc, the settings of
# the terminal before and after to $WORK/before and $WORK/after.
terminal() {
        local size=$1 vars=()

        shift
        case " $* " in *' -- '*)
                while [ "$1" != -- ]; do vars+=("$1"); shift; done
                shift
                ;;
        esac
        rm -f "$WORK/rc" "$WORK/after"
        end_terminal
        # A server of its own: the one before may be about to leave, and takes its socket along.
        TMUX_SOCKET=$WORK/tmux.$EPOCHREALTIME
        in_tmux -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" \
                "stty -a >$WORK/before; AS_TERM=screen-256color $ROOT/as alice ${vars[*]} $*; echo RC=\$? >$WORK/rc; stty -a >$WORK/after; sleep 600"
}

in_tmux() {
        tmux -S "$TMUX_SOCKET" "$@"
}

resize() { # COLUMNSxROWS
        in_tmux resize-window -x "${1%x*}" -y "${1#*x}"
}

keys() {
        in_tmux send-keys "$@"
}

screen() { # without the blanks that tmux keeps at the ends of lines
        in_tmux capture-pane -p | sed 's/ *$//'
}

screen_shows() {
        screen | grep -qE -e "$1"
}

see() { # see PATTERN [SECONDS]
        wait_until "${2-10}" screen_shows "$1"
}

end_terminal() {
        [ -z "${TMUX_SOCKET-}" ] || in_tmux kill-server 2>/dev/null || true
}

# ended CODE: the command has, and the terminal is as it was.
ended() {
        wait_until 10 test -s "$WORK/after"
        equal "$(cat "$WORK/rc")" "RC=$1" "exit code"
        cmp "$WORK/before" "$WORK/after" || fail "the terminal was left otherwise"
        end_terminal
}
