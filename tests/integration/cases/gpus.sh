# Who gets which GPU, and when it is free again.

mig_machine() {
        set_gpus <<'END'
gpus 2 model="NVIDIA A100-SXM4-40GB" memory=40GiB
mig 0 0 profile=3g.20gb
mig 0 1 profile=2g.10gb
mig 0 2 profile=1g.5gb
mig 0 3 profile=1g.5gb
END
        wait_until 10 devices_are 5
}

devices_are() {
        api alice GET /gpus
        [ "$(jq length <<<"$OUT")" = "$1" ]
}

test_devices_are_exclusive() {
        ok as alice container-create a1
        ok as bob container-create b1
        ok as carol container-create c1
        ok as alice container-create a2
        equal "$(printf '%s\n' "$(gpus_of alice a1)" "$(gpus_of bob b1)" "$(gpus_of carol c1)" "$(gpus_of alice a2)" | sort -u | wc -l)" 4 \
                "different GPUs"
        no 3 as bob container-create b2
        expect_err 'free'
        ok as alice container-remove a1
        ok as bob container-create b2
        expect_invariants
}

test_refusal_names_who_holds_them() {
        ok as alice container-create a1 --gpu=4
        no 3 as bob container-create b1
        expect_err '0 of 4 free'
        expect_err "$LOGIN_PREFIX-alice"
}

test_quota_of_gpus() {
        set_limits <<<'defaults: {max_gpu_equivalents: 2, max_gpu_slots_per_container: 4, memory: 512m}'
        ok as alice container-create a1
        ok as alice container-create a2
        no 3 as alice container-create a3
        expect_err '2 of 2 GPUs'
        expect_err 'a1'
        ok as alice container-create a3 --cpu-only
        # Stopped ones count as long as they are held.
        ok as alice container-start a1
        ok as alice container-stop a1
        no 3 as alice container-create a4
        ok as alice container-remove a1
        ok as alice container-create a4
        ok as bob container-create b1 --gpu=2
        expect_invariants
}

test_quota_per_container() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 2, memory: 512m}'
        no 3 as alice container-create a1 --gpu=3
        expect_err 'at most 2'
        ok as alice container-create a1 --gpu=2
}

test_quota_of_containers() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_containers_per_user: 2, memory: 512m}'
        ok as alice container-create a1 --cpu-only
        ok as alice container-create a2 --cpu-only
        no 3 as alice container-create a3 --cpu-only
        expect_err '2 of 2'
        ok as bob container-create b1 --cpu-only
}

test_limits_by_group_and_person() {
        set_limits <<END
defaults: {max_gpu_equivalents: 1, max_gpu_slots_per_container: 2, memory: 512m}
groups:
  lab:
    unix_groups: [$LAB]
    max_gpu_equivalents: 2
user_overrides:
  $LOGIN_PREFIX-bob:
    max_gpu_equivalents: 0
END
        api alice GET /limits
        expect_json .gpus.max 2
        expect_json .group lab
        api carol GET /limits
        expect_json .gpus.max 1
        no 3 as bob container-create b1
        ok as bob container-create b1 --cpu-only
        no 3 as carol container-create c1 --gpu=2
        ok as alice container-create a1 --gpu=2
}

test_limits_lowered_below_use() {
        ok as alice container-create a1 --gpu=3
        ok as alice container-start a1
        set_limits <<<'defaults: {max_gpu_equivalents: 1, memory: 512m}'
        expect_state alice a1 running
        no 3 as alice container-create a2
        ok as alice container-stop a1
        ok as alice container-start a1 || true
}

test_best_connected_set() {
        # GPUs 0-1 and 2-3 are bridged: two are taken from one pair, and one from a broken pair.
        ok as alice container-create pair --gpu=2
        equal "$(gpus_of alice pair)" GPU-0,GPU-1 "the pair"
        ok as bob container-create pair --gpu=2
        equal "$(gpus_of bob pair)" GPU-2,GPU-3 "the other pair"
}

test_one_leaves_the_best_sets() {
        ok as alice container-create one
        equal "$(gpus_of alice one)" GPU-0 "the first"
        ok as alice container-create two
        equal "$(gpus_of alice two)" GPU-1 "the second, from the pair that is broken already"
        ok as bob container-create pair --gpu=2
        equal "$(gpus_of bob pair)" GPU-2,GPU-3 "the whole pair"
}

