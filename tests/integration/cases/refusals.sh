# Refusals that no other case asks for by their code: the code, the status and the next step are the API's
# promise, the exit code that of the commands.

# refused CODE STATUS METHOD PATH [BODY]: alice's call.
refused() {
        local code=$1 status=$2

        shift 2
        api alice "$@"
        equal "$API_STATUS" "$status" "status of $1 $2"
        expect_json .error.code "$code"
        expect_json '.error.message | length > 10' true
        expect_json '.error.next | length > 5' true
}

test_states() {
        ok as alice container-create thesis --cpu-only
        refused not_running 409 POST /containers/thesis/pause
        refused not_paused 409 POST /containers/thesis/unpause
        refused not_running 409 POST /containers/thesis/extend '{}'
        refused not_in_bin 404 POST /containers '{"name": "nothing", "restore": true}'
        ok as alice container-start thesis
        refused remove_running 409 DELETE /containers/thesis
        no 1 as alice container-remove thesis
        expect_err 'container-remove thesis --stop'
        ok as alice container-pause thesis
        refused is_paused 409 POST /containers/thesis/exec '{"command": ["true"]}' -H 'Upgrade: ds01-stream' -H 'Connection: Upgrade'
        no 1 as alice container-attach thesis -- true
        expect_err 'container-unpause thesis'
        ok as alice container-stop thesis
        ok as alice container-protect thesis
        refused protected 409 DELETE /containers/thesis
        no 1 as alice container-remove thesis
        expect_err 'container-protect thesis --off'
}

test_images() {
        personal_image alice digits
        ok as alice container-create user --image=digits --cpu-only
        refused image_in_use 409 DELETE /images/digits
        no 1 as alice image-delete digits
        expect_err "the image of 'digits' is used by user"
        expect_err 'remove it first: container-remove user'
        touch "$ROOT/restart"
        write_config images.registries=quay.io
        ds01d_restart
        refused image_not_present 404 POST /containers '{"name": "x", "image": "quay.io/nobody/nothing:1"}'
}

# Commands wait for a ds01d that has just begun, until it is too long.
test_starting_up() {
        touch "$ROOT/restart"
        ok as alice container-create thesis --cpu-only
        ds01d_stop
        ds01d_launch DS01_FAILPOINT=keeper.before-ready:sleep=11000
        wait_until 5 curl -sf --max-time 5 --unix-socket "$DS01_SOCKET" http://ds01/v1/version
        refused starting_up 503 POST /containers/thesis/start
        ok as alice container-start thesis
        ds01d_wait
}

test_did_you_mean() {
        ok as alice container-create thesis --cpu-only
        no 4 as alice container-start theiss
        expect_err "did you mean 'thesis'\? see what there is: container-list --all"
        no 4 as alice container-attach tehsis -- true
        expect_err "did you mean 'thesis'"
        no 4 as alice container-start something-else
        ! grep -q 'did you mean' <<<"$ERR" || fail "something else was proposed"
        no 4 as bob container-start theiss # what others have is not said
        ! grep -q thesis <<<"$ERR" || fail "bob was told of it"
}

test_did_you_mean_that_image() {
        local hint="did you mean 'digits'\?"

        personal_image alice digits
        as alice mkdir "$ROOT/home/alice/workspace/digits"
        no 4 as alice container-create x --image=digist
        expect_err "$hint image-list"
        no 4 as alice container-create x --image=ds01-$FIRST_UID/digist:latest
        expect_err "$hint"
        no 4 as alice container-create x --image=ds01-bsae
        expect_err "did you mean 'ds01-base'\?"
        no 4 as alice image-delete digist
        expect_err "$hint"
        no 4 as alice container-create x --project=digist
        expect_err "$hint"
        no 4 as alice container-create x --image=something-else
        ! grep -q 'did you mean' <<<"$ERR" || fail "something else was proposed"
        no 4 as bob image-delete digist # what others have is not said
        ! grep -q digits <<<"$ERR" || fail "bob was told of it"
}

test_directories() {
        local file=$ROOT/home/alice/workspace/file

        as alice touch "$file"
        refused path_not_found 404 POST /containers "{\"name\": \"x\", \"workspace\": \"$ROOT/home/alice/nowhere\"}"
        refused path_invalid 400 POST /containers "{\"name\": \"x\", \"workspace\": \"$file\"}"
        refused path_invalid 400 POST /containers '{"name": "x", "workspace": "relative"}'
        refused path_not_permitted 403 POST /containers '{"name": "x", "workspace": "/etc"}'
}

test_times() {
        set_limits <<'END'
defaults:
  max_gpu_equivalents: 4
  max_containers_per_user: 20
  max_runtime_h: 20s
  max_extension_h: 15s
END
        ok as alice container-create thesis --gpu=1
        ok as alice container-start thesis
        refused extension_too_long 409 POST /containers/thesis/extend '{"seconds": 7200}'
        set_limits <<'END'
defaults:
  max_gpu_equivalents: 4
  max_extension_h: 0
END
        refused extension_over 409 POST /containers/thesis/extend '{"seconds": 60}'
}

test_people() {
        run curl -sS --max-time 20 --unix-socket "$ADMIN_SOCKET" 'http://ds01/v1/containers?user=nobody-of-that-name'
        expect_json .error.code no_such_person
        no 4 env DS01_SOCKET="$ADMIN_SOCKET" $(sanitizer_env 0) "$ROOT/ds01" container-list --user=nobody-of-that-name
        expect_err 'no account'
        run curl -sS --max-time 20 --unix-socket "$ADMIN_SOCKET" -X DELETE http://ds01/v1/reservations/9999
        expect_json .error.code no_such_reservation
}
