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
        for month in soon 2026-13 1900-01 2026-11-01; do
                no 2 as alice ds01 report --month=$month
        done
        ok as alice ds01 report --month="$(date -d '40 days' +%Y-%m)"
        expect_no_out alice
        for since in soon 2026-11-31 2026-13-01 -1h ''; do
                no 2 as alice ds01 history --since="$since"
        done
        no 2 as alice ds01 history --since=1h --until=2h
        ok as alice ds01 history --since="$(date -d yesterday '+%Y-%m-%d')" --until=1h
        expect_no_out thesis
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
        rm -rf "${STATE:?}/home/${home:?}" "${ROOT:?}/cdi/ds01-$home.json" # nobody can say whose it is any more; `ds01 fsck` names it
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
        # Written over while it runs.
        dd if=/dev/urandom of="$STATE/history.db" bs=4096 count=20 conv=notrunc 2>/dev/null
        ok as alice container-create other
        wait_until 20 has_history 'any(.container == "other")'
        # Taken away while it runs.
        rm -f "$STATE"/history.db*
        ok as alice container-start thesis
        ok as alice container-stop thesis
        wait_until 10 test -f "$STATE/history.db"
}


events_of() { # events_of CONTAINER: as a JSON array of words
        jq -sc --arg name "$1" 'map(select(.container == $name) | .event)' "$LOG/events.jsonl"
}

events_are() {
        [ "$(events_of "$1")" = "$2" ]
}

# What happened while ds01d was away is what the engine remembers, at the engine's times; what had
# been written is not written again.
test_while_ds01d_is_away() {
        local id home

        fresh_history
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-create other --cpu-only
        ok as alice container-start other
        wait_until 5 events_are thesis '["create","lease_begin","start"]'
        ds01d_kill
        ds01d_start
        id=$(engine_inspect alice thesis .Id)
        ds01d_kill
        engine POST "/containers/$id/kill" >/dev/null
        engine POST "/containers/$(engine_inspect alice other .Id)/restart?t=0" >/dev/null
        ds01d_start
        wait_until 5 events_are thesis '["create","lease_begin","start","stop"]'
        wait_until 5 events_are other '["create","start","start"]'
        log_has 'any(.container == "thesis" and .event == "stop" and .why == "exit code 137")'
        # Removed meanwhile (with the home, of which nobody could say whose it is): its lease has ended, at the latest moment that is known.
        home=$(engine_inspect alice thesis '.Mounts[] | select(.Destination | startswith("/home")) | .Source' | xargs basename)
        ds01d_kill
        engine DELETE "/containers/$id?force=1" >/dev/null
        ds01d_start
        rm -rf "${STATE:?}/home/${home:?}" "${ROOT:?}/cdi/ds01-$home.json"
        wait_until 5 events_are thesis '["create","lease_begin","start","stop","lease_end"]'
        log_has 'map(select(.event == "lease_end")) | .[0].gpus[0].name == "GPU-0" and .[0].why == "ended while ds01d was away"'
}

# dies_at POINT COMMAND...: alice's command, in which ds01d dies there; it is started again.
dies_at() {
        ds01d_stop
        : >"$WORK/once"
        ds01d_start DS01_FAILPOINT="$1:kill" DS01_FAILPOINT_ONCE="$WORK/once"
        no 6 as alice "${@:2}"
        ds01d_start
}

# What the engine did for a ds01d that had died meanwhile is written down all the same.
test_killed_in_between() {
        fresh_history
        ok as alice container-create before --cpu-only
        wait_until 5 events_are before '["create"]'
        dies_at create.after-engine container-create thesis
        wait_until 5 events_are thesis '["create","lease_begin"]'
        dies_at start.after-engine container-start thesis
        wait_until 5 events_are thesis '["create","lease_begin","start"]'
        dies_at stop.after-engine container-stop thesis
        wait_until 5 events_are thesis '["create","lease_begin","start","stop"]'
        history_of alice 'length' >/dev/null
        jq -e 'length == 1 and .[0].to == null' <<<"$OUT" >/dev/null || fail "its leases: $OUT"
        events_are before '["create"]' || fail "of the other one: $(events_of before)"
}

