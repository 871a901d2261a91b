# The contract of the command line: its two scripts and four workflows as they are printed (in
# contract/), each example line, each flag, and the shape of each table.

# A project of alice's with a Dockerfile.
project() {
        as alice mkdir -p "$ROOT/home/alice/workspace/$1"
        printf 'FROM ds01-base:latest\nRUN echo built >/built\n' |
                as alice tee "$ROOT/home/alice/workspace/$1/Dockerfile" >/dev/null
}

# The person at the editor: "vim FILE" adds a line to the file.
editor() {
        mkdir -p "$WORK/editor"
        printf '#!/bin/sh\necho "RUN echo edited >/edited" >>"$1"\n' >"$WORK/editor/vim"
        chmod 755 "$WORK/editor" "$WORK/editor/vim"
        EDITOR_PATH=PATH=$WORK/editor:$BIN:/usr/bin:/bin
}

test_script_1_parallel_experiments() {
        local home=$ROOT/home/alice

        mkdir -p "$home/configs" "$home/workspace/experiments"
        touch "$home/configs/lr1.yaml" "$home/configs/lr2.yaml"
        echo "trained" >"$home/workspace/experiments/train.py"
        ok as alice bash "$ROOT/contract/run-experiments.sh"
        expect_out 'python train.py --config configs/lr1.yaml'
        expect_out 'python train.py --config configs/lr2.yaml'
        expect_out '^trained'
        nothing_left || fail "a container is left"
        expect_invariants
        rm -r "$home/configs"
}

test_script_2_automated_testing() {
        local home=$ROOT/home/alice

        project thesis
        as alice mkdir "$home/workspace/thesis/tests"
        echo content | as alice tee "$home/workspace/thesis/tests/test_one.py" >/dev/null
        ok as alice bash "$ROOT/contract/test-image.sh" thesis
        expect_out "^Built image 'ds01-$FIRST_UID/thesis:latest'"
        # The image of the project whose name is in the container's name.
        expect_out "ds01-$FIRST_UID/thesis"
        expect_out 'pytest tests/ in /workspace'
        expect_out 'Tests passed!'
        nothing_left || fail "a container is left"
        # A project that is not there ends it at its first step.
        run as alice bash "$ROOT/contract/test-image.sh" nowhere
        equal "$RC" 1 "exit code"
        expect_err "no project 'nowhere'"
}

test_script_2_passes_on_the_code() {
        # The here-document of the script is expanded outside; this one is not.
        cat >"$WORK/script" <<'END'
container-create test-thesis || exit 1
container-start test-thesis || exit 1
container-attach test-thesis <<'EOF'
sh -c 'exit 3'
EXIT_CODE=$?
exit $EXIT_CODE
EOF
TEST_RESULT=$?
container-remove test-thesis --stop
exit $TEST_RESULT
END
        run as alice bash "$WORK/script"
        equal "$RC" 3 "exit code"
}

test_workflow_1_debug_creation() {
        run as alice bash -e "$ROOT/contract/workflow-1" </dev/null
        equal "$RC" 0 "exit code"
        expect_out 'my-project +created'
        expect_state alice my-project running
}

test_workflow_2_pause_work_briefly() {
        local script

        ok as alice container-create my-project
        ok as alice container-start my-project
        # Its first line is typed into the shell inside, the others into the one outside.
        script=$(cat "$ROOT/contract/workflow-2")
        sed -n '1,/^exit$/p' <<<"$script" >"$WORK/inside"
        sed '1,/^exit$/d' <<<"$script" >"$WORK/outside"
        ok as alice container-attach my-project <"$WORK/inside"
        run as alice bash -e "$WORK/outside" </dev/null
        equal "$RC" 0 "exit code"
        expect_state alice my-project running
        equal "$(gpus_of alice my-project)" GPU-0 "its GPU"
}

test_workflow_3_three_containers() {
        run as alice bash -e "$ROOT/contract/workflow-3" </dev/null
        equal "$RC" 0 "exit code"
        nothing_left || fail "a container is left"
        gpu_is GPU-0 free && gpu_is GPU-1 free && gpu_is GPU-2 free || fail "a GPU is not free"
}

