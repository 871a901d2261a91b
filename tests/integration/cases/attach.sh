# Shells and commands inside: streams, exit codes, terminals, hanging up.

running() { # running USER NAME
        ok as "$1" container-create "$2" --cpu-only
        ok as "$1" container-start "$2"
}

pids_inside() { # pids_inside PATTERN: how many processes of the container have it in their command line
        engine GET "/containers/thesis._.$FIRST_UID/top" | jq --arg p "$1" '[.Processes[] | select((if type == "array" then join(" ") else . end) | test($p))] | length'
}

none_inside() {
        [ "$(pids_inside "$1")" = 0 ]
}

some_inside() {
        [ "$(pids_inside "$1")" != 0 ]
}

test_exit_codes() {
        running alice thesis
        for code in 0 1 2 3 42 126 127 128 130 137 255; do
                run as alice container-attach thesis -- sh -c "exit $code"
                equal "$RC" $code "exit code"
        done
        run as alice container-attach thesis -- no-such-command
        equal "$RC" 127 "exit code of a command that is not there"
        run as alice container-attach thesis -- /etc/passwd
        equal "$RC" 126 "exit code of what can't be executed"
        run as alice container-attach thesis -- sh -c 'kill -9 $$'
        equal "$RC" 137 "exit code of a killed one"
        run as alice container-attach thesis -- sh -c 'kill -TERM $$'
        equal "$RC" 143 "exit code of a terminated one"
}

test_here_document() {
        running alice thesis
        run as alice container-attach thesis <<'END'
echo first
cd /tmp
pwd
exit 42
echo never
END
        equal "$RC" 42 "exit code"
        equal "$OUT" $'first\n/tmp' stdout
        run as alice container-attach thesis <<<'false'
        equal "$RC" 1 "exit code of the last command"
        run as alice container-attach thesis </dev/null
        equal "$RC" 0 "exit code without input"
}

test_output_after_the_end_of_input() {
        running alice thesis
        run as alice container-attach thesis <<<'sleep 1; echo late; echo error >&2; exit 5'
        equal "$RC" 5 "exit code"
        equal "$OUT" late stdout
        equal "$ERR" error stderr
}

test_streams_are_apart() {
        running alice thesis
        run as alice container-attach thesis -- sh -c 'echo to-out; echo to-err >&2'
        equal "$OUT" to-out stdout
        equal "$ERR" to-err stderr
}

test_bash_is_the_shell() {
        running alice thesis
        run as alice container-attach thesis <<<'echo $BASH_VERSION'
        expect_out '^[0-9]'
        run as alice container-attach thesis <<<'ps -o args'
        equal "$RC" 0 "exit code"
}

test_arguments_arrive_as_given() {
        running alice thesis
        run as alice container-attach thesis -- printf '<%s>' 'two words' '' '$HOME' "a'b" --help -x '*' 'naïve'
        equal "$OUT" "<two words><><\$HOME><a'b><--help><-x><*><naïve>" stdout
}

test_open_is_attach() {
        running alice thesis
        run as alice container-open thesis -- sh -c 'exit 4'
        equal "$RC" 4 "exit code"
}

test_ten_megabytes_out() {
        running alice thesis
        as alice container-attach thesis -- sh -c 'dd if=/dev/zero bs=1M count=10 2>/dev/null | tr "\0" x' | wc -c >"$WORK/n"
        equal "$(cat "$WORK/n")" 10485760 "bytes that came out"
}

test_ten_megabytes_in() {
        head -c 10485760 /dev/urandom >"$WORK/random"
        chmod 644 "$WORK/random"
        running alice thesis
        run as alice container-attach thesis -- sh -c 'cat >/workspace/copy' <"$WORK/random"
        equal "$RC" 0 "exit code"
        cmp "$WORK/random" "$ROOT/home/alice/workspace/copy" || fail "the copy differs"
}

test_ten_megabytes_both_ways() {
        head -c 10485760 /dev/urandom >"$WORK/random"
        chmod 644 "$WORK/random"
        running alice thesis
        as alice container-attach thesis -- cat <"$WORK/random" >"$WORK/copy"
        cmp "$WORK/random" "$WORK/copy" || fail "the copy differs"
}

