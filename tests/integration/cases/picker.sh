# Choosing from a list, in a real terminal (tmux): keys in, screen looked at.

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
                terminal $size -- container-start
                see '^> \[ \] experiment +created'
                [ "${size%x*}" = 40 ] || see '^> \[ \] experiment +created +ds01-base:latest +- +just now$'
                see 'Enter takes, Esc leaves$'
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
        terminal 80x24 LC_ALL=C LANG=C NO_COLOR=1 -- container-start
        see '^> \[ \] experiment'
        keys Escape
        see 'Nothing was chosen'
        ended 1
}

offers() { # COMMAND NAMES
        terminal 80x24 -- "$1"
        see 'Esc leaves$'
        equal "$(screen | sed -nE 's/^[> ] (\[ \] )?([a-z]+) .*/\2/p' | xargs)" "$2" "what $1 offers"
        keys Escape
        ended 1
}

test_each_command_offers_what_makes_sense() {
        local command

        for command in new running frozen over; do
                ok as alice container-create $command --cpu-only
        done
        ok as alice container-start running frozen over
        ok as alice container-pause frozen
        ok as alice container-stop over
        as alice mkdir -p "$ROOT/home/alice/workspace"/{plain,digits}
        echo FROM ds01-base:latest | as alice tee "$ROOT/home/alice/workspace/digits/Dockerfile" >/dev/null
        personal_image alice digits
        offers container-start 'new over'
        offers container-run 'frozen new over running'
        offers container-attach running
        offers container-pause running
        offers container-unpause frozen
        offers container-stop 'frozen running'
        offers container-remove 'new over'
        offers 'container-remove --stop' 'frozen new over running'
        offers container-retire 'frozen new over running'
        offers container-protect 'frozen new over running'
        offers container-extend 'frozen running'
        offers image-delete digits
        offers image-update digits
        for command in project-launch dir-create git-init readme-create; do
                offers $command 'digits plain'
        done
        ok as alice container-attach running -- sh -c 'echo x >/tmp/x'
        ok as alice container-remove running --stop
        offers container-restore running
}

# More than fit: what is marked is always on the screen, and how many there are.
test_long_list_scrolls() {
        local i

        for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
                ok as alice container-create c$i --cpu-only
        done
        terminal 80x12 -- container-start
        see '^container-start: which containers\?  1 of 12$'
        ! screen_shows c12 || fail "all fit"
        keys PageDown Down Down
        see '^> \[ \] c12 '
        see '  12 of 12$'
        keys PageUp
        see '^> \[ \] c02 '
        resize 40x7
        see '^Space marks, Enter takes, Esc leaves$'
        see '^> \[ \] c02 '
        resize 80x12
        see '^arrows move, .*Esc leaves$'
        keys Escape
        see 'Nothing was chosen'
        ended 1
}

test_leaving_changes_nothing() {
        some_containers
        terminal 80x24 -- container-stop
        see '^> \[ \] runs'
        keys Escape
        ended 1
        expect_state alice runs running
        terminal 80x24 -- container-stop
        see '^> \[ \] runs'
        keys Enter
        see 'runs\? \[y/N\]'
        keys n Enter
        ended 1
        expect_state alice runs running
}

test_several_are_marked() {
        some_containers
        terminal 80x24 -- container-remove
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
        terminal 80x24 -- container-start --plain
        see ' 1  experiment +created'
        keys 2 Enter
        see "Started container 'thesis'"
        ended 0
        terminal 80x24 TERM=dumb -- container-attach
        see ' 1  runs|1  thesis'
        keys Enter
        ended 1
        terminal 80x24 TERM=dumb -- container-unpause
        see 'no container that this could be done to'
        ended 4
}

test_without_a_terminal_nothing_is_asked() {
        some_containers
        no 2 as alice container-start </dev/null
        no 2 as alice container-remove </dev/null
        expect_state alice thesis created
}

test_in_screen() {
        command -v screen >/dev/null || skip "screen is not installed"
        some_containers
        as alice mkdir -p -m 700 "$ROOT/home/alice/.screen"
        printf 'container-start; echo "left with $?"; read -r line\n' >"$WORK/inside"
        terminal 80x24 TERM=xterm SCREENDIR="$ROOT/home/alice/.screen" -- screen -c /dev/null bash "$WORK/inside"
        see '^> \[ \] experiment +created'
        keys Down
        see '^> \[ \] thesis'
        keys Escape
        see '^left with 1$'
        ! screen_shows 'thesis' || fail "the list is still there"
        keys Enter
        ended 0
}