# ds01d did not look in between: both are written down, the lease too.
test_what_is_over_at_once() {
        local id

        fresh_history
        set_limits <<'END'
defaults: {max_gpu_equivalents: 4, memory: 64m, gpu_hold_after_stop_h: 0s, created_container_timeout_m: 1s}
END
        ok as alice container-create brief
        wait_until 5 events_are brief '["create","lease_begin","lease_end"]'
        id=$(engine_inspect alice brief .Id)
        kill -STOP "$(ds01d_pid)"
        engine POST "/containers/$id/start" >/dev/null
        engine POST "/containers/$id/kill" >/dev/null
        kill -CONT "$(ds01d_pid)"
        wait_until 5 events_are brief '["create","lease_begin","lease_end","start","stop","lease_begin","lease_end"]'
}

gpu_has_failed() {
        gpu_is GPU-0 failed
}

# A container that is started on another GPU because its own has failed has had two leases.
test_moved_to_other_gpus() {
        fresh_history
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        wait_until 5 has_history 'length == 1 and .[0].gpu == "GPU-0" and .[0].to == null'
        { cat "$GPUS"; echo 'fault 0 remap'; } | set_gpus
        wait_until 10 gpu_has_failed
        ok as alice container-start thesis
        wait_until 5 has_history 'map([.gpu, .why]) == [["GPU-0", "moved to other GPUs"], ["GPU-1", null]]'
        wait_until 5 events_are thesis '["create","lease_begin","start","stop","lease_end","start","lease_begin"]'
        log_has 'map(select(.event == "lease_end")) | .[0].gpus[0].name == "GPU-0"' || fail "the end names other GPUs"
}

test_pauses() {
        fresh_history
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-pause thesis
        ok as alice container-unpause thesis
        # With the engine's own tools as well.
        engine POST "/containers/$(engine_inspect alice thesis .Id)/pause" >/dev/null
        wait_until 5 state_is alice thesis paused
        ok as alice container-start thesis
        wait_until 5 events_are thesis '["create","lease_begin","start","pause","unpause","pause","unpause"]'
}

# Leases are counted in steady time, which was behind the wall clock while the machine was off.
test_steady_time() {
        fresh_history
        ds01d_stop
        jq -c '.epoch_us -= 7200000000' "$STATE/clock" >"$WORK/kept"
        cat "$WORK/kept" >"$STATE/clock"
        ds01d_start
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        wait_until 5 events_are thesis '["create","lease_begin","start","stop"]'
        api alice GET /metrics
        expect_out '^ds01_leases 1$'
        ok as alice container-start thesis
        wait_until 5 events_are thesis '["create","lease_begin","start","stop","start"]'
        equal "$(history_of alice 'map(.to == null)')" "$(jq -n '[true]')" "its leases are open"
}

minute_is_young() {
        [ "$(date +%-S)" -lt 50 ]
}

# A person can have thousands of requests refused.
test_a_flood_of_refusals() {
        fresh_history
        as bob bash -c 'for i in {1..100}; do echo url=http://ds01/v1/containers/none$i; done' >"$WORK/urls"
        # Within one minute.
        wait_until 15 minute_is_young
        as bob curl -sS --unix-socket "$DS01_SOCKET" -X DELETE -K - <"$WORK/urls" >/dev/null
        no 4 as alice container-start none
        wait_until 5 log_has 'any(.user == "'"$(login alice)"'" and .event == "refusal")'
        equal "$(jq -s --arg user "$(login bob)" 'map(select(.user == $user)) | length' "$LOG/events.jsonl")" 61 "refusals of bob's"
        log_has 'any(.why == "more than 60 refusals in a minute; the others are not written down")'
}

