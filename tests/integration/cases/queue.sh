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
        expect_invariants
}
