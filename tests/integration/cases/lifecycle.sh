# The states of a container and every way from one to another, as the contract's diagram has them.

test_whole_life() {
        ok as alice container-create thesis
        expect_state alice thesis created
        equal "$(gpus_of alice thesis)" GPU-0 "its GPU"
        gpu_is GPU-0 held || fail "a created container's GPU is not held"
        ok as alice container-start thesis
        expect_state alice thesis running
        gpu_is GPU-0 allocated || fail "a running container's GPU is not allocated"
        ok as alice container-pause thesis
        expect_state alice thesis paused
        gpu_is GPU-0 allocated || fail "a paused container has lost its GPU"
        ok as alice container-unpause thesis
        expect_state alice thesis running
        ok as alice container-stop thesis
        expect_state alice thesis stopped
        gpu_is GPU-0 held || fail "a stopped container's GPU is not held"
        ok as alice container-start thesis
        expect_state alice thesis running
        ok as alice container-stop thesis
        ok as alice container-remove thesis
        expect_state alice thesis ""
        gpu_is GPU-0 free || fail "a removed container's GPU is not free"
        equal "$(engine_containers | wc -l)" 0 "containers in the engine"
}

test_create_says_what_it_got() {
        ok as alice container-create thesis
        expect_out 'ds01-base:latest'
        expect_out "$ROOT/home/alice/workspace"
        expect_out 'GPU-0'
        equal "$(engine_inspect alice thesis .State.Status)" created "the engine's state"
}

test_create_writes_metadata() {
        local file=$STATE/container-metadata/thesis._.$FIRST_UID.json

        ok as alice container-create thesis
        [ -f "$file" ] || fail "no metadata file"
        equal "$(jq -r .name "$file")" thesis name
        equal "$(jq -r .status "$file")" created status
        equal "$(jq -r .gpus[0].name "$file")" GPU-0 gpu
        equal "$(grep -o '"data":' "$file" | wc -l)" 1 "keys called data"
        as alice cat "$file" >/dev/null || fail "the owner can't read it"
        ! as bob cat "$file" 2>/dev/null || fail "others can read it"
        ok as alice container-start thesis
        equal "$(jq -r .status "$file")" running status
        ok as alice container-remove thesis --stop
        [ ! -e "$file" ] || fail "the metadata outlived the container"
}

test_start_twice() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-start thesis
        expect_state alice thesis running
}

test_start_resumes_a_paused_one() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-pause thesis
        ok as alice container-start thesis
        expect_state alice thesis running
}

test_pause_and_unpause_twice() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-pause thesis
        ok as alice container-pause thesis
        ok as alice container-unpause thesis
        ok as alice container-unpause thesis
        expect_state alice thesis running
}

test_pause_really_freezes() {
        local before after

        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'touch /workspace/ticks; nohup sh -c "while :; do echo >>/workspace/ticks; sleep 0.05; done" >/dev/null 2>&1 &'
        wait_until 5 test -s "$ROOT/home/alice/workspace/ticks"
        ok as alice container-pause thesis
        before=$(wc -l <"$ROOT/home/alice/workspace/ticks")
        sleep 0.4
        after=$(wc -l <"$ROOT/home/alice/workspace/ticks")
        equal "$after" "$before" "ticks while paused"
        ok as alice container-unpause thesis
        sleep 0.4
        [ "$(wc -l <"$ROOT/home/alice/workspace/ticks")" -gt "$after" ] || fail "it does not go on"
}

test_pause_what_does_not_run() {
        ok as alice container-create thesis
        no 1 as alice container-pause thesis
        expect_err 'not running'
        no 1 as alice container-unpause thesis
        expect_err 'not paused'
        expect_state alice thesis created
}

test_stop_paused_one() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-pause thesis
        ok as alice container-stop thesis
        expect_state alice thesis stopped
}

test_stop_twice() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-stop thesis
        ok as alice container-stop thesis
        expect_state alice thesis stopped
}

test_stop_a_created_one() {
        ok as alice container-create thesis
        ok as alice container-stop thesis
        expect_state alice thesis created
}

test_stop_says_until_when_the_gpu_is_held() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        run as alice container-stop thesis
        grep -qE 'GPU-0.*held.*until' <<<"$OUT$ERR" || fail "it does not say until when"
        api alice GET /containers/thesis
        expect_json '.held_until != null' true
        # Whoever looks later sees how long that still is.
        ok as alice container-list --all
        expect_out '^thesis  +stopped  +[^ ]+  +GPU-0 +- \(GPU held, (14|15)m left\)'
        ok as alice check-limits
        expect_out '^thesis  +GPU-0 .* (14|15)m'
        ok as bob ds01 gpus
        expect_out '^GPU-0 .* held, (14|15)m left'
}

test_stop_is_fast() {
        local began

        ok as alice container-create thesis
        ok as alice container-start thesis
        began=${EPOCHREALTIME/./}
        ok as alice container-stop thesis
        [ $((${EPOCHREALTIME/./} - began)) -lt 3000000 ] || fail "an idle container took seconds to stop"
}

test_stop_options() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-stop thesis --force
        expect_state alice thesis stopped
        ok as alice container-start thesis
        ok as alice container-stop thesis --timeout=1
        ok as alice container-start thesis
        ok as alice container-stop -t 1 thesis
        expect_state alice thesis stopped
}