test_mig_fractions_count() {
        local n=0

        mig_machine
        set_limits <<<'defaults: {max_gpu_equivalents: 0.6, max_containers_per_user: 9, memory: 512m}'
        while [ $n -lt 5 ]; do
                run as alice container-create "part-$n"
                [ "$RC" = 0 ] || break
                n=$((n + 1))
        done
        equal "$RC" 3 "exit code of one too many"
        [ $n -ge 1 ] || fail "nothing fits into 0.6 of a GPU"
        api alice GET /containers/part-0
        expect_json '.gpus[0].weight < 0.5' true
        expect_json '.gpu | startswith("GPU-0.")' true
        api alice GET /limits
        expect_json '.gpus.used > 0.1 and .gpus.used <= 0.6' true
        # A whole GPU does not fit into the rest.
        no 3 as alice container-create whole --prefer-full
        expect_invariants
}

test_mig_only() {
        mig_machine
        set_limits <<<'defaults: {max_gpu_equivalents: 2, max_containers_per_user: 9, allow_full_gpu: false, memory: 512m}'
        for name in m1 m2 m3 m4; do
                ok as alice container-create $name
        done
        no 3 as alice container-create m5
        expect_err 'MIG'
}

test_prefer_full() {
        mig_machine
        ok as alice container-create whole --prefer-full
        equal "$(gpus_of alice whole)" GPU-1 "the whole GPU"
        ok as alice container-create part
        grep -q '^GPU-0\.' <<<"$(gpus_of alice part)" || fail "a MIG instance was to be had"
}

test_failed_device_is_never_given() {
        ok as bob container-create on-it
        equal "$(gpus_of bob on-it)" GPU-0 "bob's GPU"
        ok as bob container-start on-it
        { cat "$GPUS"; echo 'fault 0 lost'; echo 'fault 1 remap'; } | set_gpus
        wait_until 10 gpu_is GPU-1 failed
        for name in a1 a2; do ok as alice container-create $name; done
        equal "$(gpus_of alice a1) $(gpus_of alice a2)" "GPU-2 GPU-3" "the GPUs that work"
        no 3 as alice container-create a3
        expect_state bob on-it running
        [ -n "$(gpu_field GPU-1 .detail)" ] || fail "it does not say how it failed"
        # An Xid says that the GPU needs a reset; after one, ds01d is told by a restart.
        write_gpus
        ds01d_restart
        wait_until 10 gpu_is GPU-1 free
        ok as alice container-create a3
        equal "$(gpus_of alice a3)" GPU-1 "the repaired one"
}

test_xid_marks_a_device() {
        { cat "$GPUS"; echo 'fault 2 xid=79'; } | set_gpus
        wait_until 10 gpu_is GPU-2 failed
        gpu_field GPU-2 .detail | grep -q 79 || fail "it does not say which Xid"
        ok as alice container-create three --gpu=3
        equal "$(gpus_of alice three)" GPU-0,GPU-1,GPU-3 "the GPUs that work"
        # Such a device needs a reset and a look by somebody: it does not come back by itself.
        touch "$ROOT/restart"
}

test_failed_device_stops_a_start() {
        ok as alice container-create one
        { cat "$GPUS"; echo 'fault 0 lost'; } | set_gpus
        wait_until 10 device_is_broken GPU-0
        run as alice container-start one
        [ "$RC" = 3 ] || [ "$RC" = 0 ] || fail "exit code $RC"
        [ "$RC" = 3 ] || [ "$(gpus_of alice one)" != GPU-0 ] || fail "it was started on a GPU that is lost"
        expect_invariants
}

device_is_broken() {
        api alice GET /gpus
        [ "$(jq -r --arg n "$1" '[.[] | select(.name == $n)] | if length == 0 then "gone" else (.[0].detail // "fine") end' <<<"$OUT")" != fine ]
}

test_foreign_device_is_never_given() {
        spawn foreign carol sleep 300
        { cat "$GPUS"; echo "process 0 pid=$SPAWNED memory=1GiB"; } | set_gpus
        wait_until 10 gpu_is GPU-0 foreign
        grep -q "$LOGIN_PREFIX-carol\|$SPAWNED" <<<"$(gpu_field GPU-0 .detail)" || fail "it does not say whose process"
        ok as alice container-create a1 --gpu=3
        equal "$(gpus_of alice a1)" GPU-1,GPU-2,GPU-3 "the GPUs without it"
        no 3 as bob container-create b1
        write_gpus
        wait_until 10 gpu_is GPU-0 free
        ok as bob container-create b1
}

