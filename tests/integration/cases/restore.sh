# Nothing is lost: what was changed in a removed container can be brought back for a while.

changed() { # changed NAME: a container of alice's in which a file was made
        ok as alice container-create "$1" --gpu=2
        ok as alice container-start "$1"
        ok as alice container-attach "$1" -- sh -c 'echo precious >/tmp/result; mkdir /tmp/deep; echo more >/tmp/deep/er; echo mine >$HOME/notes'
}

kept() {
        api "$1" GET /bin
        jq length <<<"$OUT"
}

test_restore_after_remove() {
        changed thesis
        ok as alice container-remove thesis --stop
        expect_out 'container-restore thesis'
        gpu_is GPU-0 free || fail "GPU-0 is not free"
        expect_invariants
        ok as alice container-restore --list
        expect_out '^thesis +[0-9.]+[KMG]?B +just now'
        # It is no image of hers like another, and nobody else's business.
        ok as alice image-list --all --format=simple
        expect_no_out bin
        equal "$(kept bob)" 0 "what bob sees"
        no 4 as bob container-restore thesis
        ok as alice container-restore thesis
        expect_out 'with what was changed'
        equal "$(gpus_of alice thesis)" GPU-0,GPU-1 "the GPUs"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'cat /tmp/result /tmp/deep/er $HOME/notes; stat -c %u /tmp/result $HOME/notes'
        equal "$OUT" $'precious\nmore\nmine\n'$FIRST_UID$'\n'$FIRST_UID "what is in it"
        expect_invariants
        # Its home alone is worth keeping too.
        ok as alice container-create small --cpu-only
        ok as alice container-start small
        ok as alice container-attach small -- sh -c 'echo lost >$HOME/notes'
        ok as alice container-remove small --stop
        expect_invariants
        ok as alice container-restore small
        ok as alice container-start small
        ok as alice container-attach small -- sh -c 'cat $HOME/notes'
        equal "$OUT" lost "what is in its home"
        # A name that is in use is not restored over.
        no 1 as alice container-restore thesis
}

test_restore_waits_for_its_gpus() {
        changed thesis
        ok as alice container-remove thesis --stop
        ok as bob container-create his --gpu=4
        no 3 as alice container-restore thesis
        expect_err 'get in line for it: --wait;'
        spawn waiting alice container-restore thesis --wait=60
        wait_until 10 sh -c "'$ROOT/as' bob ds01 queue | grep -q alice"
        ok as bob container-remove his --force
        join waiting "$SPAWNED"
        [ "$RC" = 0 ] || fail "exit code $RC: $ERR"
        equal "$(gpus_of alice thesis)" GPU-0,GPU-1 "the GPUs"
}

test_nothing_changed_nothing_kept() {
        ok as alice container-create fresh --cpu-only
        ok as alice container-remove fresh
        ok as alice container-create idle --cpu-only
        ok as alice container-start idle
        ok as alice container-attach idle -- sh -c 'touch /workspace/in-workspace; ls /etc $HOME'
        ok as alice container-remove idle --stop
        expect_no_out container-restore
        changed told
        ok as alice container-remove told --stop --no-keep
        expect_no_out container-restore
        equal "$(kept alice)" 0 "what is kept"
        no 4 as alice container-restore told
        expect_err 'container-restore --list'
}

test_removal_that_fails_keeps_the_home() {
        need_own_engine
        changed thesis
        ds01d_restart DS01_FAILPOINT=remove.before-engine:sleep=1500
        spawn remove alice container-remove thesis --stop
        wait_until 10 state_is alice thesis removing
        engine_kill
        join remove $SPAWNED
        equal "$RC" 6 "exit code"
        engine_start
        ds01d_restart
        wait_until 20 state_is alice thesis stopped
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'cat $HOME/notes'
        equal "$OUT" mine "what is in its home"
        # Killed between the removal and its end: it is in the bin, whole.
        ds01d_stop
        : >"$WORK/once"
        ds01d_start DS01_FAILPOINT=remove.after-engine:kill DS01_FAILPOINT_ONCE="$WORK/once"
        no 6 as alice container-remove thesis --stop
        ds01d_start
        expect_invariants
        ok as alice container-restore thesis
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'cat $HOME/notes /tmp/result'
        equal "$OUT" $'mine\nprecious' "what is in it"
}

test_retire() {
        changed thesis
        ok as alice container-retire thesis --dry-run
        expect_state alice thesis running
        ok as alice container retire thesis
        expect_state alice thesis ""
        equal "$(kept alice)" 1 "what is kept"
}

