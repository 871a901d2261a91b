# Reservations: others are kept from what is reserved, holders keep what they have and are told.

# reserve [ARGUMENT...]: by an administrator. try_reserve: may fail.
try_reserve() {
        env DS01_SOCKET="$ADMIN_SOCKET" $(sanitizer_env 0) "$ROOT/ds01" reserve "$@"
}

reserve() {
        ok try_reserve "$@"
}

cancel_all() {
        local id

        reserve --format=json
        for id in $(jq '.[].id | select(. != null)' <<<"$OUT"); do
                reserve --cancel="$id"
        done
}

test_kept_for_its_people() {
        ok as alice container-create mine
        reserve 3 now 2h --for="$(login bob)"
        expect_out "^Reserved 3 GPUs from .* for $(login bob)"
        ok as carol ds01 reserve
        expect_out "^[0-9]+ +3 +$(login bob) .* now$"
        ok as carol ds01 gpus
        expect_out "^GPU-1 .* reserved, .* left +$(login bob)"
        no 3 as carol container-create hers
        expect_err '0 of 4 free.*3 kept for others'
        # What one has, one keeps.
        ok as alice container-start mine
        ok as bob container-create his --gpu=3
        # The list outlives ds01d.
        ok as bob container-remove his
        ds01d_kill
        ds01d_start
        no 3 as carol container-create hers
        cancel_all
        ok as carol container-create hers
        no 5 as bob ds01 reserve 1 now 2h --for="$(login bob)"
        expect_err 'administrator'
        no 2 as bob ds01 reserve 1 soon 2h --for="$(login bob)"
        no 2 as bob ds01 reserve 1 now
        expect_invariants
}

test_told_before() {
        printf '#!/bin/sh\ncat >>%s/letters\n' "$WORK" >"$WORK/notify"
        chmod 755 "$WORK/notify"
        write_config "notify.command=$WORK/notify"
        ds01d_restart
        ok as alice container-create mine --gpu=3
        reserve 2 "$(date -d '+4 minutes' '+%Y-%m-%d %H:%M')" 2h --for="$(login bob)"
        wait_until 5 grep -q '"event":"reservation".*"gpus":2' "$WORK/letters"
        wait_until 5 jq -se 'any(.event == "warning" and (.why | test("2 GPUs are reserved")))' "$LOG/events.jsonl"
        # The call itself has said it.
        ok as alice container-list
        expect_err '2 GPUs are reserved for others.*container-stop mine'
        # It would still run then: max_runtime_h is not set.
        no 3 as carol container-create hers
        cancel_all
}

test_limits_file() {
        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 512m}
reservations:
  - gpus: 4
    users: [$(login bob)]
    weekly: sun mon tue wed thu fri sat
    from: 0:00
    to: 24:00
    reason: everything, always
END
        ok as carol ds01 reserve
        expect_out '4 .* now, weekly$'
        no 3 as carol container-create hers
        ok as bob container-create his --gpu=4
}

places_are() {
        api alice GET /queue
        [ "$(jq length <<<"$OUT")" = "$1" ]
}

# Who waits gets what a reservation keeps when it is over, by itself or cancelled.
test_waiting_for_its_end() {
        reserve 4 now 4s --for="$(login bob)"
        spawn carol carol container-create hers --wait
        wait_until 3 places_are 1
        api carol GET /queue
        join carol $SPAWNED
        equal "$RC" 0 "exit code"
        # When it ends was known.
        grep -q 'waiting, place 1 of 1' "$WORK/carol.err" || fail "it does not say: $ERR"
        reserve 4 now 2h --for="$(login bob)"
        spawn alice alice container-create mine --wait
        wait_until 3 places_are 1
        cancel_all
        join alice $SPAWNED
        equal "$RC" 0 "exit code"
        expect_invariants
}

# What somebody ahead in the queue can't have is not kept for them from those whom it is reserved for.
test_who_waits_keeps_nothing_that_is_reserved() {
        reserve 3 now 2h --for="$(login bob)"
        spawn carol carol container-create hers --gpu=2 --wait
        wait_until 3 places_are 1
        ok as bob container-create his --gpu=2
        # The one that is not reserved is kept for her all the same, and the third is his.
        no 3 as alice container-create mine
        ok as bob container-create more
        # Who has left gets nothing, also when it becomes free in the same moment.
        kill -INT $SPAWNED
        join carol $SPAWNED
        cancel_all
        wait_until 3 places_are 0
        no 4 as carol container-start hers
        expect_invariants
}

test_wrong_input() {
        local bob

        bob=$(login bob)
        no 2 try_reserve 5 now 2h --for="$bob"
        expect_err "5 GPUs can't be reserved: there are 4 whole ones"
        no 2 try_reserve 0 now 2h --for="$bob"
        no 2 try_reserve 1 now now --for="$bob"
        no 2 try_reserve 1 '2020-01-01 09:00' '2020-01-01 10:00' --for="$bob"
        expect_err 'not in the past'
        no 2 try_reserve 1 '2031-02-30 09:00' 2h --for="$bob"
        no 2 try_reserve 1 now 2h
        no 4 try_reserve 1 now 2h --for=nobody-of-this-name
        no 4 try_reserve --cancel=999
        no 4 try_reserve --cancel=x
        # More than there are at one time: said, with the moment.
        reserve 3 '2031-03-01 09:00' 4h --for="$bob"
        expect_no_out 'there are 4'
        reserve 2 '2031-03-01 12:00' 4h --for="$(login carol)"
        expect_out "from 2031-03-01T.* on 5 GPUs are reserved and there are 4"
        cancel_all
}

test_no_more_than_a_hundred() {
        local at

        at=$(date -d '+1000 days' +%s)
        for i in {1..100}; do
                printf '"%d 1 %d000000 %d000000 %s"\n' "$i" "$at" $((at + 60)) "$(login bob)"
        done | jq -sc '{ reservations: . }' >"$WORK/list"
        ds01d_stop
        cp "$WORK/list" "$STATE/reservations"
        ds01d_start
        no 2 try_reserve 1 now 1h --for="$(login bob)"
        expect_err '100 reservations already'
        reserve --cancel=1
        reserve 1 now 1h --for="$(login bob)"
        ds01d_stop
        rm "$STATE/reservations"
        ds01d_start
}

# A file that is damaged is said and kept aside; what is made afterwards is kept again.
test_a_damaged_list() {
        reserve 1 '2031-03-01 09:00' 4h --for="$(login bob)"
        ds01d_stop
        echo '{"reservations":["1 2' >"$STATE/reservations"
        ds01d_start
        case_log | grep -q 'reservations-damaged' || fail "the log does not tell"
        grep -q '1 2' "$STATE/reservations.damaged" || fail "it is not kept"
        reserve 1 '2031-03-01 09:00' 4h --for="$(login bob)"
        cancel_all
        rm "$STATE/reservations.damaged"
}
