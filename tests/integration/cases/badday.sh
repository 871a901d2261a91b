# Bad days: the engine away, hanging, dying or without space in the middle of a command, Ctrl-C, and
# ds01d away. Each time a clear message and the right exit code, and afterwards everything agrees.

# The words of every command that needs the engine, for a running thesis and a stopped other one.
acting_commands() {
        cat <<'END'
container-create third --cpu-only
container-start other
container-run other
container-remove other
END
        [ "$(state_of alice thesis)" != running ] || cat <<'END'
container-stop thesis
container-stop thesis --force
container-pause thesis
container-remove thesis --stop
container-attach thesis -- true
END
}

# What is answered from memory.
asking_commands() {
        printf '%s\n' 'container-list --all' 'container-stats' check-limits 'ds01 gpus' \
                'container-list --all --format=json'
}

two_containers() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-create other --cpu-only
        ok as alice container-start other
        ok as alice container-stop other
}

engine_is_back() { # as ds01d sees it
        api alice GET /version
        [ "$(jq -r .engine <<<"$OUT")" != null ] && as alice container-create probe --cpu-only >/dev/null 2>&1 &&
                as alice container-remove probe >/dev/null 2>&1
}

works_again() {
        wait_until 20 engine_is_back
        expect_invariants 10
}

# all_say SECONDS PATTERN: each acting command ends in time with exit code 6 and says why.
all_say() {
        local command before

        while read -r command; do
                before=$SECONDS
                # shellcheck disable=SC2086 # words
                no 6 as alice $command </dev/null
                expect_err "$2"
                [ $((SECONDS - before)) -le "$1" ] || fail "'$command' took $((SECONDS - before)) s"
        done < <(acting_commands)
}

all_answer() {
        local command

        while read -r command; do
                # shellcheck disable=SC2086 # words
                ok as alice $command
        done < <(asking_commands)
}

test_engine_stopped() {
        need_own_engine
        two_containers
        # A graceful end takes the containers along, and ds01d has seen that.
        engine_stop
        wait_until 5 state_is alice thesis stopped
        all_say 10 "engine doesn't answer"
        all_answer
        engine_start
        works_again
        # Whatever the engine did to it when it ended, its GPU is alice's.
        ok as alice container-start thesis
        equal "$(gpus_of alice thesis)" GPU-0 "the GPU of thesis"
        ok as alice container-start other
}

test_engine_killed() {
        need_own_engine
        two_containers
        engine_kill
        all_say 10 "engine doesn't answer"
        all_answer
        engine_start
        works_again
        ok as alice container-remove --all --stop --force
}

test_engine_hangs() {
        need_own_engine
        two_containers
        write_config engine.timeout_s=2
        ds01d_restart
        engine_freeze
        all_say 15 "engine doesn't answer|broke off"
        grep -q 'refused=engine_uncertain' "$ROOT/ds01d.log" || fail "nothing was refused as engine_uncertain"
        all_answer
        engine_thaw
        works_again
        expect_state alice thesis running
        expect_state alice other stopped
        expect_state alice third ""
}

# in_the_middle POINT WHAT COMMAND...: alice's command waits at that point while WHAT happens.
in_the_middle() {
        local point=$1 what=$2

        shift 2
        ds01d_restart DS01_FAILPOINT="$point:sleep=1000"
        spawn middle alice "$@"
        sleep 0.5
        alive "$SPAWNED" || fail "it did not wait at $point: $(cat "$WORK/middle.err")"
        $what
        join middle $SPAWNED
        [ "$RC" = 6 ] || fail "exit code $RC, wanted 6"
        expect_err "engine doesn't answer|broke off"
}

test_engine_killed_in_the_middle() {
        local point

        need_own_engine
        two_containers
        for point in create.identity create.pinned create.before-engine; do
                in_the_middle $point engine_kill container-create third
                engine_start
                works_again
                expect_state alice third ""
        done
        for point in start.decided start.before-engine; do
                in_the_middle $point engine_kill container-start other
                engine_start
                works_again
                expect_state alice other stopped
        done
        ok as alice container-start thesis
        in_the_middle stop.before-engine engine_kill container-stop thesis
        engine_start
        works_again
        in_the_middle remove.before-engine engine_kill container-remove other
        engine_start
        works_again
}

# hangs_a_while POINT COMMAND...: the engine comes back before ds01d gives up, and it is done after all.
hangs_a_while() {
        ds01d_restart DS01_FAILPOINT="$1:sleep=500"
        spawn slow alice "${@:2}"
        sleep 0.2
        engine_freeze
        sleep 4
        alive $SPAWNED || fail "it has ended: $(cat "$WORK/slow.err")"
        engine_thaw
        join slow $SPAWNED
        equal "$RC" 0 "exit code"
        works_again
}

test_engine_hangs_for_a_moment() {
        need_own_engine
        two_containers
        write_config engine.timeout_s=2
        hangs_a_while create.before-engine container-create third
        expect_state alice third created
        hangs_a_while stop.before-engine container-stop thesis
        expect_state alice thesis stopped
        hangs_a_while remove.before-engine container-remove other
        expect_state alice other ""
}

