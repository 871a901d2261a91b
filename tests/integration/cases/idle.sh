# Rules of time: idle containers and those that have run for long are warned, then stopped.

# quick_limits [LINE...]: times of seconds, and what else is to be in the file.
quick_limits() {
        {
                printf 'defaults:\n  max_gpu_equivalents: 4\n  max_gpu_slots_per_container: 4\n'
                printf '  max_cpus: 2\n  memory: 512m\n  shm_size: 64m\n  grace_period_m: 0\n'
                printf '  sigterm_grace_s: 5\n  high_demand_threshold: 2\n'
                printf '  %s\n' "$@"
        } | set_limits
}

status_is() { # status_is NAME STATUS
        api alice GET "/containers/$1"
        [ "$(jq -r .status <<<"$OUT")" = "$2" ]
}

running_gpu() { # running_gpu NAME
        ok as alice container-create "$1" --gpu=1
        ok as alice container-start "$1"
}

use_gpus() { # use_gpus PERCENT
        set_gpus <<END
gpus 4 model="NVIDIA A100-SXM4-40GB" memory=40GiB util=$1
END
}

test_idle_is_warned_and_stopped() {
        printf '#!/bin/sh\ncat >>%s/letters\necho >>%s/letters\n' "$WORK" "$WORK" >"$WORK/notify"
        chmod 755 "$WORK/notify"
        write_config "notify.command=$WORK/notify"
        ds01d_restart
        quick_limits 'idle_timeout_h: 12s' 'max_runtime_h: null'
        running_gpu thesis
        ok as alice container-create plain --cpu-only
        ok as alice container-start plain
        terminal 100x30 container-attach thesis
        # In the terminal that is attached, in the next command, and by the site's program.
        see "ds01: 'thesis' has been idle for [0-9]+s and will be stopped at" 30
        run as alice container-list
        expect_err "\*\*\* ds01: 'thesis' has been idle for .*container-extend thesis"
        ok as alice container-list --detailed
        expect_out 'Stops +.*\(idle\)'
        wait_until 25 status_is thesis stopped
        end_terminal
        ok as alice container-list --all
        expect_out '^thesis +stopped \(idle 1[0-9] s\)'
        expect_out '^plain +running'
        api alice GET /containers/thesis
        expect_json .stopped_why "$(jq -r .stopped_why <<<"$OUT")"
        [ "$(jq -r .held_until <<<"$OUT")" != null ] || fail "its GPU is not held"
        grep -q '"event":"expiry-warning"' "$WORK/letters" || fail "no letter of the warning"
        jq -se 'map(select(.event == "expiry-stop" and .container == "thesis" and .rule == "idle")) | length == 1' \
                "$WORK/letters" >/dev/null || fail "not one letter of the stop: $(cat "$WORK/letters")"
        # Nothing is lost, and the next run begins anew.
        ok as alice container-start thesis
        ok as alice container-list --all
        expect_out '^thesis +running'
        expect_invariants
}

test_use_keeps_it() {
        quick_limits 'idle_timeout_h: 6s' 'max_runtime_h: null'
        use_gpus 40
        sleep 6 # until the monitor has read it
        running_gpu thesis
        sleep 10
        status_is thesis running || fail "it was stopped in use"
        use_gpus 3
        wait_until 25 status_is thesis stopped
        # CPU work alone is use as well.
        quick_limits 'idle_timeout_h: 6s' 'max_runtime_h: null'
        ok as alice container-start thesis
        as alice container-attach thesis sh -c 'timeout 10 sh -c "while :; do :; done"' || true
        status_is thesis running || fail "it was stopped while it computed"
        wait_until 25 status_is thesis stopped
}

test_keep_alive() {
        quick_limits 'idle_timeout_h: 6s' 'max_runtime_h: null' 'keepalive_max_duration_h: 12s'
        as alice mkdir -p "$ROOT/home/alice/workspace/thesis"
        as alice touch "$ROOT/home/alice/workspace/thesis/.keep-alive"
        running_gpu thesis
        sleep 9
        status_is thesis running || fail "it was stopped although it is kept alive"
        # Not for ever.
        wait_until 30 status_is thesis stopped
}