test_workflow_4_rebuild_and_recreate() {
        editor
        project my-thesis
        ok as alice image-create my-thesis
        ok as alice container-create my-thesis
        ok as alice container-start my-thesis
        # Its first line opens the editor of packages, which wants a terminal and says so.
        run as alice "$EDITOR_PATH" bash "$ROOT/contract/workflow-4" </dev/null
        equal "$RC" 0 "exit code"
        expect_out "^Built image 'ds01-$FIRST_UID/my-thesis:latest'"
        expect_state alice my-thesis running
        ok as alice container-attach my-thesis -- cat /built /edited
        equal "$OUT" $'built\nedited' "what is in the new container"
}

test_create_examples() {
        mkdir -p "$ROOT/shared/dataset"
        chmod 755 "$ROOT/shared/dataset"
        ok as alice container-create my-thesis
        ok as alice container-create test --image=ds01-cuda:latest
        expect_out 'ds01-cuda:latest'
        ok as alice container-create training --gpu=2
        equal "$(gpus_of alice training)" GPU-2,GPU-3 "the GPUs"
        ok as alice container-create analysis --cpu-only --workspace="$ROOT/shared/dataset"
        expect_out "$ROOT/shared/dataset"
}

test_create_flags() {
        mkdir -p "$ROOT/home/alice/workspace/p1" "$ROOT/home/alice/data"
        echo from-data >"$ROOT/home/alice/data/file"
        chown -R $FIRST_UID:$FIRST_UID "$ROOT/home/alice/workspace/p1" "$ROOT/home/alice/data"
        ok as alice container-create a1 ds01-cuda --cpu-only
        expect_out 'ds01-cuda'
        ok as alice container-create b1 --project=p1 --num-gpus=1
        api alice GET /containers/b1
        expect_json .project p1
        expect_json .workspace "$ROOT/home/alice/workspace/p1"
        ok as alice container-create c1 -w "$ROOT/home/alice/workspace/p1" -d "$ROOT/home/alice/data" --gpu=0
        expect_state alice c1 created
        equal "$(gpus_of alice c1)" "" "the GPUs of --gpu=0"
        ok as alice container-start c1
        ok as alice container-attach c1 -- cat /data/file
        equal "$OUT" from-data "what is in /data"
        ok as alice container-create d1 --data="$ROOT/home/alice/data" --workspace "$ROOT/home/alice/workspace/p1" --cpu-only --background
        ok as alice container-create e1 --prefer-full --gpu 1
        ok as alice container-create f1 --dry-run
        expect_state alice f1 ""
        ok as alice container-create g1 --format=json --cpu-only
        expect_json '(if type == "array" then .[0] else . end) | (.container // .).name' g1
        # The order of words does not matter, and "--" ends the options.
        ok as alice container-create --cpu-only h1 ds01-cuda
        ok as alice container-create --cpu-only -- i1
}

test_one_letter_name() {
        ok as alice container-create x --cpu-only
        ok as alice container-remove x
}

test_create_in_a_project_of_its_name() {
        mkdir -p "$ROOT/home/alice/workspace/thesis"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/workspace/thesis"
        echo here >"$ROOT/home/alice/workspace/thesis/file"
        ok as alice container-create thesis --cpu-only
        api alice GET /containers/thesis
        expect_json .workspace "$ROOT/home/alice/workspace/thesis"
        expect_json .project thesis
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /workspace/file
        equal "$OUT" here "the file"
}

test_image_is_chosen_as_described() {
        personal_image alice thesis
        personal_image alice p1
        mkdir -p "$ROOT/home/alice/workspace/p1"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/workspace/p1"
        ok as alice container-create thesis --cpu-only
        expect_out "ds01-$FIRST_UID/thesis"
        ok as alice container-create test-thesis --cpu-only
        expect_out "ds01-$FIRST_UID/thesis"
        ok as alice container-create thesis-2 --cpu-only
        expect_out "ds01-$FIRST_UID/thesis"
        ok as alice container-create thesis-p1 --project=p1 --cpu-only
        expect_out "ds01-$FIRST_UID/p1"
        ok as alice container-create elsewhere --cpu-only
        expect_out 'ds01-base'
        # Another person's image is not hers to use.
        no 4 as bob container-create mine --cpu-only --image="ds01-$FIRST_UID/thesis"
}

