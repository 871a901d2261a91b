# Nothing is lost: what was changed in a removed container can be brought back for a while.

changed() { # changed NAME: a container of alice's in which a file was made
        ok as alice container-create "$1" --gpu=2
        ok as alice container-start "$1"
        ok as alice container-attach "$1" -- sh -c 'echo precious >/tmp/result; mkdir /tmp/deep; echo more >/tmp/deep/er'
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
        ok as alice container-attach thesis -- sh -c 'cat /tmp/result /tmp/deep/er; stat -c %u /tmp/result'
        equal "$OUT" $'precious\nmore\n'$FIRST_UID "what is in it"
        expect_invariants
        # A name that is in use is not restored over.
        no 1 as alice container-restore thesis
}

test_nothing_changed_nothing_kept() {
        ok as alice container-create fresh --cpu-only
        ok as alice container-remove fresh
        ok as alice container-create idle --cpu-only
        ok as alice container-start idle
        ok as alice container-attach idle -- sh -c 'touch $HOME/in-home; touch /workspace/in-workspace; ls /etc'
        ok as alice container-remove idle --stop
        expect_no_out container-restore
        changed told
        ok as alice container-remove told --stop --no-keep
        expect_no_out container-restore
        equal "$(kept alice)" 0 "what is kept"
        no 4 as alice container-restore told
        expect_err 'container-restore --list'
}

test_retire() {
        changed thesis
        ok as alice container-retire thesis --dry-run
        expect_state alice thesis running
        ok as alice container retire thesis
        expect_state alice thesis ""
        equal "$(kept alice)" 1 "what is kept"
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