# What people type is text for readers of the log and of tables, and for spreadsheets.
test_texts_of_people() {
        fresh_history
        api alice DELETE '/containers/=1+1'
        api alice POST /containers '{"name": "evil\u001b[31m\"\n{"}'
        wait_until 5 log_has 'length == 2'
        ok as alice ds01 history --events --format=csv
        ! grep -q $'\e' <<<"$OUT" || fail "a terminal's sequence in csv"
        equal "$(wc -l <<<"$OUT")" 3 "lines"
        expect_out ",\"'=1\+1\","
        ! grep -qE '(^|,)"?[=+@-]' <<<"$OUT" || fail "a formula"
        ok as alice ds01 history --events
        ! grep -q $'\e' <<<"$OUT" || fail "a terminal's sequence in the table"
}

is_locked() {
        ! sqlite3 "$STATE/history.db" 'BEGIN IMMEDIATE; ROLLBACK'
}

# Somebody has the database open and writes for a while: ds01d waits for nothing and loses nothing.
test_locked_by_somebody() {
        local began

        ok as alice container-create first
        wait_until 5 has_history 'any(.container == "first")'
        (echo 'BEGIN EXCLUSIVE;'; sleep 8) | sqlite3 "$STATE/history.db" &
        wait_until 5 is_locked
        began=${EPOCHREALTIME/./}
        ok as alice container-create second
        ok as alice container-start second
        ok as alice container-stop second --release
        [ $((${EPOCHREALTIME/./} - began)) -lt 6000000 ] || fail "requests wait for the database"
        wait_until 20 has_history 'map(select(.container == "second" and .why == "given back")) | length == 1'
}

# Locked from the start: what is noted meanwhile is written once, what happened before as well.
test_locked_while_ds01d_starts() {
        fresh_history
        ok as alice container-create one --cpu-only
        ok as alice container-start one
        wait_until 5 events_are one '["create","start"]'
        ds01d_stop
        engine POST "/containers/$(engine_inspect alice one .Id)/kill" >/dev/null
        (printf 'PRAGMA locking_mode=EXCLUSIVE;\nBEGIN EXCLUSIVE;\n'; sleep 5) | sqlite3 "$STATE/history.db" >/dev/null &
        wait_until 5 is_locked
        ds01d_start
        ok as alice container-create two
        no 1 as alice ds01 history
        expect_err "history can't be read: database is locked"
        wait_until 20 has_history 'map(select(.container == "two" and .to == null)) | length == 1'
        wait_until 5 events_are one '["create","start","stop"]'
        events_are two '["create","lease_begin"]' || fail "of two: $(events_of two)"
        api alice GET '/history?events=true'
        equal "$(jq -c 'map(.container + " " + .event)' <<<"$OUT")" '["one create","one start","one stop","two create"]' "the history"
}

# A disk that is full: said once, nothing is slowed, no half lines, and it goes on afterwards.
test_a_full_disk() {
        local small=$ROOT/small

        ds01d_stop
        mkdir -p "$small"
        mount -t tmpfs -o size=1m tmpfs "$small"
        mkdir "$small/log"
        rm -f "$STATE"/history.db*
        ln -s "$small/history.db" "$STATE/history.db"
        mv "$LOG" "$LOG.kept"
        ln -s "$small/log" "$LOG"
        ds01d_start
        ok as alice container-create before --cpu-only
        wait_until 5 log_has 'any(.container == "before")'
        head -c 2m /dev/zero >"$small/filler" 2>/dev/null || true
        for i in {1..30}; do
                no 4 as alice container-start "none-with-a-name-that-takes-some-room-$i"
        done
        ok as alice container-create during
        wait_until 10 grep -q 'No space left' <(case_log)
        wait_until 20 grep -q 'event=history.*full' <(case_log)
        rm "$small/filler"
        ok as alice container-start during
        wait_until 20 has_history 'any(.container == "during" and .to == null)'
        wait_until 5 log_has 'any(.container == "during" and .event == "start")'
        jq -c . "$LOG/events.jsonl" >/dev/null || fail "a line that is none"
        case_log | grep -q 'is written again' || fail "the log does not say that it goes on"
        ds01d_stop
        rm -f "$LOG" "$STATE/history.db"
        mv "$LOG.kept" "$LOG"
        umount "$small"
        ds01d_start
}