test_list() {
        ok as alice container-list
        ok as alice container-create my-thesis
        ok as alice container-create experiment --cpu-only
        ok as alice container-start my-thesis
        ok as alice container-list
        expect_out '^NAME +STATUS +IMAGE +GPU +UPTIME *$'
        expect_out '^my-thesis +running +ds01-base:latest +GPU-0 +[0-9]'
        expect_no_out 'experiment'
        ok as alice container-list --all
        expect_out '^experiment +created +ds01-base:latest +- +-'
        ok as alice container-stop my-thesis
        ok as alice container-list -a
        expect_out '^my-thesis +stopped +ds01-base:latest +GPU-0 +-'
        ok as alice container-list --all --detailed
        expect_out 'my-thesis'
        ok as alice container-list --all --format=simple
        expect_out '^my-thesis'
        ok as alice container-list --all --format=table
        no 2 as alice container-list --format=xml
}

test_list_json() {
        ok as alice container-list --all --format=json
        expect_json length 0
        ok as alice container-create my-thesis
        ok as alice container-start my-thesis
        ok as alice container-list --format=json
        expect_json '[.[0] | keys_unsorted[]] | sort | join(" ")' \
                "created_at data engine_name exempt extended_until gpu gpu_count gpus gpus_lost gpus_wanted held_until id image name project protected started_at status stopped_why stops_at stops_because uptime_seconds workspace"
        expect_json '.[0].gpus[0] | [has("index", "uuid", "model", "weight")] | all' true
        expect_json '.[0].gpu' GPU-0
        expect_json '.[0].gpu_count' 1
        expect_json '.[0].status' running
        expect_json '.[0].id | length' 64
}

test_list_is_aligned() {
        ok as alice container-create a1 --cpu-only
        ok as alice container-create a-name-that-is-a-good-deal-longer --cpu-only
        ok as alice container-list --all
        equal "$(awk 'NR == 1 {at = index($0, "STATUS")} NR > 1 && substr($0, at - 1, 8) == " created" {n++} END {print n}' <<<"$OUT")" 2 \
                "rows whose status stands below STATUS"
}

test_stats() {
        ok as alice container-stats
        ok as alice container-create my-thesis
        ok as alice container-create idle --cpu-only
        ok as alice container-start my-thesis
        ok as alice container-stats
        expect_out '^NAME +CPU % +MEM USAGE +MEM % +GPU MEM +GPU % *$'
        expect_out '^my-thesis +[0-9.]+% +[0-9.]+[A-Z]*B/512(\.0)?MB +[0-9.]+% +[0-9.]+[A-Z]*B/4[0-9.]+GB +[0-9]+%'
        expect_no_out '^idle'
        ok as alice container-stats my-thesis --format=json
        expect_json '[.[0] | keys_unsorted[]] | sort | join(" ")' \
                "cpu_percent gpu_memory_total_bytes gpu_memory_used_bytes gpu_percent memory_limit_bytes memory_percent memory_used_bytes name"
        expect_json '.[0].memory_limit_bytes' $((512 << 20))
        expect_json '.[0].memory_used_bytes > 0' true
        ok as alice container-stats --format=simple
        no 4 as alice container-stats nowhere
}

test_stats_sees_work() {
        ok as alice container-create busy --cpu-only
        ok as alice container-start busy
        ok as alice container-attach busy -- sh -c 'nohup sh -c "while :; do :; done" >/dev/null 2>&1 &'
        sleep 1.5
        ok as alice container-stats --format=json
        expect_json '.[0].cpu_percent > 20' true
        expect_json '.[0].gpu_percent' null
}

