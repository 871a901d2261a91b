# What is written down: leases, events, reports, metrics; and what happens when that can't be done.

history_of() { # history_of USER FILTER: of that person's leases, by jq
        api "$1" GET /history
        jq -r "$2" <<<"$OUT"
}

has_history() { # has_history FILTER: of alice's leases, soon
        [ "$(history_of alice "$1")" = true ]
}

log_has() { # log_has FILTER: events.jsonl
        jq -se "$1" "$LOG/events.jsonl" >/dev/null
}

# Other cases leave leases behind, which is what a history is for.
fresh_history() {
        ds01d_stop
        rm -f "$STATE"/history.db* "$LOG"/events.jsonl*
        ds01d_start
}

test_leases_and_events() {
        local t=$((EPOCHSECONDS - 1))

        fresh_history
        ok as alice container-create thesis --gpu=2
        ok as alice container-start thesis
        wait_until 5 has_history 'map(select(.container == "thesis" and .to == null)) | length == 2'
        ok as alice container-stop thesis --release
        wait_until 5 has_history 'map(select(.why == "given back")) | length == 2'
        ok as alice container-remove thesis
        wait_until 5 log_has 'map(select(.container == "thesis") | .event) == ["create", "lease_begin", "start", "stop", "lease_end", "remove"]'
        log_has 'all(.schema == 1 and (.time | fromdate) >= '$t')' || fail "an event is not as documented"
        # A refusal, with what it said; and nobody sees what others did.
        no 3 as bob container-create big --gpu=9
        wait_until 5 log_has 'any(.event == "refusal" and (.why | length) > 10 and .code != null)'
        equal "$(history_of bob length)" 0 "leases that bob sees"
        no 5 as bob ds01 history --user="$(login alice)"
        ok as alice ds01 history
        expect_out '^[^ ]+-alice +thesis +GPU-0 .*given back'
        ok as alice ds01 history --events
        expect_out 'alice +start +thesis'
        ok as alice ds01 history --format=csv --since=1h
        expect_out '^user,container,project,gpu,from,to,seconds,busy_seconds,why$'
        ok as alice ds01 report
        expect_out '^all +0\.0'
        ok as alice ds01 report --by=gpu --format=json
        jq -e 'map(.name) | sort == ["GPU-0", "GPU-1"]' <<<"$OUT" >/dev/null || fail "not both devices"
        no 2 as alice ds01 report --month=soon
}

# A hold that is over by itself ends at that moment, whoever looks when.
test_holds_that_end() {
        fresh_history
        set_limits <<'END'
defaults:
  max_gpu_equivalents: 4
  gpu_hold_after_stop_h: 2s
  max_cpus: 2
  memory: 512m
  shm_size: 64m
END
        ok as alice container-create held
        ok as alice container-start held
        ok as alice container-stop held
        wait_until 10 has_history 'map(select(.container == "held" and .why == "held for long enough")) | length == 1'
}

# kill -9 loses no lease, and one that ended meanwhile is closed.
test_after_a_crash() {
        local id home before

        fresh_history
        ok as alice container-create stays
        ok as alice container-start stays
        before=$(ls "$STATE/home")
        ok as alice container-create goes
        home=$(comm -13 <(echo "$before") <(ls "$STATE/home"))
        wait_until 5 has_history 'map(select(.to == null)) | length >= 2'
        ds01d_kill
        id=$(engine GET '/containers/json?all=1' | jq -r ".[] | select(.Names[0] == \"/goes._.$FIRST_UID\") | .Id")
        engine DELETE "/containers/$id?force=1" >/dev/null
        ds01d_start
        wait_until 10 has_history 'any(.container == "goes" and .why == "ended while ds01d was away")'
        rm -r "${STATE:?}/home/${home:?}" # nobody can say whose it is any more; `ds01 fsck` names it
        has_history 'map(select(.container == "stays")) | length == 1 and .[0].to == null' || fail "its lease is not the same"
}

test_damage_costs_history_only() {
        ds01d_stop
        echo 'this is no database, and long enough not to be taken for an empty one' >"$STATE/history.db"
        rm -f "$STATE/history.db-wal" "$STATE/history.db-shm"
        ds01d_start
        ok as alice container-create thesis
        wait_until 10 has_history 'any(.container == "thesis")'
        ls "$STATE"/history.db.damaged-* >/dev/null || fail "the damaged file is not kept"
        # Taken away while it runs.
        rm -f "$STATE"/history.db*
        ok as alice container-start thesis
        ok as alice container-stop thesis
        wait_until 10 test -f "$STATE/history.db"
}

test_metrics() {
        ok as alice container-create thesis --gpu=1
        api alice GET /metrics
        equal "$(tail -1 <<<"$OUT")" '# EOF' "the last line"
        expect_out '^ds01_gpus\{state="allocated"\} 1$'
        expect_out '^ds01_containers\{state="created"\} 1$'
        expect_out '^ds01_requests_total\{method="POST",route="v1/containers",status="2xx"\} [1-9]'
        # Each line is what the format allows.
        ! grep -vE '^(# (TYPE|HELP) [a-z0-9_]+ .+|# EOF|[a-z0-9_]+(\{[a-z0-9_]+="[^"]*"(,[a-z0-9_]+="[^"]*")*\})? [0-9.e+-]+)$' <<<"$OUT" ||
                fail "lines that are no metrics"
}
