# Choosing from a list, in a real terminal (tmux): keys in, screen looked at.

term() { # term COLUMNSxROWS VARIABLE... -- COMMAND...
        local size=$1 vars=()

        shift
        while [ "$1" != -- ]; do vars+=("$1"); shift; done
        shift
        rm -f "$WORK/rc"
        tmux -S "$WORK/tmux" -f /dev/null kill-server 2>/dev/null || true
        tmux -S "$WORK/tmux" -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" \
                "stty -a >$WORK/before; AS_TERM=screen-256color $ROOT/as alice ${vars[*]} $*; echo RC=\$? >$WORK/rc; stty -a >$WORK/after; sleep 600"
}

keys() {
        tmux -S "$WORK/tmux" send-keys "$@"
}

screen_shows() {
        tmux -S "$WORK/tmux" capture-pane -p | grep -qE -e "$1"
}

see() {
        wait_until 10 screen_shows "$1"
}

ended() { # ended CODE: and the terminal is as it was
        wait_until 10 test -s "$WORK/after"
        equal "$(cat "$WORK/rc")" "RC=$1" "exit code"
        cmp "$WORK/before" "$WORK/after" || fail "the terminal was left otherwise"
        tmux -S "$WORK/tmux" kill-server
        rm -f "$WORK/after"
}

some_containers() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-create experiment --cpu-only
        ok as alice container-create runs --cpu-only
        ok as alice container-start runs
}

test_arrows_and_filter() {
        local size

        some_containers
        for size in 40x12 80x24 200x50; do
                term $size -- container-start
                see '^> \[ \] experiment'
                ! screen_shows 'runs' || fail "a running one is offered"
                keys Down
                see '^> \[ \] thesis'
                keys Up
                see '^> \[ \] experiment'
                keys t h
                see '^> \[ \] thesis'
                ! screen_shows 'experiment' || fail "the filter does nothing"
                keys Enter
                see "Started container 'thesis'"
                ended 0
                ok as alice container-stop thesis
        done
        # In the C locale and without colour.
        term 80x24 LC_ALL=C LANG=C NO_COLOR=1 -- container-start
        see '^> \[ \] experiment'
        keys Escape
        see 'Nothing was chosen'
        ended 1
}

test_leaving_changes_nothing() {
        some_containers
        term 80x24 -- container-stop
        see '^> \[ \] runs'
        keys Escape
        ended 1
        expect_state alice runs running
        term 80x24 -- container-stop
        see '^> \[ \] runs'
        keys Enter
        see 'runs\? \[y/N\]'
        keys n Enter
        ended 1
        expect_state alice runs running
}

test_several_are_marked() {
        some_containers
        term 80x24 -- container-remove
        see '^> \[ \] experiment'
        ! screen_shows 'runs' || fail "a running one is offered"
        keys Space
        see '\[x\] experiment'
        keys Down Space
        see '\[x\] thesis'
        keys Enter
        see '\[y/N\]'
        keys y Enter
        ended 0
        expect_state alice experiment ""
        expect_state alice thesis ""
        expect_state alice runs running
}

test_plain_list() {
        some_containers
        term 80x24 -- container-start --plain
        see ' 1  experiment +created'
        keys 2 Enter
        see "Started container 'thesis'"
        ended 0
        term 80x24 TERM=dumb -- container-attach
        see ' 1  runs|1  thesis'
        keys Enter
        ended 1
        term 80x24 TERM=dumb -- container-unpause
        see 'no container that this could be done to'
        ended 4
}

test_without_a_terminal_nothing_is_asked() {
        some_containers
        no 2 as alice container-start </dev/null
        no 2 as alice container-remove </dev/null
        expect_state alice thesis created
}