test_check_limits() {
        ok as alice container-create one --gpu=2
        ok as alice check-limits
        expect_out '2.*4'
        ok as alice check-limits --format=json
        expect_json '(if type == "array" then .[0] else . end).gpus.used' 2
        expect_json '(if type == "array" then .[0] else . end).gpus.max' 4
        expect_json '(if type == "array" then .[0] else . end).containers.used' 1
        expect_json '(if type == "array" then .[0] else . end).containers.max' 20
        expect_json '(if type == "array" then .[0] else . end).holds[0].container' one
}

test_gpus() {
        ok as alice container-create mine
        ok as bob container-create his
        ok as alice ds01 gpus
        expect_out "^GPU-0 .*$LOGIN_PREFIX-alice"
        expect_out "^GPU-[0-3] .*$LOGIN_PREFIX-bob"
        expect_no_out '\bhis\b'
        expect_out 'free'
        ok as alice ds01 gpus --format=json
        expect_json length 4
        expect_json "[.[] | select(.user == \"$LOGIN_PREFIX-bob\") | .container] | tostring" '[null]'
        expect_json "[.[] | select(.user == \"$LOGIN_PREFIX-alice\") | .container] | tostring" '["mine"]'
        ok as alice ds01 gpus --format=simple
}

test_container_exit_on_the_host() {
        run as alice container-exit
        grep -qi 'inside' <<<"$OUT$ERR" || fail "it does not say that it is for the inside"
}

test_container_run() {
        ok as alice container-create my-thesis --cpu-only
        run as alice container-run my-thesis <<<'echo in; exit 7'
        equal "$RC" 7 "exit code"
        expect_out '^in$'
        expect_state alice my-thesis running
        # Running and paused ones are entered as well.
        run as alice container-run my-thesis <<<'exit 8'
        equal "$RC" 8 "exit code"
        ok as alice container-pause my-thesis
        run as alice container-run my-thesis <<<'exit 9'
        equal "$RC" 9 "exit code"
        expect_state alice my-thesis running
}

test_stdout_is_for_the_result() {
        run as alice container-create my-thesis --cpu-only --format=json
        jq . <<<"$OUT" >/dev/null || fail "stdout is not JSON alone"
        run as alice container-list --all --format=json
        equal "$ERR" "" stderr
}

test_no_colour_off_a_terminal() {
        ok as alice container-create my-thesis --cpu-only
        ok as alice container-list --all
        ! grep -q $'\e' <<<"$OUT" || fail "escape sequences in a pipe"
        no 4 as alice container-start nowhere
        ! grep -q $'\e' <<<"$ERR" || fail "escape sequences in a pipe"
}

test_best_practice_trap() {
        cat >"$WORK/script" <<'END'
container-create trapped --cpu-only
CONTAINER_NAME=trapped
trap "container-remove $CONTAINER_NAME --stop --force" EXIT
container-start trapped
exit 5
END
        run as alice bash "$WORK/script"
        equal "$RC" 5 "exit code"
        expect_state alice trapped ""
}

# What bash offers after TAB: the last word is the one to complete.
completion() {
        as alice bash -c '. "$0"; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
                _ds01; echo "${COMPREPLY[*]}"' \
                "$ROOT/ds01.bash" "$@" 2>/dev/null
}

test_completion_knows_ones_own_containers() {
        sed 's/@names@/container-create/' "$HERE/../../data/completion/ds01.bash" >"$ROOT/ds01.bash"
        chmod 644 "$ROOT/ds01.bash"
        ok as alice container-create thesis --cpu-only
        ok as alice container-create theatre --cpu-only
        ok as bob container-create theory --cpu-only
        ok as alice container-start thesis
        equal "$(completion container-start the)" "theatre" "names of what does not run"
        equal "$(completion container-stop the)" "thesis" "names of what runs"
        equal "$(completion container remove thea)" "theatre" "names behind the dispatcher"
        equal "$(completion container st)" "start stop stats" "subcommands"
        equal "$(completion container-create x --gp)" "--gpu=" "options"
        equal "$(completion container-list --format = j)" "json" "values"
}