test_engine_hangs_in_the_middle() {
        need_own_engine
        two_containers
        write_config engine.timeout_s=2
        # Asked to stop, the engine has its seconds and a margin before it counts as broken off.
        in_the_middle stop.before-engine engine_freeze container-stop thesis --timeout=1
        engine_thaw
        works_again
        ok as alice container-remove --all --stop --force
        gpu_is GPU-0 free || fail "GPU-0 is not free"
}

# What events did not tell shows in the comparison with the engine's list, which is made every minute,
# and when the clock was set.
test_events_are_lost() {
        ds01d_restart DS01_FAILPOINT=event:lose DS01_CLOCK_OFF="$WORK/clock"
        touch "$ROOT/restart"
        ok as alice container-create ends
        ok as alice container-start ends
        ok as alice container-create goes
        ok as bob container-create begins
        engine POST "/containers/ends._.$FIRST_UID/kill"
        engine DELETE "/containers/goes._.$FIRST_UID?force=1"
        engine POST "/containers/begins._.$((FIRST_UID + 1))/start"
        # Nobody can be given what only seems to be free, and nothing seems so.
        ok as carol container-create other
        equal "$(gpus_of carol other)" GPU-3 "her GPU"
        set_clock 5
        wait_until 20 state_is alice ends stopped
        wait_until 20 state_is bob begins running
        no 4 as alice container-start goes
        expect_invariants
        ds01d_restart
}

test_engine_restarted_while_a_shell_is_open() {
        need_own_engine
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        spawn shell alice container-attach thesis -- sleep 60
        sleep 0.5
        engine_stop
        join shell $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0"
        engine_start
        works_again
}

test_disk_of_ds01d_full() {
        mkdir "$WORK/small"
        mount -t tmpfs -o size=256k tmpfs "$WORK/small"
        write_config "paths.state=$WORK/small"
        ds01d_restart
        dd if=/dev/zero of="$WORK/small/filler" bs=4k 2>/dev/null || true
        no 1 as alice container-create thesis
        expect_err 'disk is full'
        nothing_left || fail "something is left"
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        equal "$(engine_containers | wc -l)" 0 "containers in the engine"
        rm "$WORK/small/filler"
        ok as alice container-create thesis
        ok as alice container-start thesis
        # Nothing that has to be written is needed to give things back.
        dd if=/dev/zero of="$WORK/small/filler" bs=4k 2>/dev/null || true
        ok as alice container-stop thesis
        ok as alice container-remove thesis
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        ds01d_stop
        umount "$WORK/small"
        : >"$ROOT/restart"
}

test_disk_of_the_engine_full() {
        local size

        need_own_engine
        ! engine_is_podman || skip "podman's storage is not on a disk of its own here"
        ok as alice container-create thesis
        engine_stop
        size=$(du -sk "$ROOT/engine" | cut -f1)
        mkdir "$WORK/disk"
        mount -t tmpfs -o size=$((size + 4096))k tmpfs "$WORK/disk"
        cp -a "$ROOT/engine/." "$WORK/disk"
        mount --move "$WORK/disk" "$ROOT/engine"
        engine_start
        wait_until 20 engine_is_back
        dd if=/dev/zero of="$ROOT/engine/filler" bs=4k 2>/dev/null || true
        no 1 as alice container-create other
        expect_err 'disk is full'
        expect_state alice other ""
        gpu_is GPU-1 free || fail "GPU-1 is not free"
        run as alice container-start thesis
        [ "$RC" = 0 ] || expect_err 'disk is full'
        rm "$ROOT/engine/filler"
        ok as alice container-create other
        ok as alice container-start thesis
        expect_invariants
        ok as alice container-remove --all --stop --force
        engine_stop
        umount "$ROOT/engine"
        engine_start
}

interrupted() { # interrupted POINT COMMAND...
        local point=$1

        shift
        ds01d_restart DS01_FAILPOINT="$point:sleep=700"
        spawn interrupted alice "$@"
        sleep 0.3
        kill -INT $SPAWNED
        join interrupted $SPAWNED
        equal "$RC" 130 "exit code after Ctrl-C"
}

# What ds01d has begun it ends: there is no container with half of what it needs.
test_ctrl_c() {
        local point

        for point in create.reserved create.pinned create.before-engine create.after-engine; do
                interrupted $point container-create thesis
                wait_until 5 state_is alice thesis created
                expect_invariants
                ok as alice container-remove thesis
        done
        ok as alice container-create thesis
        for point in start.decided start.after-engine; do
                interrupted $point container-start thesis
                wait_until 5 state_is alice thesis running
                ok as alice container-stop thesis
        done
        ok as alice container-start thesis
        interrupted stop.before-engine container-stop thesis
        wait_until 5 state_is alice thesis stopped
        interrupted remove.before-engine container-remove thesis
        wait_until 5 state_is alice thesis ""
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
}

test_without_ds01d() {
        local command

        ds01d_stop
        while read -r command; do
                # shellcheck disable=SC2086 # words
                no 6 as alice $command
                expect_err 'ds01d is not running'
        done < <(acting_commands; asking_commands)
        # Left behind by a crash: a socket that nobody listens on.
        ds01d_start
        ds01d_kill
        no 6 as alice container-list
        expect_err 'ds01d is not running'
        ds01d_start
}
