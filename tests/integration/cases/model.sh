# Several people do at random what can be done, two clients each, while the engine's own calls meddle
# and ds01d is killed; what they saw is compared with a model of leases (tests/model).
# timeout: 1500
#
# DS01_MODEL_SECONDS: how long (10); DS01_MODEL_SEED: repeats what the clients did. DS01_SOAK_SECONDS:
# how long the soak is (none without).

HOLD_S=1

model_limits() {
        set_limits <<END
defaults:
  max_gpu_equivalents: 3
  max_gpu_slots_per_container: 2
  max_containers_per_user: 20
  gpu_hold_after_stop_h: ${HOLD_S}s
  idle_timeout_h: null
  max_runtime_h: null
  memory: 64m
END
}

# model SEED SECONDS: in the background, its pid in SPAWNED.
model() {
        echo "seed $1"
        "$DS01_BUILD/tests/model/ds01-model" "$DS01_SOCKET" "$ENGINE_SOCKET" "$FIRST_UID" 3 "$1" "$2" $HOLD_S 3 \
                >"$WORK/model.out" 2>"$WORK/model.err" &
        SPAWNED=$!
}

all_gone() {
        local who

        for who in $PEOPLE; do
                ok as "$who" container-remove --all --stop --force --no-keep
        done
}

# A failpoint, which is met or not; then -9 in any case.
die_soon() {
        local points point

        points=($(grep -rhoE 'FAILPOINT\("(create|start|stop|remove|move)\.[a-z-]+"\)' "$HERE/../../src/daemon" | cut -d'"' -f2))
        point=${points[RANDOM % ${#points[@]}]}
        : >"$WORK/once"
        ds01d_launch DS01_FAILPOINT="$point:kill" DS01_FAILPOINT_ONCE="$WORK/once"
        sleep 1.$((RANDOM % 10))
        ds01d_kill
}

# What a container has outside the engine stays when it is removed there while ds01d does not run: that
# it can't be seen is no proof. fsck says what to do, for somebody who knows better.
mend() {
        local path

        run env DS01_SOCKET="$ADMIN_SOCKET" "$ROOT/ds01" fsck --format=json
        for path in $(jq -r '.findings[] | select(.finding == "a home directory of no container" or
                        .finding == "a file of facts of no container") | .about' <<<"$OUT"); do
                rm -r --one-file-system "$path"
        done
}

test_with_kills() {
        local seed=${DS01_MODEL_SEED-$RANDOM} seconds=${DS01_MODEL_SECONDS-10} pid end

        model_limits
        RANDOM=$seed
        model "$seed" "$seconds"
        pid=$SPAWNED
        end=$((SECONDS + seconds))
        sleep 2
        ds01d_kill
        while [ $SECONDS -lt $((end - 2)) ]; do
                die_soon
        done
        ds01d_start
        touch "$ROOT/restart"
        join model $pid
        echo "$OUT"
        [ "$RC" = 0 ] || fail "that could not have happened"
        expect_out '[1-9][0-9]* done'
        mend
        expect_invariants 20
        all_gone
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
}

# Two clients, one container: start, stop, removal, and the end of a hold.
test_races_for_one_container() {
        local round pids code

        set_limits <<<'defaults: {max_gpu_equivalents: 4, gpu_hold_after_stop_h: 0s, memory: 64m}'
        for round in 1 2 3 4; do
                ok as alice container-create one
                ok as alice container-start one
                pids=()
                for command in "stop one --force" "start one" "remove one --stop --no-keep" "start one" "stop one --release"; do
                        spawn "race${#pids[@]}" alice container-$command
                        pids+=($SPAWNED)
                done
                spawn other bob container-create "b$round" # what is free in between
                pids+=($SPAWNED)
                for pid in "${pids[@]}"; do
                        code=0
                        wait "$pid" || code=$?
                        case $code in 0 | 1 | 3 | 4) ;; *) fail "exit code $code" ;; esac
                done
                expect_invariants 10
                [ -z "$(state_of alice one)" ] || ok as alice container-remove one --stop
        done
}

size_of_ds01d() { # FIELD
        run env DS01_SOCKET="$ADMIN_SOCKET" "$ROOT/ds01" fsck --format=json
        jq ".process.$1" <<<"$OUT"
}

# After hours of work ds01d is as large as before.
test_soak() {
        local rounds seed=$RANDOM before after sizes=

        [ "${DS01_SOAK_SECONDS-0}" -gt 0 ] || skip "ten minutes: ./run-tests --full"
        model_limits
        ds01d_restart ASAN_OPTIONS="log_path=$REPORTS/asan:detect_leaks=0:quarantine_size_mb=1"
        touch "$ROOT/restart"
        for ((rounds = 0; rounds <= DS01_SOAK_SECONDS / 30; rounds++)); do
                model $((seed + rounds)) 30
                join model $SPAWNED
                [ "$RC" = 0 ] || fail "that could not have happened: $OUT"
                all_gone
                expect_invariants 20
                sizes+=" $(size_of_ds01d memory_bytes)"
                # By then it has its caches; allocators of sanitizers take longer.
                [ $rounds != 2 ] || before="$(size_of_ds01d descriptors) $(size_of_ds01d threads) $(size_of_ds01d memory_bytes)"
        done
        after="$(size_of_ds01d descriptors) $(size_of_ds01d threads) $(size_of_ds01d memory_bytes)"
        echo "descriptors, threads, bytes: $before; afterwards $after; bytes at all times:$sizes"
        set -- $before $after
        [ "$4" -le $(($1 + 4)) ] || fail "it has more open files"
        [ "$5" -le $(($2 + 2)) ] || fail "it has more threads"
        [ "$6" -le $(($3 + $3 / 5)) ] || fail "it needs more memory"
}
