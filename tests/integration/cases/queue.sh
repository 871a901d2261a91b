# Waiting for devices and for room in one's limits: --wait, the order, the hand-over, leaving.

places() { # how many wait
        api alice GET /queue
        jq length <<<"$OUT"
}

places_are() {
        [ "$(places)" = "$1" ]
}

finished() {
        ! kill -0 "$1" 2>/dev/null
}

test_handed_over_at_once() {
        local freed

        ok as alice container-create big --gpu=4
        ok as alice container-start big
        spawn bob bob container-create waits --gpu=2 --wait
        local bob=$SPAWNED
        wait_until 5 places_are 1
        grep -q 'place 1 of 1: 2 GPUs asked for, 0 of 4 free' "$WORK/bob.err" || fail "it does not say: $(cat "$WORK/bob.err")"
        grep -q "$LOGIN_PREFIX-alice" "$WORK/bob.err" || fail "it does not say who has them"
        # Seen by others by the user's name only.
        ok as alice ds01 queue
        expect_out "^ *1 +$LOGIN_PREFIX-bob +- +2 +gpus"
        api bob GET /queue
        expect_json '.[0].container' waits
        freed=${EPOCHREALTIME/./}
        ok as alice container-remove big --stop
        join bob $bob
        equal "$RC" 0 "exit code"
        expect_out "Created container 'waits'"
        [ $((${EPOCHREALTIME/./} - freed)) -lt 3000000 ] || fail "the hand-over took too long"
        equal "$(gpus_of bob waits)" GPU-0,GPU-1 "the GPUs"
        places_are 0 || fail "somebody waits still"
        expect_invariants
}

test_first_come_first_served() {
        ok as alice container-create big --gpu=4
        spawn bob bob container-create large --gpu=3 --wait
        local bob=$SPAWNED
        wait_until 5 places_are 1
        spawn carol carol container-create small --gpu=1 --wait
        local carol=$SPAWNED
        wait_until 5 places_are 2
        # One that does not wait does not overtake those who do.
        ok as alice container-remove big
        join bob $bob
        equal "$RC" 0 "exit code of the first"
        join carol $carol
        equal "$RC" 0 "exit code of the second"
        equal "$(gpus_of bob large | tr , '\n' | wc -l)" 3 "GPUs of the first"
        expect_invariants
}

test_a_large_request_is_not_overtaken() {
        for i in 1 2 3 4; do ok as alice container-create "one$i"; done
        spawn bob bob container-create large --gpu=2 --wait
        local bob=$SPAWNED
        wait_until 5 places_are 1
        ok as alice container-remove one1
        # The one that is free is kept for bob.
        no 3 as carol container-create small
        expect_err 'kept for others'
        ok as carol container-create without --cpu-only
        ok as alice container-remove one2
        join bob $bob
        equal "$RC" 0 "exit code"
        equal "$(gpus_of bob large)" GPU-0,GPU-1 "the GPUs"
        expect_invariants
}

test_leaving_the_queue() {
        ok as alice container-create big --gpu=4
        spawn bob bob container-create waits --wait
        wait_until 5 places_are 1
        kill -INT $SPAWNED
        join bob $SPAWNED
        equal "$RC" 130 "exit code after Ctrl-C"
        wait_until 5 places_are 0
        no 3 as bob container-create waits --wait=1s
        expect_err '0 of 4 free'
        no 2 as bob container-create waits --wait=soon
        # Waiting does not help against these.
        no 3 as bob container-create waits --gpu=5 --wait
        places_are 0 || fail "somebody waits"
        ok as alice container-remove big
        expect_invariants
}

test_waiting_for_room_in_ones_limits() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 1, max_gpu_slots_per_container: 1, max_containers_per_user: 2, memory: 64m}
END
        ok as alice container-create one
        spawn alice alice container-create two --wait
        local alice=$SPAWNED
        wait_until 5 places_are 1
        # Whoever waits for their own limits keeps nothing from others.
        ok as bob container-create his
        ok as alice container-remove one
        join alice $alice
        equal "$RC" 0 "exit code"
        expect_state alice two created
}

test_start_that_waits() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, gpu_hold_after_stop_h: 1s}
END
        ok as alice container-create one --gpu=4
        ok as alice container-start one
        ok as alice container-stop one
        wait_until 8 gpu_is GPU-0 free
        ok as bob container-create all --gpu=4
        no 3 as alice container-start one --wait=1s
        spawn alice alice container-start one --wait
        local alice=$SPAWNED
        wait_until 5 places_are 1
        # Others can still act on it.
        ok as alice container-list --all
        ok as bob container-remove all
        join alice $alice
        equal "$RC" 0 "exit code"
        expect_state alice one running
        expect_invariants
}

test_a_hold_that_ends_wakes_who_waits() {
        local began

        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, gpu_hold_after_stop_h: 4s}
END
        ok as alice container-create one --gpu=4
        ok as alice container-start one
        ok as alice container-stop one
        began=$SECONDS
        ok as bob container-create next --gpu=4 --wait=60s
        [ $((SECONDS - began)) -le 8 ] || fail "it took $((SECONDS - began)) s"
        # In a script's log the seconds that go by are no news.
        equal "$(grep -c '^waiting, place 1 of 1' <<<"$ERR")" 1 "lines about waiting"
        expect_invariants
}

# lease_time CONTAINER COLUMN: begin_us or end_us of its lease, in microseconds.
lease_time() {
        sqlite3 "$STATE/history.db" "SELECT max($2) FROM lease WHERE container = '$1'"
}

has_lease_time() {
        [ -n "$(lease_time "$@")" ]
}