test_stop_several_and_all() {
        for name in a1 a2 a3; do
                ok as alice container-create $name --cpu-only
                ok as alice container-start $name
        done
        ok as bob container-create b1 --cpu-only
        ok as bob container-start b1
        ok as alice container-stop a1 a2
        expect_state alice a1 stopped
        expect_state alice a2 stopped
        expect_state alice a3 running
        ok as alice container-start a1
        ok as alice container-stop --all --force
        expect_state alice a1 stopped
        expect_state alice a3 stopped
        expect_state bob b1 running
}

test_several_names_of_which_one_is_wrong() {
        ok as alice container-create a1 --cpu-only
        ok as alice container-create a2 --cpu-only
        ok as alice container-start a1
        ok as alice container-start a2
        no 4 as alice container-stop a1 nowhere a2
        expect_err nowhere
        expect_state alice a1 stopped
        expect_state alice a2 stopped
}

test_remove_running_needs_stop() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        no 1 as alice container-remove thesis
        expect_err '--stop'
        expect_state alice thesis running
        no 1 as alice container-remove thesis --force
        expect_state alice thesis running
        ok as alice container-remove thesis --stop
        expect_state alice thesis ""
}

test_remove_paused_one() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-pause thesis
        no 1 as alice container-remove thesis
        ok as alice container-remove thesis --stop
        expect_state alice thesis ""
}

test_remove_a_created_one() {
        ok as alice container-create thesis
        ok as alice container-remove thesis
        expect_state alice thesis ""
}

test_remove_several_all_and_dry_run() {
        for name in a1 a2 a3 a4; do
                ok as alice container-create $name --cpu-only
        done
        ok as bob container-create b1 --cpu-only
        ok as alice container-remove a1 --dry-run
        expect_state alice a1 created
        ok as alice container-remove a1 a2
        expect_state alice a1 ""
        expect_state alice a2 ""
        ok as alice container-start a3
        ok as alice container-remove --all --force --stop
        expect_state alice a3 ""
        expect_state alice a4 ""
        expect_state bob b1 created
}

test_remove_all_leaves_running_ones() {
        ok as alice container-create up --cpu-only
        ok as alice container-create down --cpu-only
        ok as alice container-start up
        run as alice container-remove --all --force
        expect_state alice up running
        expect_state alice down ""
}

test_remove_keeps_the_workspace() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'echo precious >/workspace/result'
        ok as alice container-remove thesis --stop
        equal "$(cat "$ROOT/home/alice/workspace/result")" precious "the file"
        equal "$(stat -c %u "$ROOT/home/alice/workspace/result")" $FIRST_UID "its owner"
}

test_remove_with_its_image() {
        personal_image alice thesis
        ok as alice container-create thesis
        expect_out "ds01-$FIRST_UID/thesis"
        ok as alice container-create other --image="ds01-$FIRST_UID/thesis"
        ok as alice container-remove other --images
        ok as alice container-remove thesis --images
        equal "$(engine GET "/images/json" | jq '[.[].RepoTags[]? | select(contains("/thesis"))] | length')" 0 \
                "images called thesis"
        equal "$(engine GET "/images/json" | jq '[.[].RepoTags[]? | select(contains("ds01-base"))] | length')" 1 \
                "base images"
}

test_remove_images_spares_the_base_image() {
        ok as alice container-create thesis
        ok as alice container-remove thesis --images
        ok as alice container-create thesis
}

test_what_is_not_there() {
        for command in start run attach pause unpause stop remove; do
                no 4 as alice container-$command nowhere
                expect_err "no container named 'nowhere'"
        done
}

test_without_a_name() {
        for command in create start run attach pause unpause stop remove; do
                no 2 as alice container-$command
        done
}

test_name_taken() {
        ok as alice container-create thesis
        no 1 as alice container-create thesis
        expect_err "container named 'thesis' already"
        equal "$(engine_containers | wc -l)" 1 containers
        ok as bob container-create thesis
}

test_restart_many_times() {
        ok as alice container-create thesis
        for i in 1 2 3 4 5; do
                ok as alice container-start thesis
                ok as alice container-stop thesis
        done
        equal "$(gpus_of alice thesis)" GPU-0 "its GPU"
        ok as alice container-run thesis </dev/null
        expect_state alice thesis running
}

test_container_that_ends_by_itself() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        # PID 1 takes TERM from the engine; here from the engine's side, behind ds01d's back.
        engine POST "/containers/thesis._.$FIRST_UID/kill?signal=KILL"
        wait_until 5 state_is alice thesis stopped
        ok as alice container-start thesis
}

test_dispatchers() {
        ok as alice container create thesis --cpu-only
        ok as alice container start thesis
        ok as alice container list
        expect_out thesis
        ok as alice container stop thesis
        ok as alice ds01 container-remove thesis
        ok as alice check limits
        no 2 as alice container creat thesis
        expect_err create
        run as alice container
        grep -q create <<<"$OUT$ERR" || fail "it does not list what there is"
}

test_help_and_version() {
        for command in container-create container-start container-run container-attach container-exit \
                container-pause container-unpause container-stop container-remove container-list \
                container-stats check-limits container check ds01; do
                ok as alice $command --help
                expect_out "$command"
                [ "$(wc -l <<<"$OUT")" -le 50 ] || fail "the help of $command fills more than a screen"
                ok as alice $command -h
                ok as alice $command --version
                expect_out '[0-9]+\.[0-9]+'
        done
}

test_unknown_options() {
        for command in container-create container-start container-stop container-list check-limits; do
                no 2 as alice $command --no-such-option
                expect_err 'no-such-option'
        done
}
