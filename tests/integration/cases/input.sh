# Bad input: a clear message, the right exit code, and nothing changed.

nothing_changed() {
        nothing_left || fail "a container was made"
        equal "$(engine_containers | wc -l)" 0 "containers in the engine"
        gpu_is GPU-0 free || fail "a GPU is not free"
        expect_invariants
}

test_names() {
        local name

        for name in '' ../x 'two words' ._. -dash . .. /etc a/b 'naïve' $'new\nline' $'tab\tted' '$(id)' 'a;b' 'a%2fb' \
                "$(printf 'x%.0s' {1..300})" .hidden '_x' 'a._.1000' 'a:b' 'a@b' '*' 日本 ' x' 'x '; do
                no 2 as alice container-create -- "$name"
                no 2 as alice container-create --cpu-only -- "$name"
        done
        nothing_changed
}

test_names_of_what_is_not_there() {
        local name

        # The same words for the commands that take an existing one: refused, never passed on.
        for name in ../x 'two words' ._. /etc 'naïve' "$(printf 'x%.0s' {1..300})" '' 'x?all=true' 'x/start' '%2e%2e'; do
                for command in start stop remove pause unpause attach; do
                        run as alice container-$command -- "$name"
                        [ "$RC" = 2 ] || [ "$RC" = 4 ] || fail "exit code $RC, wanted 2 or 4"
                        [ -n "$ERR" ] || fail "nothing says why"
                done
        done
}

test_upper_case_is_kept_in_lower_case() {
        ok as alice container-create Thesis --cpu-only
        expect_state alice thesis created
        ok as alice container-start THESIS
        expect_state alice thesis running
        no 1 as alice container-create tHesis --cpu-only
        ok as alice container-remove Thesis --stop
}

test_names_at_the_limit() {
        local name

        # As many letters as the message allows, and one more.
        no 2 as alice container-create "$(printf 'x%.0s' {1..300})" --cpu-only
        name=$(grep -oE 'at most [0-9]+' <<<"$ERR" | grep -oE '[0-9]+' | head -1)
        ok as alice container-create "$(printf "x%.0s" $(seq "$name"))" --cpu-only
        ok as alice container-start "$(printf "x%.0s" $(seq "$name"))"
        no 2 as alice container-create "$(printf "x%.0s" $(seq $((name + 1))))" --cpu-only
}

test_counts() {
        local count

        for count in -1 1e9 two '' ' ' 0x1 1.5 99999999999999999999 '1 2' +1; do
                no 2 as alice container-create thesis "--gpu=$count"
        done
        no 2 as alice container-create thesis --num-gpus=-1
        no 3 as alice container-create thesis --gpu=5
        no 3 as alice container-create thesis --gpu=17 || true
        run as alice container-create thesis --gpu=1000000000
        [ "$RC" = 2 ] || [ "$RC" = 3 ] || fail "exit code $RC"
        no 2 as alice container-create thesis --gpu=1 --cpu-only
        nothing_changed
        ok as alice container-create thesis --gpu=0
        gpu_is GPU-0 free || fail "--gpu=0 took a GPU"
}

test_counts_over_the_wire() {
        for count in -1 1e9 1.5 '"two"' null true '[]' 9223372036854775808; do
                api alice POST /containers "{\"name\": \"thesis\", \"gpus\": $count}"
                case $API_STATUS in
                400 | 409) ;;
                201) [ "$count" = null ] || fail "gpus: $count was taken" ;;
                *) fail "status $API_STATUS for gpus: $count" ;;
                esac
        done
}

test_timeouts() {
        ok as alice container-create thesis --cpu-only
        for seconds in -1 ten 1e3 '' 99999999; do
                no 2 as alice container-stop thesis "--timeout=$seconds"
        done
}

test_workspace_that_is_missing() {
        no 4 as alice container-create thesis --workspace="$ROOT/home/alice/nowhere"
        expect_err "doesn't exist"
        no 4 as alice container-create thesis --project=nowhere
        no 4 as alice container-create thesis --data="$ROOT/home/alice/nowhere"
        nothing_changed
        [ ! -e "$ROOT/home/alice/nowhere" ] || fail "it was made"
        [ ! -e "$ROOT/home/alice/workspace/nowhere" ] || fail "it was made"
}

test_workspace_that_is_a_file() {
        touch "$ROOT/home/alice/file"
        no 2 as alice container-create thesis --workspace="$ROOT/home/alice/file"
        expect_err 'not a directory'
        nothing_changed
}