test_process_of_the_holder_is_not_foreign() {
        local pid

        ok as alice container-create a1
        ok as alice container-start a1
        pid=$(engine_inspect alice a1 .State.Pid)
        { cat "$GPUS"; echo "process 0 pid=$pid memory=1GiB"; } | set_gpus
        sleep 6
        gpu_is GPU-0 allocated || fail "the holder's own process counts as foreign"
        api alice GET '/stats'
        expect_json '.[0].gpu_memory_used_bytes' $((1 << 30))
}

test_hold_ends() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, gpu_hold_after_stop_h: 0.001, memory: 512m}'
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        gpu_is GPU-0 held || fail "it is not held"
        wait_until 8 gpu_is GPU-0 free
        expect_state alice one stopped
        equal "$(gpus_of alice one)" "" "what it shows"
        # Still free: it gets it back.
        ok as alice container-start one
        equal "$(gpus_of alice one)" GPU-0 "its GPU again"
        expect_invariants
}

test_hold_ends_and_another_takes_it() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, gpu_hold_after_stop_h: 0.001, memory: 512m}'
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        wait_until 8 gpu_is GPU-0 free
        ok as bob container-create all --gpu=4
        no 3 as alice container-start one
        expect_err "$LOGIN_PREFIX-bob"
        expect_state alice one stopped
        expect_invariants
        ok as bob container-remove all
        ok as alice container-start one
        expect_invariants
}

test_hold_in_force_keeps_others_away() {
        ok as alice container-create all --gpu=4
        ok as alice container-start all
        ok as alice container-stop all
        no 3 as bob container-create one
        ok as alice container-start all
}

test_no_hold() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, gpu_hold_after_stop_h: 0, memory: 512m}'
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        wait_until 3 gpu_is GPU-0 free
}

test_hold_for_ever() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, gpu_hold_after_stop_h: null, memory: 512m}'
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        api alice GET /containers/one
        expect_json .held_until null
        expect_json .gpu GPU-0
}

test_hold_survives_a_restart_of_ds01d() {
        local until

        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one
        api alice GET /containers/one
        until=$(jq -r .held_until <<<"$OUT")
        ds01d_restart
        api alice GET /containers/one
        expect_json .held_until "$until"
}

# Start is the gate also for who starts with the engine's own tools.
test_started_past_the_gate() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 512m}'
        ok as alice container-create one --gpu=4
        ok as alice container-start one
        ok as alice container-stop one --release
        ok as bob container-create two --gpu=1
        ok as bob container-start two
        engine POST "/containers/one._.$FIRST_UID/start"
        wait_until 20 grep -q "event=gate container=one._.$FIRST_UID" "$ROOT/ds01d.log"
        wait_until 20 state_is alice one stopped
        expect_state bob two running
        wait_until 5 gpu_is GPU-1 free # she does not hold what she took
        ok as bob container-remove two --stop
        # Without a clash it may run.
        engine POST "/containers/one._.$FIRST_UID/start"
        wait_until 20 state_is alice one running
        wait_until 5 gpu_is GPU-0 allocated
        expect_invariants
}

# ... also while ds01d is away; what was taken that way is not held afterwards.
test_started_past_the_gate_meanwhile() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, gpu_hold_after_stop_h: 1, memory: 512m}'
        ok as alice container-create one --gpu=4
        ok as alice container-start one
        ok as alice container-stop one --release
        ok as bob container-create two --gpu=1
        ds01d_kill
        engine POST "/containers/one._.$FIRST_UID/start"
        ds01d_start
        equal "$(state_of alice one)" stopped "hers"
        equal "$(gpus_of bob two)" GPU-0 "his GPU"
        gpu_is GPU-1 free || fail "GPU-1 is still hers"
        expect_invariants
        # Both are started meanwhile, hers first: it is his that has had the device since before.
        ds01d_kill
        engine POST "/containers/one._.$FIRST_UID/start"
        engine POST "/containers/two._.$((FIRST_UID + 1))/start"
        ds01d_start
        equal "$(state_of alice one) $(state_of bob two)" 'stopped running' "hers and his"
        expect_invariants
        ok as bob container-stop two
        # The one that ran on it before does not lose it to one that was stopped again meanwhile.
        ok as bob container-start two
        ds01d_stop
        engine POST "/containers/one._.$FIRST_UID/start"
        engine POST "/containers/one._.$FIRST_UID/kill"
        ds01d_start
        equal "$(state_of bob two)" running "his"
        gpu_is GPU-1 free || fail "GPU-1 is held for her"
        expect_invariants
        ok as bob container-remove two --stop
        ok as alice container-start one
        equal "$(gpus_of alice one)" GPU-0,GPU-1,GPU-2,GPU-3 "her GPUs, by the gate"
}

