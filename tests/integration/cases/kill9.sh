# ds01d killed with -9 between any two steps: after its return the engine, the ledger and the people's
# view agree, nothing is booked twice and nothing is left over. DS01_KILL9_ROUNDS: rounds under load.

failpoints() { # of one operation, from the source
        grep -rhoE "FAILPOINT\(\"$1\.[a-z-]+\"\)" "$HERE/../../src/daemon" | cut -d'"' -f2 | sort -u
}

# die_at POINT [OTHER-END]: ds01d is started anew and will die there, once.
die_at() {
        ds01d_stop
        : >"$WORK/once"
        ds01d_start DS01_FAILPOINT="$1:kill" DS01_FAILPOINT_ONCE="$WORK/once"
}

# killed COMMAND...: alice's command, in the middle of which ds01d dies. It says so, and what to do.
killed() {
        no 6 as alice "$@"
        expect_err 'lost before it answered'
        expect_err 'container-list --all'
        [ ! -e "$WORK/once" ] || fail "the failpoint was not reached"
        ! alive "$(ds01d_pid)" || fail "ds01d is alive"
        ds01d_start
        expect_invariants
}

test_create() {
        local point state

        for point in $(failpoints create); do
                echo "# $point"
                die_at "$point"
                killed container-create thesis --gpu=2
                # Either it is there, whole, or nothing of it is.
                state=$(state_of alice thesis)
                case $point:$state in
                create.after-engine:created | create.created:created) ;;
                create.after-engine:* | create.created:*) fail "it was made and is '$state'" ;;
                *:"") ;;
                *) fail "it was not made and is '$state'" ;;
                esac
                [ -n "$state" ] || ok as alice container-create thesis --gpu=2
                equal "$(gpus_of alice thesis)" GPU-0,GPU-1 "the GPUs"
                ok as alice container-start thesis
                ok as alice container-remove thesis --stop
                gpu_is GPU-0 free || fail "GPU-0 is not free"
        done
}

test_start() {
        local point

        ok as alice container-create thesis
        for point in $(failpoints start); do
                echo "# $point"
                die_at "$point"
                killed container-start thesis
                ok as alice container-start thesis
                expect_state alice thesis running
                expect_invariants
                ok as alice container-stop thesis
        done
}

test_stop() {
        local point

        ok as alice container-create thesis
        for point in $(failpoints stop); do
                echo "# $point"
                die_at "$point"
                ok as alice container-start thesis
                killed container-stop thesis
                ok as alice container-stop thesis
                expect_state alice thesis stopped
                gpu_is GPU-0 held || fail "its GPU is not held"
        done
}

test_remove() {
        local point

        for point in $(failpoints remove); do
                echo "# $point"
                ok as alice container-create thesis
                ok as alice container-start thesis
                ok as alice container-attach thesis -- touch /tmp/changed # there is something to keep
                die_at "$point"
                killed container-remove thesis --stop
                [ -z "$(state_of alice thesis)" ] || ok as alice container-remove thesis --stop
                expect_state alice thesis ""
                gpu_is GPU-0 free || fail "its GPU is not free"
                expect_invariants
        done
}

# While a container is made again for other devices.
test_move() {
        local point

        set_limits <<<'defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, gpu_hold_after_stop_h: 0, memory: 512m}'
        for point in $(failpoints move); do
                echo "# $point"
                ok as alice container-create thesis
                ok as alice container-start thesis
                ok as alice container-attach thesis -- sh -c 'echo kept >/tmp/file; echo home >$HOME/file'
                ok as alice container-stop thesis
                ok as bob container-create other
                die_at "$point"
                killed container-start thesis
                ok as alice container-start thesis
                ok as alice container-attach thesis -- sh -c 'cat /tmp/file $HOME/file'
                equal "$OUT" $'kept\nhome' "what is in it"
                equal "$(engine_containers | wc -l)" 2 "containers in the engine"
                expect_invariants
                ok as alice container-remove thesis --stop --no-keep
                ok as bob container-remove other
        done
}

# What a person does all day; each step may fail, since ds01d dies in the middle.
busy_person() { # USER ROUND
        local name

        for name in "a$2" "b$2"; do
                as "$1" container-create "$name" --gpu=$((RANDOM % 3))
                as "$1" container-start "$name"
                [ $((RANDOM % 2)) = 0 ] || as "$1" container-stop "$name" --force
                [ $((RANDOM % 3)) = 0 ] || as "$1" container-remove "$name" --stop
        done >/dev/null 2>&1
}

# timeout: 900
test_at_any_moment() {
        local round who pids rounds=${DS01_KILL9_ROUNDS-40}

        for ((round = 1; round <= rounds; round++)); do
                pids=()
                for who in $PEOPLE; do
                        busy_person "$who" "$round" &
                        pids+=($!)
                done
                sleep "0.$((RANDOM % 7))$((RANDOM % 10))"
                ds01d_kill
                wait "${pids[@]}" || true
                ds01d_start
                expect_invariants 10
                # Room for the next round.
                if [ $((round % 5)) = 0 ]; then
                        for who in $PEOPLE; do
                                ok as "$who" container-remove --all --force
                        done
                fi
        done
        for who in $PEOPLE; do
                ok as "$who" container-remove --all --stop --force
        done
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
}