test_images_that_are_missing() {
        no 4 as alice container-create thesis --cpu-only --image="ds01-$(id -u "$(login alice)")/nowhere"
        expect_err 'no image named'
        no 4 as alice container-create thesis --cpu-only --image=nowhere/x:1
        nothing_changed
}

test_workspace_of_someone_else() {
        no 5 as alice container-create thesis --workspace="$ROOT/home/bob"
        no 5 as alice container-create thesis --workspace="$ROOT/home/bob/workspace"
        no 5 as alice container-create thesis --data="$ROOT/home/bob/workspace"
        nothing_changed
}

test_workspace_outside() {
        for path in / /etc /root /proc /sys /dev /tmp /var/run "$STATE" "$RUN_DIR" "$ROOT/home" "$ROOT/home/alice/../bob"; do
                no 5 as alice container-create thesis --workspace="$path"
        done
        nothing_changed
}

test_workspace_through_a_symlink() {
        ln -sfn /etc "$ROOT/home/alice/link"
        ln -sfn "$ROOT/home/bob" "$ROOT/home/alice/link-bob"
        ln -sfn /proc/self/root/etc "$ROOT/home/alice/link-magic"
        for link in link link-bob link/ssl; do
                no 5 as alice container-create thesis --workspace="$ROOT/home/alice/$link"
        done
        no 2 as alice container-create thesis --workspace="$ROOT/home/alice/link-magic"
        ln -sfn /etc "$ROOT/home/alice/workspace/project"
        no 5 as alice container-create thesis --project=project
        run as alice container-create project
        [ "$RC" = 5 ] || fail "exit code $RC, wanted 5"
        nothing_changed
        # One that stays within what is allowed is fine.
        mkdir -p "$ROOT/home/alice/real"
        ln -sfn "$ROOT/home/alice/real" "$ROOT/home/alice/link-real"
        ok as alice container-create thesis --cpu-only --workspace="$ROOT/home/alice/link-real"
        rm -f "$ROOT/home/alice"/link*
}

test_workspace_whose_target_changes() {
        local home=$ROOT/home/alice

        mkdir -p "$home/real"
        chown $FIRST_UID:$FIRST_UID "$home/real"
        echo mine >"$home/real/file"
        ok as alice container-create thesis --cpu-only --workspace="$home/real"
        # Between create and start the owner puts a link in its place: it is judged anew.
        mv "$home/real" "$home/moved"
        ln -s /etc "$home/real"
        no 5 as alice container-start thesis
        expect_state alice thesis created
        # So it is after a restart of the machine, when the pins are gone.
        for mount in $(grep -oE " $RUN_DIR/pin/[^ ]+" /proc/self/mountinfo); do umount -l "$mount"; done
        no 5 as alice container-start thesis
        expect_state alice thesis created
        rm "$home/real"
        mv "$home/moved" "$home/real"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /workspace/file
        equal "$OUT" mine "the file"
        rm -r "$home/real"
}

test_workspace_that_is_relative() {
        mkdir -p "$ROOT/home/alice/rel"
        ok as alice container-create thesis --cpu-only --workspace=rel
        expect_out "$ROOT/home/alice/rel"
        api alice POST /containers '{"name": "other", "workspace": "rel"}'
        equal "$API_STATUS" 400 "status of a relative path over the wire"
        ok as alice container-create tilde --cpu-only '--workspace=~/rel'
        expect_out "$ROOT/home/alice/rel"
}

test_images() {
        for image in nothing ds01-99999/thesis no/such:tag "ds01-$((FIRST_UID + 1))/x:latest"; do
                no 4 as alice container-create thesis --image="$image"
        done
        for image in '../x' 'UPPER CASE' '' 'a b' 'x:y:z' '-x' $'x\n' "$(printf 'x%.0s' {1..600})" 'ds01-base:latest@sha256:zz'; do
                run as alice container-create thesis "--image=$image"
                [ "$RC" = 2 ] || [ "$RC" = 4 ] || fail "exit code $RC for '$image'"
                [ -n "$ERR" ] || fail "nothing says why"
        done
        nothing_changed
}

test_image_from_a_registry_that_is_not_allowed() {
        no 4 as alice container-create thesis --image=ghcr.io/some/thing:1
        expect_err 'ghcr.io'
        api alice POST /images/pull '{"image": "ghcr.io/some/thing:1"}'
        equal "$API_STATUS" 403 "status of the pull"
        nothing_changed
}

