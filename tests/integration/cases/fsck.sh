# ds01 fsck: finds what is wrong, says how to mend it, and nothing else.

# fsck CODE [OPTION...]: by root; the exit code is to be CODE.
fsck() {
        local code=$1

        shift
        run env DS01_SOCKET="$ADMIN_SOCKET" DS01D="$DS01D" $(sanitizer_env 0) "$ROOT/ds01" fsck --config="$CONFIG" "$@"
        [ "$RC" = "$code" ] || fail "exit code is $RC, wanted $code"
}

nonce_of() { # USER NAME
        engine_inspect "$1" "$2" '.Config.Labels["ds01.nonce"]'
}

test_a_sound_machine() {
        ok as alice container-create thesis --gpu=2
        ok as alice container-start thesis
        ok as bob container-create other
        fsck 0
        expect_out '^2 containers, nothing to find fault with$'
        fsck 0 --format=json
        expect_json '.findings | length' 0
        expect_json '.ds01d' true
        [ "$(jq .process.threads <<<"$OUT")" -gt 3 ] || fail "it has no threads"
        no 5 as bob ds01 fsck
        expect_err 'only root'
        api bob GET /fsck
        equal "$API_STATUS" 403 "status"
}

test_a_device_with_two_containers() {
        local uuid id

        ok as alice container-create thesis
        ok as alice container-start thesis
        uuid=$(gpu_field GPU-0 .uuid)
        id=$(engine POST '/containers/create?name=intruder' -H 'Content-Type: application/json' \
                -d "{\"Image\":\"ds01-base:latest\",\"Cmd\":[\"sleep\",\"600\"],\"Env\":[\"NVIDIA_VISIBLE_DEVICES=$uuid\"]}" | jq -r .Id)
        engine POST "/containers/$id/start"
        fsck 1
        expect_out "^$uuid: two running containers use it: .*intruder"
        expect_out '^  Rule +device$'
        expect_out '^  Mend +docker stop '
        engine DELETE "/containers/$id?force=1"
        fsck 0
}

test_files_and_mounts() {
        local nonce

        ok as alice container-create thesis
        ok as alice container-start thesis
        ok as alice container-protect thesis
        nonce=$(nonce_of alice thesis)
        mkdir "$STATE/home/0123" "$RUN_DIR/pin/4567"
        echo '{}' >"$STATE/container-metadata/nobody._.1.json"
        rm "$STATE/container-metadata/thesis._.$(id -u "$(login alice)").json"
        echo garbage >"$STATE/facts/$nonce"
        mount --bind "$WORK" "$RUN_DIR/pin/$nonce/workspace"
        fsck 1 --format=json
        expect_json '[.findings[] | select(.finding == "a home directory of no container")] | length' 1
        expect_json '[.findings[] | select(.finding == "a pin of no container")] | length' 1
        expect_json '[.findings[] | select(.finding == "metadata of no container")] | length' 1
        expect_json '[.findings[] | select(.finding | test("metadata file .* is missing"))] | length' 1
        expect_json '[.findings[] | select(.finding | test("facts.* is damaged"))] | length' 1
        expect_json '[.findings[] | select(.finding == "it is mounted twice")] | length' 1
        umount "$RUN_DIR/pin/$nonce/workspace"
        umount "$RUN_DIR/pin/$nonce/workspace"
        fsck 1
        expect_out 'it runs, and .* is not mounted'
        # What it says mends it.
        rmdir "$STATE/home/0123"
        rm "$STATE/facts/$nonce"
        ok as alice container-stop thesis
        ok as alice container-start thesis
        ds01d_restart
        fsck 0
}

test_more_than_the_limits() {
        ok as alice container-create thesis --gpu=2
        set_limits <<<'defaults: {max_gpu_equivalents: 1, memory: 512m}'
        fsck 1
        expect_out "^$(login alice): holds 2.00 of 1.00 GPUs"
}

test_without_ds01d() {
        ok as alice container-create thesis
        ok as alice container-start thesis
        ds01d_stop
        fsck 6
        expect_err "ds01d doesn't answer"
        expect_out '^1 containers, nothing to find fault with, but ds01d is away$'
        mkdir "$STATE/home/0123"
        fsck 1 --format=json
        expect_json '.ds01d' false
        expect_json '.findings[0].finding' 'a home directory of no container'
        rmdir "$STATE/home/0123"
        no 5 as bob ds01 fsck
        engine_stop
        fsck 1
        expect_out "engine: the container engine doesn't answer"
        engine_start
        ds01d_start
}