# What is kept of a container is its owner's, by whatever name somebody else asks for it.
test_what_is_kept_is_nobody_elses() {
        local reference dir=$ROOT/home/bob/workspace/thief

        write_config images.bases= # a site that shows everybody all that is nobody's own
        ds01d_restart
        changed thesis
        ok as alice container-remove thesis --stop
        reference=$(engine GET /images/json | jq -r '.[].RepoTags[]? | select(startswith("ds01-bin/") or startswith("localhost/ds01-bin/"))')
        [ -n "$reference" ] || fail 'nothing was kept'
        engine POST "/images/$reference/tag?repo=ds01-moved/0123&tag=latest" # as of one that was made again elsewhere
        ds01d_restart
        ok as bob image-list --all
        expect_no_out 'ds01-bin|ds01-moved'
        mkdir -p "$dir"
        for reference in "$reference" "docker.io/${reference#localhost/}" ds01-moved/0123:latest ds01-moved/0123; do
                no 4 as bob container-create thief --cpu-only --image="$reference"
                no 4 as alice container-create thief --cpu-only --image="$reference"
                printf 'FROM %s\nRUN cat /tmp/result\n' "$reference" >"$dir/Dockerfile"
                chown -R $((FIRST_UID + 1)):$((FIRST_UID + 1)) "$dir"
                run as bob image-create thief
                [ "$RC" != 0 ] || fail "it was built on $reference"
                expect_no_out precious
                ! grep -q precious <<<"$ERR" || fail 'it was read'
        done
        ok as alice container-restore thesis
        engine DELETE /images/ds01-moved/0123:latest >/dev/null
}

test_protect() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-protect thesis
        no 1 as alice container-remove thesis
        expect_err 'container-protect thesis --off'
        ds01d_restart
        no 1 as alice container-remove thesis
        no 4 as bob container-protect thesis --off
        ok as alice container-protect thesis --off
        ok as alice container-remove thesis
}

test_the_bin_is_emptied_by_age() {
        local id old

        changed thesis
        ok as alice container-remove thesis --stop
        # As if it had been kept eight days ago.
        id=$(engine GET /images/json | jq -r '.[] | select(any(.RepoTags[]?; test("ds01-bin/"))) | .Id')
        old=thesis.$(date -u -d '-8 days' +%Y%m%d%H%M%S).100
        engine POST "/images/$id/tag?repo=ds01-bin/$FIRST_UID&tag=$old"
        wait_until 10 eval '[ "$(kept alice)" = 2 ]'
        changed other
        ok as alice container-remove other --stop
        wait_until 10 eval '[ "$(kept alice)" = 2 ]'
        api alice GET /bin
        expect_json '[.[].name] | sort | join(",")' other,thesis
        ! grep -q "$old" <<<"$(engine GET /images/json)" || fail "the old one is there"
}

test_retire_remembers_what_was_installed() {
        local dir=$ROOT/home/alice/workspace/thesis

        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN mkdir -p -m 777 /site-packages /var/lib/dpkg/info\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        # As pip, pip --user and dpkg leave their traces.
        ok as alice container-attach thesis -- sh -c 'mkdir /site-packages/timm-1.0.3.dist-info
                mkdir -p $HOME/.local/lib/python3.11/site-packages/einops-0.8.0.dist-info; : >/var/lib/dpkg/info/tmux.list'
        ok as alice container-retire thesis --dry-run
        expect_out 'pip +timm==1.0.3 einops==0.8.0'
        expect_out 'apt +tmux'
        ok as alice container-retire thesis --save-packages
        expect_state alice thesis ""
        grep -q '^        timm==1.0.3 ' "$dir/Dockerfile" || fail "timm is not in the Dockerfile"
        grep -q '^        einops==0.8.0$' "$dir/Dockerfile" || fail "einops is not in the Dockerfile"
        grep -q '^        tmux ' "$dir/Dockerfile" || fail "tmux is not in the Dockerfile"
        equal "$(head -n 2 "$dir/Dockerfile")" $'FROM ds01-base:latest\nRUN mkdir -p -m 777 /site-packages /var/lib/dpkg/info' "its own lines"
}

test_the_bin_is_emptied_by_size() {
        local id

        changed thesis
        ok as alice container-remove thesis --stop
        # As if twenty gigabytes had been kept an hour ago: the oldest goes.
        id=$(engine GET /images/json | jq -r '.[] | select(any(.RepoTags[]?; test("ds01-bin/"))) | .Id')
        engine POST "/images/$id/tag?repo=ds01-bin/$FIRST_UID&tag=large.$(date -u -d '-1 hour' +%Y%m%d%H%M%S).$((20 << 30))"
        wait_until 10 eval '[ "$(kept alice)" = 2 ]'
        changed other
        ok as alice container-remove other --stop
        wait_until 10 eval '[ "$(kept alice)" = 2 ]'
        api alice GET /bin
        expect_json '[.[].name] | sort | join(",")' other,thesis
}