test_too_many_words() {
        no 2 as alice container-create one ds01-base three
        no 2 as alice container-list thesis || true
        no 2 as alice check-limits thesis
        nothing_changed
}

test_limits_file_with_a_typo() {
        ok as alice container-create one
        printf 'defaults:\n  max_gpu_equivalents: 1\n  max_cpu: 3\n' >"$LIMITS"
        kill -HUP "$(ds01d_pid)"
        wait_until 5 grep -q 'resource-limits.yaml:3' "$ROOT/ds01d.log"
        api alice GET /limits
        expect_json .gpus.max 4
        ok as alice container-create two
        run "$DS01D" --config="$CONFIG" --check-config
        [ "$RC" != 0 ] || fail "--check-config finds nothing"
        grep -q 'resource-limits.yaml:3' <<<"$OUT$ERR" || fail "it does not name file and line"
        # Not YAML at all.
        printf 'defaults: [\n' >"$LIMITS"
        kill -HUP "$(ds01d_pid)"
        sleep 0.5
        api alice GET /limits
        expect_json .gpus.max 4
        rm "$LIMITS"
        mkdir "$LIMITS"
        kill -HUP "$(ds01d_pid)"
        sleep 0.5
        rmdir "$LIMITS"
        api alice GET /limits
        expect_json .gpus.max 4
        set_limits <<<'defaults: {max_gpu_equivalents: 2, memory: 512m}'
        no 3 as alice container-create three
        expect_err '2 of 2'
}

test_config_with_a_typo() {
        sed 's/timeout_s/timeout_x/' "$CONFIG" >"$WORK/ds01.yaml"
        run "$DS01D" --config="$WORK/ds01.yaml" --check-config
        [ "$RC" != 0 ] || fail "it finds nothing"
        grep -qE 'ds01.yaml:[0-9]+' <<<"$OUT$ERR" || fail "it does not name file and line"
        run "$DS01D" --config="$WORK/ds01.yaml"
        [ "$RC" != 0 ] || fail "it starts"
        ok "$DS01D" --config="$CONFIG" --check-config
}

test_bodies_that_are_not_json() {
        local body

        for body in '{' '[]' '"x"' 'null' '{"name": "a"} {}' '{"name": "a", "name": "b"}' '{"name": "a", "Name": "b"}' \
                '{"name": "a", "privileged": true}' '{"name": ["a"]}' '{"name": "a\u0000b"}' '{"name": 1}' $'{"name": "\xff"}' \
                '{"name": "a", "gpus": "1"}' '{}'; do
                api alice POST /containers "$body"
                equal "$API_STATUS" 400 "status for $body"
                expect_json '.error.exit' 2
        done
        api alice POST /containers "{\"name\": \"$(printf 'x%.0s' {1..70000})\"}"
        equal "$API_STATUS" 413 "status for a large body"
        nothing_changed
}

test_http_that_is_wrong() {
        local line

        for line in 'GET / HTTP/1.1' 'GET /v1/containers/../x HTTP/1.1' 'GET //v1/containers HTTP/1.1' 'PUT /v1/containers HTTP/1.1' \
                'GET /v1/containers?all=maybe HTTP/1.1' 'GET /v1/containers?all=true&all=true HTTP/1.1' 'GET /v1/containers?x=y HTTP/1.1' \
                'GET /v1/containers/%2e%2e HTTP/1.1' 'PRI * HTTP/2.0' 'GET http://x/v1/version HTTP/1.1' 'nonsense'; do
                printf '%s\r\nHost: ds01\r\nConnection: close\r\n\r\n' "$line" |
                        as alice busybox timeout 5 busybox nc local:"$DS01_SOCKET" >"$WORK/answer" 2>/dev/null || true
                [ -s "$WORK/answer" ] || printf '%s\r\nHost: ds01\r\nConnection: close\r\n\r\n' "$line" |
                        as alice timeout 5 curl -s --unix-socket "$DS01_SOCKET" -m 3 telnet://ds01:80 >"$WORK/answer" || true
                grep -qE '^HTTP/1.1 (4|5)' "$WORK/answer" || {
                        cat "$WORK/answer"
                        fail "'$line' is not refused"
                }
        done
        daemon_ready || fail "ds01d does not answer any more"
}