test_input_that_is_not_read() {
        running alice thesis
        # The command ends without reading what is sent.
        head -c 5000000 /dev/zero >"$WORK/zeros"
        chmod 644 "$WORK/zeros"
        run as alice container-attach thesis -- sh -c 'exec <&-; echo done; exit 9' <"$WORK/zeros"
        equal "$RC" 9 "exit code"
        expect_out done
}

test_output_that_is_not_read() {
        running alice thesis
        as alice container-attach thesis -- sh -c 'while :; do echo y; done' | head -n 1 >"$WORK/line"
        equal "$(cat "$WORK/line")" y "the first line"
        wait_until 15 none_inside 'while'
}

test_slow_reader() {
        running alice thesis
        as alice container-attach thesis -- sh -c 'dd if=/dev/zero bs=1M count=3 2>/dev/null' | { sleep 1.5; wc -c; } >"$WORK/n"
        equal "$(cat "$WORK/n")" 3145728 "bytes"
}

test_only_what_runs() {
        ok as alice container-create thesis --cpu-only
        no 1 as alice container-attach thesis -- true
        expect_err 'not running'
        expect_err 'container-start thesis'
        ok as alice container-start thesis
        ok as alice container-pause thesis
        no 1 as alice container-attach thesis -- true
        expect_err 'paused'
}

test_many_at_once() {
        local i pids=()

        running alice thesis
        for i in {1..20}; do
                spawn "a$i" alice container-attach thesis -- sh -c "sleep 0.3; echo $i; exit $i"
                pids[i]=$SPAWNED
        done
        for i in {1..20}; do
                join "a$i" "${pids[i]}"
                equal "$RC" $i "exit code"
                equal "$OUT" $i stdout
        done
}

test_stop_ends_the_session() {
        running alice thesis
        spawn shell alice container-attach thesis -- sleep 300
        wait_until 5 some_inside 'sleep 300'
        ok as alice container-stop thesis
        join shell $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0 although it was stopped"
}

test_remove_ends_the_session() {
        running alice thesis
        spawn shell alice container-attach thesis -- sleep 300
        wait_until 5 some_inside 'sleep 300'
        ok as alice container-remove thesis --stop
        join shell $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0 although it was removed"
}

test_pause_keeps_the_session() {
        running alice thesis
        spawn shell alice container-attach thesis -- sh -c 'sleep 1; exit 6'
        sleep 0.3
        ok as alice container-pause thesis
        sleep 1
        alive $SPAWNED || fail "the session has ended"
        ok as alice container-unpause thesis
        join shell $SPAWNED
        equal "$RC" 6 "exit code"
}

test_hang_up_ends_the_shell_but_not_nohup() {
        running alice thesis
        spawn shell alice container-attach thesis -- sh -c 'nohup sleep 401 >/dev/null 2>&1 & sleep 402'
        wait_until 5 some_inside 'sleep 402'
        wait_until 5 some_inside 'sleep 401'
        kill -KILL $SPAWNED
        wait_until 10 none_inside 'sleep 402'
        some_inside 'sleep 401' || fail "what was started with nohup is gone"
        expect_state alice thesis running
}

test_ctrl_c_on_a_command() {
        running alice thesis
        spawn shell alice container-attach thesis -- sleep 403
        wait_until 5 some_inside 'sleep 403'
        kill -INT $SPAWNED
        join shell $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0 after an interrupt"
        wait_until 10 none_inside 'sleep 403'
}

test_terminate_a_client() {
        running alice thesis
        spawn shell alice container-attach thesis -- sleep 404
        wait_until 5 some_inside 'sleep 404'
        kill -TERM $SPAWNED
        join shell $SPAWNED
        wait_until 10 none_inside 'sleep 404'
}

test_ds01d_killed_under_a_session() {
        running alice thesis
        spawn shell alice container-attach thesis -- sleep 405
        wait_until 5 some_inside 'sleep 405'
        ds01d_kill
        join shell $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0 although ds01d was killed"
        [ -n "$ERR" ] || fail "nothing says what happened"
        ds01d_start
        expect_state alice thesis running
        ok as alice container-attach thesis -- true
}