test_rotation() {
        fresh_history
        ok as alice container-create one --cpu-only
        wait_until 5 log_has 'length == 1'
        truncate -s 17M "$LOG/events.jsonl"
        ok as alice container-create two --cpu-only
        wait_until 5 test -f "$LOG/events.jsonl.1"
        wait_until 5 events_are two '["create"]'
        rm "$LOG/events.jsonl.1"
}

gpus_are() { # gpus_are FILTER
        api alice GET /gpus
        jq -e "$1" <<<"$OUT"
}

# Sampled use: half of the time of a GPU at 50 %; of a MIG instance nobody can tell, and its share counts.
test_use_is_sampled() {
        fresh_history
        set_gpus <<'END'
gpus 4 model="NVIDIA A100-SXM4-40GB" memory=40GiB util=50
mig 3 0 profile=1g.5gb
END
        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 64m, grace_period_m: 0, idle_timeout_h: 12s}
user_overrides: {$(login bob): {allow_full_gpu: false}}
END
        wait_until 20 gpus_are 'any(.weight < 1) and .[0].gpu_percent == 50'
        for user in alice bob; do
                ok as $user container-create busy
                ok as $user container-start busy
        done
        wait_until 30 has_history 'any(.busy_seconds >= 4)'
        history_of alice '.[0]' >"$WORK/lease"
        jq -e '.busy_seconds / .seconds | . > 0.25 and . < 0.6' "$WORK/lease" || fail "of the time: $(cat "$WORK/lease")"
        equal "$(history_of bob '.[0].busy_seconds')" null "use of a MIG instance"
        equal "$(history_of bob '.[0].weight')" 0.143 "its weight"
        api alice GET /report?by=gpu
        jq -e '.[0] | .told_hours == .held_hours and .busy_hours > 0' <<<"$OUT" >/dev/null || fail "report: $OUT"
        ok as bob ds01 report --by=gpu
        expect_out '^GPU-3[:.]0.* - +- +1 '
}

# history.keep_days: of what is older, sums remain, and reports say the same.
test_old_rows_become_sums() {
        local month before uid

        uid=$(id -u "$(login alice)")
        month=$(date -d '100 days ago' +%Y-%m)
        fresh_history
        ok as alice container-create now --cpu-only
        wait_until 5 test -f "$STATE/history.db"
        ds01d_stop
        sqlite3 "$STATE/history.db" <<END
INSERT INTO lease(id, nonce, uuid, gpu, units, uid, user, container, project, begin_us, seen_us, end_us, why)
SELECT 1000 + value, 'n' || value, 'u', 'GPU-' || (value % 2), 7000, $uid, '$(login alice)', 'old', 'p',
  ($(date -d "$month-10" +%s) + value * 86400) * 1000000, 0, ($(date -d "$month-10" +%s) + value * 86400 + 36000) * 1000000, 'removed'
  FROM json_each('[1,2,3,4,5]');
INSERT INTO busy SELECT id, begin_us / 3600000000 + 2, 1800000000 FROM lease WHERE id > 1000;
INSERT INTO event(at_us, kind, uid, user, container, project, gpus, code, why)
  VALUES($(date -d "$month-10" +%s)000000, 'stop', $uid, 'x', 'old', '', '', '', '');
END
        ds01d_start
        for by in user project gpu; do
                ok as alice ds01 report --month="$month" --by=$by --format=json
                before+=$OUT
        done
        jq -se 'flatten | map(.held_hours) | add == 150' <<<"$before" >/dev/null || fail "the report is not as inserted: $before"
        jq -se 'flatten | map(.busy_hours) | add == 7.5' <<<"$before" >/dev/null || fail "the report is not as inserted: $before"
        write_config history.keep_days=30
        ds01d_restart
        wait_until 10 no_rows 'lease WHERE id > 1000'
        wait_until 10 no_rows "event WHERE container = 'old'"
        for by in user project gpu; do
                ok as alice ds01 report --month="$month" --by=$by --format=json
                after+=$OUT
        done
        equal "$after" "$before" "the report afterwards"
        ok as alice ds01 report --month="$month" --by=gpu
        expect_out '^GPU-1 +30\.0 +1\.5 +5% +3 '
        expect_out '^all +50\.0 +2\.5 +5% +5'
        ok as alice ds01 history --since=365d --format=csv
        expect_no_out 'old'
}