# ... and while its own start is under way, which is about to give it other devices.
test_started_past_the_gate_in_the_middle() {
        local pid

        set_limits <<<'defaults: {max_gpu_equivalents: 4, memory: 512m}'
        ok as alice container-create one
        ok as alice container-start one
        ok as alice container-stop one --release
        ok as bob container-create two
        ds01d_restart DS01_FAILPOINT=start.decided:sleep=1500
        touch "$ROOT/restart"
        spawn start alice container-start one
        pid=$SPAWNED
        sleep 0.7
        engine POST "/containers/one._.$FIRST_UID/start"
        join start $pid
        [ "$RC" != 0 ] || fail "it was moved while it ran"
        equal "$(state_of alice one)" stopped "hers, when its start has ended"
        expect_invariants
        ok as alice container-start one
        equal "$(gpus_of alice one) $(gpus_of bob two)" 'GPU-1 GPU-0' "hers and his"
}

test_created_and_never_started() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, created_container_timeout_m: 0.05, memory: 512m}'
        ok as alice container-create one
        gpu_is GPU-0 held || fail "it is not held"
        wait_until 8 gpu_is GPU-0 free
        expect_state alice one created
        ok as alice container-start one
        equal "$(gpus_of alice one)" GPU-0 "its GPU"
}

test_attach_by_device_request() {
        engine_is_podman && skip "podman has no device requests"
        local uuid

        ok as alice container-create one
        uuid=$(gpu_field GPU-0 .uuid)
        equal "$(engine_inspect alice one '.HostConfig.DeviceRequests[0].DeviceIDs | join(",")')" "$uuid" "the device asked for"
        equal "$(engine_inspect alice one '.HostConfig.DeviceRequests | length')" 1 "device requests"
        equal "$(engine_inspect alice one '[.Config.Env[] | select(startswith("NVIDIA_VISIBLE_DEVICES="))] | join(" ")')" \
                "NVIDIA_VISIBLE_DEVICES=$uuid" "the environment"
}

test_attach_by_environment() {
        write_config gpu.attach=env
        ds01d_restart
        ok as alice container-create one --gpu=2
        ok as alice container-start one
        equal "$(engine_inspect alice one '.HostConfig.DeviceRequests // [] | length')" 0 "device requests"
        equal "$(engine_inspect alice one '[.Config.Env[] | select(startswith("NVIDIA_VISIBLE_DEVICES="))] | join(" ")')" \
                "NVIDIA_VISIBLE_DEVICES=$(gpu_field GPU-0 .uuid),$(gpu_field GPU-1 .uuid)" "the environment"
        expect_invariants
        # The engine's default runtime is NVIDIA's then, which a container with GPUs needs.
        engine_has_runtime && ! engine_is_podman || return 0
        equal "$(engine_inspect alice one '.HostConfig.Runtime')" "$(engine GET /info | jq -r .DefaultRuntime)" "the runtime with GPUs"
        ok as alice container-create two --cpu-only
        equal "$(engine_inspect alice two '.HostConfig.Runtime')" ds01 "the runtime without GPUs"
}

# What a container's first process, PID 1, sees: devices in /dev, and its environment.
devices_of() {
        as alice container-attach "$1" -- sh -c 'ls /dev | grep "^nvidia[0-9]" | paste -sd,'
}

environment_of() {
        as alice container-attach "$1" -- sh -c 'tr "\0" "\n" </proc/1/environ' | grep "^$2=" || true
}