# From the moment at which the lease has ended to the one at which the other has its container.
test_within_a_second() {
        local took

        ok as alice container-create before-it --gpu=4
        spawn bob bob container-create after-it --gpu=4 --wait
        wait_until 5 places_are 1
        ok as alice container-remove before-it
        join bob $SPAWNED
        equal "$RC" 0 "exit code"
        wait_until 5 has_lease_time before-it end_us
        wait_until 5 has_lease_time after-it begin_us
        took=$(($(lease_time after-it begin_us) - $(lease_time before-it end_us)))
        note "$((took / 1000)) ms"
        [ "$took" -lt 1000000 ] || fail "it took $took us"
}

# Their tries do not wake each other.
test_starts_that_wait_are_at_rest() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, gpu_hold_after_stop_h: 0s}
END
        for name in one two three; do
                ok as alice container-create $name
                ok as alice container-start $name
                ok as alice container-stop $name
        done
        ok as bob container-create all --gpu=4
        for name in one two three; do
                spawn $name alice container-start $name --wait
        done
        wait_until 5 places_are 3
        sleep 0.5
        touch "$WORK/before"
        sleep 1.5
        equal "$(find "$STATE/container-metadata" -newer "$WORK/before" -type f | wc -l)" 0 "files written while nothing happened"
        ok as bob container-remove all
        wait_until 10 places_are 0
        wait_until 15 state_is alice three running
        # What was waited for and came about is no refusal.
        wait_until 5 jq -se 'any(.container == "three" and .event == "start")' "$LOG/events.jsonl"
        jq -se 'all(.container != "three" or .event != "refusal")' "$LOG/events.jsonl" >/dev/null || fail "it is written down as refused"
        expect_invariants
}

test_limits_that_change_meanwhile() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 1, max_gpu_slots_per_container: 2, max_containers_per_user: 5, memory: 64m}
END
        ok as alice container-create one
        spawn alice alice container-create two --wait
        wait_until 5 places_are 1
        set_limits <<'END'
defaults: {max_gpu_equivalents: 2, max_gpu_slots_per_container: 2, max_containers_per_user: 5, memory: 128m}
END
        join alice $SPAWNED
        equal "$RC" 0 "exit code"
        equal "$(engine_inspect alice two .HostConfig.Memory)" 134217728 "its memory"
        # Where the new ones do not allow it at all, the wait is over.
        spawn alice alice container-create three --gpu=2 --wait
        wait_until 5 places_are 1
        set_limits <<'END'
defaults: {max_gpu_equivalents: 2, max_gpu_slots_per_container: 1, max_containers_per_user: 5, memory: 64m}
END
        join alice $SPAWNED
        equal "$RC" 3 "exit code"
        expect_err 'at most 1|1 GPU'
}

first_is() {
        api alice GET /queue
        [ "$(jq -r '.[0].user' <<<"$OUT")" = "$(login "$1")" ]
}

test_priority() {
        local carol

        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m}
user_overrides: {$(login carol): {priority: 90}}
END
        ok as alice container-create big --gpu=3
        ok as alice container-create small
        spawn bob bob container-create his --wait
        local bob=$SPAWNED
        wait_until 5 places_are 1
        spawn carol carol container-create hers --wait
        carol=$SPAWNED
        wait_until 5 places_are 2
        first_is carol || fail "priority does not count: $OUT"
        wait_until 5 grep -q 'place 2 of 2' "$WORK/bob.err"
        # In force for those who wait already.
        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m}
user_overrides: {$(login bob): {priority: 90}}
END
        wait_until 5 first_is bob
        ok as alice container-remove small
        join bob $bob
        equal "$RC" 0 "exit code of the first"
        places_are 1 || fail "not one waits: $OUT"
        ok as alice container-remove big
        join carol $carol
        equal "$RC" 0 "exit code of the second"
        expect_invariants
}

# Who waits is told, and asks again: a place is a connection.
test_ds01d_ends_meanwhile() {
        local began

        ok as alice container-create big --gpu=4
        spawn bob bob container-create waits --wait
        wait_until 5 places_are 1
        ds01d_kill
        join bob $SPAWNED
        equal "$RC" 6 "exit code"
        expect_err 'connection to ds01d was lost'
        ds01d_start
        places_are 0 || fail "somebody waits"
        spawn bob bob container-create waits --wait
        wait_until 5 places_are 1
        began=$SECONDS
        ds01d_restart
        [ $((SECONDS - began)) -lt 8 ] || fail "who waits keeps ds01d from ending"
        join bob $SPAWNED
        equal "$RC" 6 "exit code"
        no 4 as bob container-start waits
        expect_invariants
}

test_the_container_goes_meanwhile() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, gpu_hold_after_stop_h: 0s}
END
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        ok as bob container-create all --gpu=4
        spawn alice alice container-start one --wait
        wait_until 5 places_are 1
        ok as alice container-remove one
        join alice $SPAWNED
        equal "$RC" 4 "exit code"
        places_are 0 || fail "somebody waits"
}

# One line, redrawn, cut to the window; Ctrl-C leaves no half line and no place.
test_on_a_terminal() {
        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, created_container_timeout_m: 5}
END
        ok as bob container-create all --gpu=4
        terminal 40x12 -- container-create waits --wait
        see '^waiting [0-9]+s?.*next change in [45]m'
        see '^waiting [2-9]'
        equal "$(screen | grep -c waiting)" 1 "lines"
        keys C-c
        wait_until 5 places_are 0
        terminal 100x12 -- container-create waits --wait
        see '^waiting .*place 1 of 1: 1 GPU asked for, 0 of 4 free'
        ok as bob container-remove all
        see "^Created container 'waits'"
        ! screen_shows '^waiting' || fail "the line stays"
        ended 0
}