no_rows() {
        [ "$(sqlite3 "$STATE/history.db" "SELECT count(*) FROM $1")" = 0 ]
}

test_metrics() {
        ok as alice container-create thesis --gpu=1
        api alice GET /metrics
        equal "$(tail -1 <<<"$OUT")" '# EOF' "the last line"
        expect_out '^ds01_gpus\{state="held"\} 1$' # until it is started, or its time is over
        expect_out '^ds01_containers\{state="created"\} 1$'
        expect_out '^ds01_requests_total\{method="POST",route="v1/containers",status="2xx"\} [1-9]'
        # Each line is what the format allows.
        ! grep -vE '^(# (TYPE|HELP) [a-z0-9_]+ .+|# EOF|[a-z0-9_]+(\{[a-z0-9_]+="[^"]*"(,[a-z0-9_]+="[^"]*")*\})? [0-9.e+-]+)$' <<<"$OUT" ||
                fail "lines that are no metrics"
}

# On the loopback, where the site gives a port.
test_metrics_port() {
        local port=$((20000 + FIRST_UID))

        write_config metrics.port=$port
        ds01d_restart
        ok as alice container-create thesis --gpu=1
        ok as bob curl -sSi "http://127.0.0.1:$port/metrics"
        expect_out '^Content-Type: application/openmetrics-text; version=1.0.0'
        equal "$(tail -1 <<<"$OUT")" '# EOF' "the last line"
        expect_out '^ds01_leases 1$'
        expect_no_out "$LOGIN_PREFIX"
        equal "$(as bob curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/v1/containers")" 404 "of anything else"
        equal "$(as bob curl -sS -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$port/metrics")" 404 "of a POST"
        ! ss -tln | grep -F ":$port " | grep -qv '127.0.0.1' || fail "it listens elsewhere"
        # Nobody can keep it from others by saying nothing.
        exec {quiet}<>"/dev/tcp/127.0.0.1/$port"
        ok as bob curl -sS --max-time 8 "http://127.0.0.1:$port/metrics"
        exec {quiet}>&-
}

# Read by somebody else's strict reader of the format.
test_metrics_are_openmetrics() {
        /usr/bin/python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null || skip "no python3-prometheus-client"
        ok as alice container-create thesis --gpu=1
        no 4 as alice container-start none
        api alice GET /metrics
        /usr/bin/python3 -c 'if True:
                import sys
                from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
                for family in read(sys.stdin.read()):
                        print(family.name, family.type, len(family.samples))
        ' <<<"$OUT" >"$WORK/families" 2>&1 || fail "$(tail -3 "$WORK/families")"
        for family in 'ds01_gpu_state stateset' 'ds01_gpus gauge' 'ds01_leases gauge' 'ds01_queue_length gauge' \
                'ds01_requests counter' 'ds01_request_seconds histogram'; do
                grep -q "^$family " "$WORK/families" || fail "there is no $family: $(cat "$WORK/families")"
        done
}

test_a_port_that_is_taken() {
        local port=$((20000 + FIRST_UID))

        python3 -m http.server --bind 127.0.0.1 $port >/dev/null 2>&1 &
        wait_until 5 curl -s -o /dev/null "http://127.0.0.1:$port/"
        write_config metrics.port=$port
        ds01d_restart
        case_log | grep -q "event=metrics.*127.0.0.1:$port.*in use" || fail "the log does not tell"
        ok as alice container-list
}