# Over an engine that knows CDI: what the container gets comes from a file of its own, read anew at
# each start.
test_attach_by_cdi() {
        local file

        engine_has_cdi || skip "$ENGINE_NAME has no CDI"
        write_config gpu.attach=cdi
        ds01d_restart
        ok as alice container-create one --gpu=2
        file=$(echo "$ROOT"/cdi/ds01-*.json)
        [ -f "$file" ] || fail "the container has no CDI spec"
        equal "$(jq -r .kind "$file")" ds01.local/gpu "the kind"
        ok as alice container-start one
        equal "$(devices_of one)" nvidia0,nvidia1 "its devices"
        ok as bob container-create two
        ok as bob container-start two
        equal "$(ls "$ROOT"/cdi/ds01-*.json | wc -l)" 2 "specs"
        ok as alice container-stop one
        ok as alice container-remove one
        [ ! -e "$file" ] || fail "the spec has outlived its container"
        expect_invariants
}

test_cdi_is_read_at_each_start() {
        local file

        engine_has_cdi || skip "$ENGINE_NAME has no CDI"
        write_config gpu.attach=cdi
        ds01d_restart
        ok as alice container-create one
        ok as alice container-start one
        equal "$(devices_of one)" nvidia0 "its device"
        equal "$(environment_of one FROM_CDI)" "" "the variable before"
        ok as alice container-stop one
        # What the site's specification says now.
        wait_until 10 test -s "$RUN_DIR/cdi-simulated.json"
        sed -i 's,"NVIDIA_VISIBLE_DEVICES=void","NVIDIA_VISIBLE_DEVICES=void"\, "FROM_CDI=second",' \
                "$RUN_DIR/cdi-simulated.json"
        ok as alice container-start one
        equal "$(environment_of one FROM_CDI)" FROM_CDI=second "the variable of the second spec"
        ok as alice container-stop one
        # Without a spec, the container does not start with whatever it had.
        file=$(echo "$ROOT"/cdi/ds01-*.json)
        rm "$file"
        ok as alice container-start one
        [ -s "$file" ] || fail "the spec was not written for the start"
        equal "$(devices_of one)" nvidia0 "its device"
}

# A container without a lease has no device of any kind.
test_cdi_without_a_lease() {
        engine_has_cdi || skip "$ENGINE_NAME has no CDI"
        write_config gpu.attach=cdi
        ds01d_restart
        ok as alice container-create one --cpu-only --image=ds01-cuda:latest
        ok as alice container-start one
        equal "$(devices_of one)" "" "its devices"
        equal "$(ls "$ROOT/cdi" 2>/dev/null | wc -l)" 0 "specs"
        equal "$(environment_of one NVIDIA_VISIBLE_DEVICES)" NVIDIA_VISIBLE_DEVICES=void "the environment"
}

test_driver_that_hangs() {
        local began

        ok as alice container-create one
        { cat "$GPUS"; echo 'fault hang=DeviceGetCount_v2'; } | set_gpus
        sleep 6
        began=$SECONDS
        ok as alice container-list --all
        expect_state alice one created
        ok as alice container-start one || [ "$RC" = 3 ]
        ok as alice container-remove one --stop
        [ $((SECONDS - began)) -lt 20 ] || fail "a hanging driver holds everything up"
        touch "$ROOT/restart"
}

test_one_name_fifty_times() {
        local i pids=() made=0

        for i in {1..50}; do
                spawn "c$i" alice container-create thesis
                pids[i]=$SPAWNED
        done
        for i in {1..50}; do
                join "c$i" "${pids[i]}"
                case $RC in
                0) made=$((made + 1)) ;;
                1) expect_err 'already|at work' ;;
                *) fail "exit code $RC" ;;
                esac
        done
        equal "$made" 1 "creates that succeeded"
        equal "$(engine_containers | wc -l)" 1 containers
        api alice GET /limits
        expect_json .gpus.used 1
        expect_invariants
}

test_two_hundred_at_once() {
        local who n i pids=() given=0

        # Limits allow 2 + 1 + 4 GPUs of the four; whoever comes first, four are given, nobody gets
        # more than their limit, and nothing is left of the creates that were refused.
        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_containers_per_user: 100, memory: 64m}