test_running_time_and_extension() {
        quick_limits 'idle_timeout_h: null' 'max_runtime_h: 20s' 'max_extension_h: 15s'
        running_gpu thesis
        no 3 as alice container-extend thesis 2h
        expect_err "can't be kept for 2h 0m more"
        no 2 as alice container-extend thesis soon
        expect_err "'soon' is not a time"
        no 4 as bob container-extend thesis
        wait_until 20 stops_soon thesis
        run as alice container-extend thesis 14s
        equal "$RC" 0 "exit code"
        expect_out "Container 'thesis' is not stopped before"
        expect_err "'thesis' has run for .* container-extend thesis"
        ! stops_at_most 5 || fail "the stop was not put off"
        wait_until 40 status_is thesis stopped
        ok as alice container-list --all
        expect_out '^thesis +stopped \(max runtime 20 s\)'
        no 1 as alice container-extend thesis
        expect_err 'not running'
}

# An administrator takes a container out of the rules of time, for as long as it exists.
test_never_stopped() {
        quick_limits 'idle_timeout_h: null' 'max_runtime_h: 6s' 'max_extension_h: 3s'
        running_gpu thesis
        no 5 as alice container-extend thesis never
        expect_err 'ask yours: sudo container-extend thesis never --user='
        no 2 as alice container-extend thesis 3s --off
        ok admin container-extend thesis never --user="$(login alice)"
        expect_out "Container 'thesis' is never stopped by itself"
        ok as alice container-extend thesis 2s
        expect_out 'an administrator said so'
        ok as alice container-list --detailed
        expect_out 'Stops +never by itself'
        # Also after it was started again, and when ds01d was.
        ok as alice container-stop thesis
        ds01d_restart
        ok as alice container-start thesis
        sleep 8
        status_is thesis running || fail "it was stopped"
        api alice GET /containers/thesis
        expect_json .exempt true
        expect_json .stops_at null
        ok as alice container-extend thesis --off
        expect_out "stopped when its limits say so"
        wait_until 30 status_is thesis stopped
        # An extension is taken back, too.
        quick_limits 'idle_timeout_h: null' 'max_runtime_h: 1h' 'max_extension_h: 2h'
        ok as alice container-start thesis
        ok as alice container-extend thesis 90m
        api alice GET /containers/thesis
        expect_json '.extended_until != null' true
        ok as alice container-extend thesis --off
        api alice GET /containers/thesis
        expect_json .extended_until null
}

stops_soon() {
        api alice GET "/containers/$1"
        [ "$(jq -r .stops_at <<<"$OUT")" != null ]
}

stops_at_most() { # stops_at_most SECONDS: from now on
        api alice GET /containers/thesis
        jq -e --argjson s "$1" '.stops_at != null and (.stops_at | fromdate) < now + $s' <<<"$OUT" >/dev/null
}

# What was due while ds01d was away is warned of first, and done once.
test_after_an_absence() {
        quick_limits 'idle_timeout_h: null' 'max_runtime_h: 10s'
        running_gpu thesis
        ds01d_stop
        sleep 11
        ds01d_start
        wait_until 10 stops_soon thesis
        status_is thesis running || fail "it was stopped without a warning"
        wait_until 20 status_is thesis stopped
        equal "$(grep -c 'event=expiry-stop user' "$ROOT/ds01d.log")" \
                "$(grep -c 'event=expiry-stop user.*container=thesis' "$ROOT/ds01d.log")" "stops"
        expect_invariants
}

# Programs have their time to end in, in the background and at an attached shell.
test_grace() {
        local script='trap "sleep 1; echo saved >/workspace/$1; exit" TERM; while :; do sleep 0.1; done'

        quick_limits 'idle_timeout_h: null' 'max_runtime_h: 8s'
        as alice mkdir -p "$ROOT/home/alice/workspace/thesis"
        running_gpu thesis
        ok as alice container-attach thesis -- sh -c 'nohup bash -c "$0" - behind >/dev/null 2>&1 &' "$script"
        spawn alice alice container-attach thesis -- bash -c "$script" - attached
        wait_until 40 status_is thesis stopped
        [ -f "$ROOT/home/alice/workspace/thesis/behind" ] || fail "no checkpoint was written"
        [ -f "$ROOT/home/alice/workspace/thesis/attached" ] || fail "none by the one that is attached"
}
