# Holds are counted in a time of ds01d's own: setting the wall clock, or a restart, ends none early.
# The clock that ds01d sees is set by a hook of test builds; the machine's stays as it is.

seconds_left() {
        api alice GET /limits
        jq -r '.holds[0].seconds_left // "none"' <<<"$OUT"
}

has_no_gpu() {
        [ -z "$(gpus_of "$1" "$2")" ]
}

expect_most_left() {
        local left

        left=$(seconds_left)
        [ "$left" != none ] && [ "$left" -gt 700 ] && [ "$left" -le 900 ] || fail "$left s are left of 900"
        expect_invariants
}

test_a_clock_that_is_set() {
        ds01d_restart DS01_CLOCK_OFF="$WORK/clock"
        touch "$ROOT/restart" # without the hook again, after this
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        expect_most_left
        set_clock 7200
        expect_most_left
        # The moment that is shown is one of the clock on the wall.
        api alice GET /containers/thesis
        local until
        until=$(date -d "$(jq -r .held_until <<<"$OUT")" +%s)
        [ "$until" -gt $(($(date +%s) + 7200 + 700)) ] || fail "it is held until $OUT"
        ds01d_kill
        ds01d_start DS01_CLOCK_OFF="$WORK/clock"
        expect_most_left
        set_clock -7200
        expect_most_left
        ds01d_restart DS01_CLOCK_OFF="$WORK/clock"
        expect_most_left
        # What has begun, goes on and ends as it should.
        set_limits <<<'defaults: {max_gpu_equivalents: 4, gpu_hold_after_stop_h: 0.001, memory: 512m}'
        ok as alice container-create short
        ok as alice container-start short
        ok as alice container-stop short
        wait_until 20 has_no_gpu alice short
}

end_is_written_down() { # of a hold, at the moment at which it was over
        api alice GET /history
        jq -e --arg name "$1" 'any(.container == $name and .why == "held for long enough" and
                (.to | fromdate) > now - 60 and (.to | fromdate) <= now)' <<<"$OUT" >/dev/null
}

# ds01d was away for an hour: the hold is over, the container is as it was.
test_away_for_an_hour() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        ds01d_stop
        # Both clocks have gone on.
        jq -c '.epoch_us += 3600000000' "$STATE/clock" >"$WORK/kept"
        cat "$WORK/kept" >"$STATE/clock"
        echo 3600 >"$WORK/clock"
        ds01d_start DS01_CLOCK_OFF="$WORK/clock"
        touch "$ROOT/restart"
        gpu_is GPU-0 free || fail "it is still held"
        expect_state alice thesis stopped
        ok as alice container-start thesis
        # An hour ahead of the wall, holds end all the same, and the history has the wall's times.
        set_limits <<<'defaults: {max_gpu_equivalents: 4, gpu_hold_after_stop_h: 0.001, memory: 512m}'
        ok as alice container-create later
        ok as alice container-start later
        ok as alice container-stop later
        wait_until 20 has_no_gpu alice later
        wait_until 10 end_is_written_down later
        ok as alice container-stop thesis --release
        api alice GET /metrics
        expect_out '^ds01_leases 0$'
        expect_invariants
}

# Nothing is known of the time before: then the wall clock is all there is.
test_a_damaged_file() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        ds01d_stop
        echo garbage >"$STATE/clock"
        ds01d_start
        grep -q 'clock-damaged' "$ROOT/ds01d.log" || fail "the log does not tell"
        [ "$(seconds_left)" -gt 700 ] || fail "it is not held"
        jq -e .boot_id "$STATE/clock" >/dev/null || fail "there is no new file"
}
