# Projects and the commands of several steps: init, launch, deploy.

workspace() {
        echo "$ROOT/home/alice/workspace"
}

test_init_makes_a_project() {
        local dir

        dir=$(workspace)/thesis
        ok as alice project-init thesis --type=cv '--desc=Seeing in the dark'
        for entry in data/raw models/checkpoints notebooks outputs/logs .git .gitignore README.md requirements.txt pyproject.toml; do
                [ -e "$dir/$entry" ] || fail "there is no $entry"
        done
        grep -q '^Seeing in the dark$' "$dir/README.md" || fail "the description is not in README.md"
        grep -q '^type = "cv"$' "$dir/pyproject.toml" || fail "the type is not in pyproject.toml"
        equal "$(stat -c %u "$dir/README.md")" $FIRST_UID "the owner"
        # Again: nothing of it changes.
        find "$dir" -type f -not -path '*/.git/*' -exec cksum {} + | sort >"$WORK/before"
        ok as alice project init thesis
        find "$dir" -type f -not -path '*/.git/*' -exec cksum {} + | sort | cmp - "$WORK/before" || fail "files have changed"
        no 2 as alice project-init thesis --type=cb
        no 2 as alice project-init 'a/b'
        no 2 as alice project-init '../x'
}

test_init_keeps_what_is_there() {
        local dir

        dir=$(workspace)/old
        as alice mkdir -p "$dir"
        printf '[tool.black]\nline-length = 100 # mine' | as alice tee "$dir/pyproject.toml" >/dev/null
        echo mine | as alice tee "$dir/README.md" >/dev/null
        as alice ln -s /etc "$dir/data"
        no 1 as alice project-init old # never through a link
        [ ! -e /etc/raw ] || fail "it was followed"
        as alice rm "$dir/data"
        ok as alice project-init old --no-git
        [ ! -e "$dir/.git" ] || fail "there is a repository"
        equal "$(cat "$dir/README.md")" mine README.md
        equal "$(head -n 2 "$dir/pyproject.toml")" $'[tool.black]\nline-length = 100 # mine' "the lines of pyproject.toml"
        grep -q '^\[tool.ds01\]$' "$dir/pyproject.toml" || fail "[tool.ds01] was not added"
}

test_parts_of_it() {
        ok as alice dir-create parts
        [ -d "$(workspace)/parts/notebooks" ] || fail "no folders"
        ok as alice readme-create parts
        ok as alice git-init parts --lfs
        grep -q 'filter=lfs' "$(workspace)/parts/.gitattributes" || fail "no patterns for git-lfs"
        no 4 as alice git-init nowhere
        ! grep -q 'did you mean' <<<"$ERR" || fail "another project was proposed"
        no 4 as alice git-init prats
        expect_err "did you mean 'parts'"
}

test_names_that_differ_in_capitals() {
        as alice mkdir "$(workspace)/Thesis"
        ok as alice project-init thesis --blank
        expect_out '/Thesis$'
        as alice mkdir "$(workspace)/tHESIS"
        no 2 as alice project-init thesis
        expect_err 'capitals'
}

test_deploy() {
        ok as alice container-deploy one --gpu=2
        expect_state alice one running
        equal "$(gpus_of alice one)" GPU-0,GPU-1 "the GPUs"
        ok as alice container deploy two --cpu-only --background
        expect_state alice two running
        no 2 as alice container-deploy three --open --background
        no 3 as alice container-deploy three --gpu=4
        expect_state alice three ""
        run as alice container-deploy four --cpu-only --open <<<'exit 7'
        equal "$RC" 7 "the shell's exit code"
        expect_state alice four running
}

test_deploy_that_does_not_start() {
        # Its image has no program that could be PID 1's shell, but PID 1 is ours: what fails is
        # the start itself.
        need_own_engine
        ds01d_restart DS01_FAILPOINT=start.before-engine:sleep=1500
        spawn deploy alice container-deploy one --gpu=1
        wait_until 5 state_is alice one running
        engine_kill
        join deploy $SPAWNED
        [ "$RC" != 0 ] || fail "exit code 0"
        engine_start
        ds01d_restart
        ok as alice container-list --all
        run as alice container-remove one --stop
        expect_invariants 10
}

test_ctrl_c_of_deploy() {
        ds01d_restart DS01_FAILPOINT=create.before-engine:sleep=1000
        spawn deploy alice container-deploy one
        sleep 0.4
        kill -INT $SPAWNED
        join deploy $SPAWNED
        equal "$RC" 130 "exit code"
        expect_state alice one ""
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
}

test_launch_builds_and_starts() {
        local dir

        dir=$(workspace)/thesis
        no 4 as alice project-launch thesis
        expect_err 'no project'
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN echo made >/made\n' | as alice tee "$dir/Dockerfile" >/dev/null
        run as alice project-launch thesis --open <<<'cat /made; ls /workspace'
        equal "$RC" 0 "exit code"
        expect_out '^made$'
        expect_out '^Dockerfile$'
        expect_state alice thesis running
        ok as alice container-stop thesis
        # The image is there now, and so is the container: it goes on.
        ok as alice project launch thesis
        expect_no_out '^Built image'
        expect_state alice thesis running
        ok as alice container-remove thesis --stop
        ok as alice project-launch thesis --rebuild --cpu-only
        expect_out '^Built image'
        expect_state alice thesis running
}