user_overrides:
  $LOGIN_PREFIX-alice: {max_gpu_equivalents: 2}
  $LOGIN_PREFIX-bob: {max_gpu_equivalents: 1}
END
        for i in {1..200}; do
                case $((i % 3)) in 0) who=alice ;; 1) who=bob ;; 2) who=carol ;; esac
                spawn "c$i" $who container-create "job-$i"
                pids[i]=$SPAWNED
        done
        for i in {1..200}; do
                join "c$i" "${pids[i]}"
                case $RC in
                0) given=$((given + 1)) ;;
                3) expect_err 'GPU' ;;
                1) expect_err 'open' ;; # the connections of one person
                *) fail "exit code $RC" ;;
                esac
        done
        equal "$given" 4 "creates that succeeded"
        equal "$(engine_containers | wc -l)" 4 containers
        expect_invariants
        for who in alice bob carol; do
                api $who GET /limits
                echo "$who: $(jq -c .gpus <<<"$OUT")"
                expect_json '.gpus.used <= .gpus.max' true
        done
        api alice GET /gpus
        expect_json '[.[] | select(.state == "held")] | length' 4
}

test_parallel_starts_of_all() {
        local i pids=()

        for i in 1 2 3 4; do ok as alice container-create "job-$i"; done
        for i in 1 2 3 4; do
                spawn "s$i" alice container-start "job-$i"
                pids[i]=$SPAWNED
        done
        for i in 1 2 3 4; do
                join "s$i" "${pids[i]}"
                equal "$RC" 0 "exit code"
        done
        expect_invariants
}

test_release_gives_it_back_at_once() {
        ok as alice container-create one --gpu=2
        ok as alice container-start one
        ok as alice container-stop one --release
        expect_out 'free'
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
        # It stays so over a restart of ds01d.
        ds01d_restart
        gpu_is GPU-0 free || fail "GPU-0 is held again"
        ok as bob container-create two
        ok as bob container-remove two
        # Started again it has them again, and the next stop holds them.
        ok as alice container-start one
        gpu_is GPU-0 allocated || fail "GPU-0 is not allocated"
        ok as alice container-stop one
        gpu_is GPU-0 held || fail "GPU-0 is not held"
        # Of one that is stopped already.
        ok as alice container-stop one --release
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
}

# A stopped container of alice's whose hold is over and whose devices bob has.
lost_devices() {
        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, gpu_hold_after_stop_h: 1s, memory: 512m}'
        ok as alice container-create one --gpu=2
        ok as alice container-start one
        [ $# = 0 ] || ok as alice container-attach one -- sh -c 'echo kept >/tmp/file; echo home >$HOME/file'
        ok as alice container-stop one
        wait_until 8 gpu_is GPU-0 free
        ok as bob container-create two --gpu=2
        equal "$(gpus_of bob two)" GPU-0,GPU-1 "bob's GPUs"
}

test_start_on_other_devices() {
        lost_devices changed
        ok as alice container-start one
        expect_out 'on GPU-2,GPU-3'
        expect_out 'had gone to others'
        ok as alice container-attach one -- sh -c 'cat /tmp/file $HOME/file; echo $NVIDIA_VISIBLE_DEVICES | tr , "\n" | wc -l'
        equal "$OUT" $'kept\nhome\n2' "what is in it"
        expect_invariants
        equal "$(engine_containers | wc -l)" 2 "containers in the engine"
        ds01d_restart
        equal "$(gpus_of alice one)" GPU-2,GPU-3 "its GPUs"
        expect_invariants
        # Once more, the other way round, and nothing is left of it.
        ok as alice container-stop one
        ok as bob container-remove two
        wait_until 8 gpu_is GPU-2 free
        ok as bob container-create three --gpu=3
        no 3 as alice container-start one
        expect_state alice one stopped
        ok as bob container-remove three
        ok as alice container-start one
        ok as alice container-attach one -- cat /tmp/file
        equal "$OUT" kept "what is in it"
        ok as alice container-remove one --stop --no-keep
        ! engine GET /images/json | grep -q ds01-moved || fail "an image is left"
        expect_invariants
}

test_start_on_other_devices_with_nothing_changed() {
        lost_devices
        ok as alice container-start one
        expect_out 'on GPU-2,GPU-3'
        ! engine GET /images/json | grep -q ds01-moved || fail "an image was made"
        expect_invariants
}