test_container_exit_inside() {
        running alice thesis
        run as alice container-attach thesis <<<'echo before; container-exit; echo after'
        equal "$RC" 0 "exit code"
        equal "$OUT" before stdout
        expect_state alice thesis running
}

test_tty_shell() {
        running alice thesis
        terminal 90x30 container-attach thesis
        see '[$#] ?$'
        keys 'tty; stty size; echo TERM=$TERM' Enter
        see '^/dev/'
        see '^30 90'
        see '^TERM=screen-256color'
        keys 'exit 17' Enter
        wait_until 10 test -s "$WORK/rc"
        equal "$(cat "$WORK/rc")" RC=17 "the exit code"
        end_terminal
}

test_tty_resize() {
        running alice thesis
        terminal 90x30 container-attach thesis
        see '[$#] ?$'
        resize 71x23
        sleep 0.5
        keys 'stty size' Enter
        see '^23 71'
        end_terminal
}

test_tty_ctrl_c_and_ctrl_d() {
        running alice thesis
        terminal 90x30 container-attach thesis
        see '[$#] ?$'
        keys 'sleep 406' Enter
        wait_until 5 some_inside 'sleep 406'
        keys C-c
        wait_until 5 none_inside 'sleep 406'
        keys 'echo code=$?' Enter
        see '^code=130'
        keys C-p C-q
        keys C-u
        keys 'echo still here' Enter
        see '^still here'
        keys C-d
        wait_until 10 test -s "$WORK/rc"
        end_terminal
        expect_state alice thesis running
}

test_tty_container_exit() {
        running alice thesis
        terminal 90x30 container-attach thesis
        see '[$#] ?$'
        keys 'container-exit' Enter
        wait_until 10 test -s "$WORK/rc"
        equal "$(cat "$WORK/rc")" RC=0 "the exit code"
        end_terminal
        expect_state alice thesis running
}

test_tty_is_left_as_it_was() {
        running alice thesis
        terminal 90x30 bash --norc
        see '[$#] ?$'
        keys "stty -g >$ROOT/home/alice/before; container-attach thesis" Enter
        wait_until 10 some_inside 'shell'
        sleep 0.3
        keys 'exit' Enter
        sleep 0.5
        keys "stty -g >$ROOT/home/alice/after" Enter
        wait_until 10 test -s "$ROOT/home/alice/after"
        equal "$(cat "$ROOT/home/alice/after")" "$(cat "$ROOT/home/alice/before")" "the terminal's settings"
        end_terminal
}

test_tty_that_is_closed() {
        running alice thesis
        terminal 90x30 container-attach thesis
        see '[$#] ?$'
        keys 'nohup sleep 407 >/dev/null 2>&1 &' Enter
        wait_until 5 some_inside 'sleep 407'
        keys 'sleep 408' Enter
        wait_until 5 some_inside 'sleep 408'
        end_terminal
        wait_until 10 none_inside 'sleep 408'
        some_inside 'sleep 407' || fail "what was started with nohup is gone"
        expect_state alice thesis running
}

test_no_tty_when_output_is_a_pipe() {
        running alice thesis
        run script -qec "$ROOT/as alice container-attach thesis -- tty | cat" /dev/null </dev/null
        expect_out 'not a tty'
}

test_tty_run() {
        ok as alice container-create thesis --cpu-only
        terminal 90x30 container-run thesis
        see '[$#] ?$'
        keys 'exit 3' Enter
        wait_until 10 test -s "$WORK/rc"
        equal "$(cat "$WORK/rc")" RC=3 "the exit code"
        end_terminal
}

test_watch_leaves_the_terminal_as_it_was() {
        running alice thesis
        terminal 90x20 bash --norc
        see '[$#] ?$'
        keys "stty -g >$ROOT/home/alice/before; container-stats --watch" Enter
        see '^thesis +[0-9.]+%'
        sleep 2.5
        screen_shows '^thesis +[0-9.]+%' || fail "the table is gone"
        equal "$(screen | grep -c '^thesis')" 1 "rows"
        keys q
        sleep 0.5
        keys "stty -g >$ROOT/home/alice/after; echo back" Enter
        see '^back'
        equal "$(cat "$ROOT/home/alice/after")" "$(cat "$ROOT/home/alice/before")" "the terminal's settings"
        end_terminal
}
