# Images: building them over the API, listing and deleting. The archives are made here.

# context NAME [FILE=TEXT...]: $WORK/NAME.tar of those files and the Dockerfile from standard input.
context() {
        local file

        mkdir -p "$WORK/ctx.$1"
        for file in "${@:2}"; do
                printf '%s\n' "${file#*=}" >"$WORK/ctx.$1/${file%%=*}"
        done
        cat >"$WORK/ctx.$1/Dockerfile"
        tar -C "$WORK/ctx.$1" --owner=0 --group=0 -cf "$WORK/$1.tar" .
}

# build USER NAME [QUERY [CURL-OPTION...]]: $WORK/NAME.tar; the lines in OUT, the last one's outcome
# in BUILT (its JSON).
build() {
        local user=$1 name=$2 query=${3-}

        shift 2
        [ $# -eq 0 ] || shift
        api "$user" POST "/images/$name/build${query:+?$query}" '' -H 'Content-Type: application/x-tar' \
                -T "$WORK/$name.tar" "$@"
        BUILT=$(tail -n 1 <<<"$OUT")
}

built() { # the build must have succeeded
        build "$@"
        [ "$API_STATUS" = 200 ] && [ "$(jq -r .done <<<"$BUILT")" = true ] || fail "not built: $API_STATUS $BUILT"
}

# not_built CODE USER NAME...: refused or failed with that code
not_built() {
        local code=$1

        shift
        build "$@"
        [ "$(jq -r .error.code <<<"$BUILT")" = "$code" ] || fail "wanted $code: $API_STATUS $BUILT"
}

uid_of() {
        id -u "$(login "$1")"
}

test_first_image() {
        local reference

        reference=ds01-$(uid_of alice)/thesis:latest
        context thesis data=hello <<'DOCKERFILE'
FROM ds01-base
COPY data /data

RUN cat /data && \
    echo "made" >/made && printf 'no end'
CMD ["sh"]
DOCKERFILE
        built alice thesis
        equal "$(jq -r .image <<<"$BUILT")" "$reference"
        [ "$(jq -r .size_bytes <<<"$BUILT")" -gt 1000 ] || fail "no size"
        equal "$(jq -rs 'map(select(.step)) | map("\(.step)/\(.steps)@\(.line)") | join(" ")' <<<"$OUT")" \
                '1/4@1 2/4@2 3/4@4 4/4@6' steps
        equal "$(jq -rs 'map(select(.log) | .log) | join("|")' <<<"$OUT")" 'hello|no end' output
        expect_out '"text":"RUN cat /data &&     echo \\"made\\" >/made'
        ok as alice container-create thesis --cpu-only
        expect_out "$reference"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /data /made
        expect_out hello
        expect_out made
}

image_id() { # image_id USER NAME: "" when there is none
        engine GET "/images/ds01-$(uid_of "$1")/$2:latest/json" | jq -r '.Id // ""'
}

unnamed_images() {
        engine GET '/images/json?filters=%7B%22dangling%22:%5B%22true%22%5D%7D' | jq -r '.[].Id'
}

# What a container of USER's image NAME prints: in_image USER NAME COMMAND...
in_image() {
        local user=$1 image=$2

        shift 2
        ok as "$user" container-create look --image="$image" --cpu-only
        ok as "$user" container-start look
        run as "$user" container-attach look -- "$@"
        as "$user" container-remove look --stop >/dev/null
}

test_failure_names_the_line_and_keeps_the_image() {
        local before

        context thesis <<<'FROM ds01-base'
        built alice thesis
        before=$(image_id alice thesis)
        context thesis <<'DOCKERFILE'
# a comment
FROM ds01-base

ENV X=1
RUN echo working; \
    exit 3
CMD ["sh"]
DOCKERFILE
        not_built step_failed alice thesis
        equal "$(jq -r '.error | "\(.line) \(.exit)"' <<<"$BUILT")" '5 1'
        grep -q 'line 5 of the Dockerfile failed (RUN echo working;.*exit \(code\|status\) 3' <<<"$BUILT" || fail "$BUILT"
        equal "$(jq -rs 'map(select(.log) | .log) | join("|")' <<<"$OUT")" working output
        equal "$(image_id alice thesis)" "$before" 'the image from before'
        equal "$(engine_containers | wc -l)" 0 'intermediate containers'
}

test_dockerfiles_that_are_wrong() {
        context thesis <<<$'FROM ds01-base\n\nFORM x'
        not_built dockerfile_invalid alice thesis
        equal "$API_STATUS $(jq -r .error.line <<<"$BUILT")" '422 3'
        grep -q "unknown instruction 'FORM'; did you mean FROM?" <<<"$BUILT" || fail "$BUILT"
        context thesis </dev/null
        not_built dockerfile_refused alice thesis
        context thesis <<<$'FROM ds01-base\nRUN --mount=type=cache,target=/x true'
        not_built dockerfile_invalid alice thesis
        # What only the engine knows to be wrong (podman only when it is too late).
        ! engine_is_podman || return 0
        context thesis <<<$'FROM ds01-base\nENV A=1\nRUN true\nEXPOSE nonsense'
        not_built step_failed alice thesis
        equal "$(jq -r .error.line <<<"$BUILT")" 4
        context thesis <<<$'FROM ds01-base\nHEALTHCHECK NONSENSE'
        build alice thesis
        [ "$API_STATUS" = 422 ] || jq -e '.error.exit == 1' <<<"$BUILT" || fail "$BUILT"
        equal "$(image_id alice thesis)" '' image
}

test_what_may_be_built_on() {
        local id

        context secret data=private <<<$'FROM ds01-base\nCOPY data /data'
        built bob secret
        id=$(image_id bob secret)
        for from in "ds01-$(uid_of bob)/secret" "docker.io/ds01-$(uid_of bob)/secret:latest" \
                "localhost/ds01-$(uid_of bob)/secret"; do
                context thesis <<<"FROM $from"
                not_built image_foreign alice thesis
                equal "$API_STATUS $(jq -r .error.line <<<"$BUILT")" '404 1'
                context thesis <<<$'ARG A=ds01-'"$(uid_of bob)"$'/secret\nFROM ${A:-x}'
                not_built image_foreign alice thesis
                context thesis <<<$'FROM ds01-base AS one\nRUN true\nCOPY --from='"$from"' /data /data'
                not_built image_foreign alice thesis
                equal "$(jq -r .error.line <<<"$BUILT")" 3
        done
        # By its id, or the beginning of one.
        for from in "$id" "${id#sha256:}"; do
                context thesis <<<"FROM $from"
                not_built argument_invalid alice thesis
        done
        id=${id#sha256:}
        context thesis <<<"FROM ${id:0:12}"
        not_built registry_not_allowed alice thesis
        equal "$(jq -r .error.exit <<<"$BUILT")" 5
        context thesis <<<"FROM evil.example/x"
        not_built registry_not_allowed alice thesis
        context thesis <<<"FROM ds01-$(uid_of alice)/nowhere"
        not_built no_such_image alice thesis
        context thesis <<<"FROM ds01-$(uid_of bob)/secret"
        built bob thesis
        # An image that has instructions for those that are built on it.
        import_image ds01-trap:latest 'ONBUILD COPY --from=x /y /z'
        context thesis <<<$'FROM ds01-base\nFROM ds01-trap'
        if engine_is_podman; then
                not_built base_not_trusted alice thesis
        else
                not_built base_onbuild alice thesis
        fi
        equal "$(jq -r .error.line <<<"$BUILT")" 2
        engine DELETE '/images/ds01-trap:latest?force=1' >/dev/null
        context thesis <<<$'FROM ds01-base\nONBUILD RUN true'
        not_built dockerfile_invalid alice thesis
}

test_base_from_a_registry() {
        . "$HERE/cases/pull.sh" # its registry
        registry 3
        context thesis <<<$'FROM '"$TOOL"$'\nCOPY Dockerfile /Dockerfile'
        if engine_is_podman; then
                not_built base_not_trusted alice thesis
                ! has_tool || fail 'it was pulled for nothing'
                return 0
        fi
        built alice thesis
        expect_out '"status":"Pull complete"'
        equal "$(jq -rs 'map(if .status then "pull" elif .step then .step else empty end) | unique | tostring' <<<"$OUT")" \
                '[1,2,"pull"]' 'what was told'
        jq -es 'map(.step // 0) | (index(1) > 3) and .[0] == 0' <<<"$OUT" >/dev/null || fail 'the steps came first'
        has_tool || fail 'the base is not there'
        # The second time it is.
        built bob thesis
        expect_no_out Pull
        forget_tool
}

test_base_that_cannot_be_pulled() {
        write_config images.registries=localhost:1
        ds01d_restart
        # Nobody answers there: it was tried, and the line is named.
        context thesis <<<$'\nFROM localhost:1/base:1'
        if engine_is_podman; then
                not_built base_not_trusted alice thesis
        else
                not_built registry_unreachable alice thesis
        fi
        equal "$(jq -r .error.line <<<"$BUILT")" 2
        context thesis <<<'FROM docker.io/library/base:1'
        not_built registry_not_allowed alice thesis
}

test_stages() {
        context tool <<<$'FROM ds01-base\nRUN echo tool >/tool'
        built alice tool
        context thesis <<DOCKERFILE
ARG BASE=ds01-base
FROM \${BASE} AS builder
RUN date +%s%N >/stamp
FROM ds01-base
COPY --from=builder /stamp /stamp
COPY --from=ds01-$(uid_of alice)/tool /tool /tool
RUN cat /stamp /tool
DOCKERFILE
        built alice thesis
        equal "$(jq -rs 'map(select(.step and .line > 1)) | map(.line) | join(" ")' <<<"$OUT")" '2 3 4 5 6 7'
        expect_out '"log":"tool"'
        in_image alice thesis cat /stamp
        stamp=$OUT
        ! engine_is_podman || return 0
        # All is known already, the first stage too, however often.
        built alice thesis
        built alice thesis
        in_image alice thesis cat /stamp
        equal "$OUT" "$stamp"
        built alice thesis no_cache=true
        in_image alice thesis cat /stamp
        [ "$OUT" != "$stamp" ] || fail 'no_cache has no effect'
}

test_steps_of_a_failed_build_are_kept_for_the_next() {
        ! engine_is_podman || skip 'its builds have no cache'
        context thesis <<<$'FROM ds01-base\nRUN date +%s%N >/stamp; cat /stamp\nRUN exit 1'
        not_built step_failed alice thesis
        stamp=$(jq -rs 'map(select(.log) | .log) | join("")' <<<"$OUT")
        not_built step_failed alice thesis
        context thesis <<<$'FROM ds01-base\nRUN date +%s%N >/stamp; cat /stamp\nRUN cat /stamp'
        built alice thesis
        equal "$(jq -rs 'map(select(.log) | .log) | join("")' <<<"$OUT")" "$stamp"
        equal "$(unnamed_images)" '' 'unnamed images'
        # Not for somebody else.
        built bob thesis
        [ "$(jq -rs 'map(select(.log) | .log) | .[0]' <<<"$OUT")" != "$stamp" ] || fail "alice's step was used for bob"
        # The image that a new one takes the place of goes.
        context thesis <<<$'FROM ds01-base\nRUN true'
        built alice thesis
        built bob thesis
        equal "$(unnamed_images)" '' 'unnamed images'
        ok as alice image-delete thesis
        equal "$(engine GET '/images/json?all=1' | jq -r '.[].Labels["ds01.image.uid"] // empty' | sort -u)" \
                "$(uid_of bob)" 'owners of what is left'
}

# security: a container that was committed passes for a step of whoever builds on the same base.
test_cache_of_others_is_not_used() {
        local id command='["/bin/sh", "-c", "echo fine >/fine"]'
        local path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

        ! engine_is_podman || skip 'its builds have no cache'
        id=$(engine POST /containers/create -H 'Content-Type: application/json' \
                -d "{\"Image\": \"ds01-base\", \"Cmd\": $command, \"Env\": [\"FROM_IMAGE=yes\", \"PATH=$path\"]}" | jq -r .Id)
        mkdir "$WORK/trap"
        echo pwned >"$WORK/trap/pwned"
        tar -C "$WORK/trap" -c pwned | engine PUT "/containers/$id/archive?path=/" -H 'Content-Type: application/x-tar' -T -
        engine POST "/commit?container=$id&repo=trap&tag=latest" -H 'Content-Type: application/json' \
                -d '{}' | jq -e .Id
        engine DELETE "/containers/$id" >/dev/null
        context thesis <<<$'FROM ds01-base\nRUN echo fine >/fine'
        # The engine by itself falls for it.
        engine POST '/build?t=fallen:latest' -H 'Content-Type: application/x-tar' -T "$WORK/thesis.tar" >"$WORK/fallen"
        grep -q 'Using cache' "$WORK/fallen" || fail 'the trap is none'
        built bob thesis
        in_image bob thesis cat /fine
        equal "$OUT" fine
        in_image bob thesis cat /pwned
        [ "$RC" != 0 ] || fail 'the trap was taken for a step'
        engine DELETE '/images/fallen:latest?force=1' >/dev/null
        engine DELETE '/images/trap:latest?force=1' >/dev/null
}

test_steps_have_limits() {
        context thesis <<'DOCKERFILE'
FROM ds01-cuda
RUN cat /proc/self/cgroup; env; id
ENV NVIDIA_VISIBLE_DEVICES=all
RUN env | grep VISIBLE
RUN for i in $(seq 300); do sleep 60 & done
DOCKERFILE
        not_built step_failed alice thesis
        equal "$(jq -rs 'map(select(.log) | .log | select(test("VISIBLE"))) | unique | join(" ")' <<<"$OUT")" \
                NVIDIA_VISIBLE_DEVICES=void
        expect_out "/$CGROUP_PARENT/u$(uid_of alice)/build/"
        equal "$(jq -r .error.line <<<"$BUILT")" 5
        context thesis <<<$'FROM ds01-base\nRUN dd if=/dev/zero of=/dev/null bs=600M count=1'
        not_built step_failed alice thesis
        grep -q 'exit code 137; it was killed' <<<"$BUILT" || expect_out 'exited on killed' # podman
        equal "$(engine_containers | wc -l)" 0 containers
}

# A Dockerfile whose second step takes its time, and whether one of those is at work.
slow_context() {
        context "$1" <<<$'FROM ds01-base\nRUN sleep '"1$FIRST_UID"
}

slow_step_runs() {
        pgrep -f "sleep 1$FIRST_UID" >/dev/null
}

no_slow_step() {
        ! slow_step_runs
}

# begin_build LABEL USER NAME: in the background; its pid in SPAWNED. Returns when the step runs.
begin_build() {
        spawn "$1" "$2" curl -sSN --max-time 100 --unix-socket "$DS01_SOCKET" -H 'Content-Type: application/x-tar' \
                -T "$WORK/$3.tar" -X POST "http://ds01/v1/images/$3/build"
        wait_until 30 grep -q '"step":2' "$WORK/$1.out"
        wait_until 30 slow_step_runs
}

test_hanging_up_cancels() {
        slow_context thesis
        begin_build one alice thesis
        kill "$SPAWNED"
        wait_until 30 no_slow_step
        wait_until 10 eval '[ -z "$(engine_containers)" ]'
        equal "$(image_id alice thesis)" '' image
        # It is over for ds01d as well.
        context thesis <<<'FROM ds01-base'
        wait_until 10 built alice thesis
}

test_time_limit() {
        write_config
        sed -i 's/^images:/&\n  build_timeout_s: 2/' "$CONFIG"
        ds01d_restart
        slow_context thesis
        not_built build_timeout alice thesis
        grep -q 'stopped after 2s' <<<"$BUILT" || fail "$BUILT"
        wait_until 30 no_slow_step
        # Sending the project counts as well. curl may be cut off while it sends, so the log is asked.
        run as alice bash -c "(head -c 600 '$WORK/thesis.tar'; sleep 3; tail -c +601 '$WORK/thesis.tar') |
                curl -sS --unix-socket '$DS01_SOCKET' -H 'Content-Type: application/x-tar' -T - -X POST \
                http://ds01/v1/images/thesis/build"
        wait_until 5 grep -q 'status=504 .*refused=build_timeout' "$ROOT/ds01d.log"
}

test_killed_daemon_cancels() {
        slow_context thesis
        begin_build one alice thesis
        ds01d_kill
        ! engine_is_podman || ds01d_start # podman lets commands run on: they end with the next start
        wait_until 30 no_slow_step
        wait_until 10 eval '[ -z "$(engine_containers)" ]'
        engine_is_podman || ds01d_start
        context thesis <<<'FROM ds01-base'
        built alice thesis '' -H 'Transfer-Encoding: chunked'
}

test_not_too_many_at_once() {
        local one two

        slow_context thesis
        slow_context other
        slow_context third
        begin_build one alice thesis
        one=$SPAWNED
        not_built build_running alice thesis
        equal "$API_STATUS" 409
        api alice DELETE /images/thesis
        equal "$API_STATUS $(jq -r .error.code <<<"$OUT")" '409 build_running'
        begin_build two alice other
        two=$SPAWNED
        not_built build_quota alice third
        equal "$API_STATUS $(jq -r .error.exit <<<"$BUILT")" '429 3'
        grep -q 'you have 2 of 2 builds running: thesis, other' <<<"$BUILT" || fail "$BUILT"
        context fine <<<'FROM ds01-base'
        built bob fine
        kill "$one" "$two"
        wait_until 30 no_slow_step
}

test_archives_that_are_refused() {
        local dir=$WORK/ctx.thesis

        context thesis <<<'FROM ds01-base'
        mkfifo "$dir/pipe"
        tar -C "$dir" -cf "$WORK/thesis.tar" .
        not_built context_invalid alice thesis
        grep -q "'pipe' is a pipe" <<<"$BUILT" || fail "$BUILT"
        rm "$dir/pipe"
        mknod "$dir/null" c 1 3
        tar -C "$dir" -cf "$WORK/thesis.tar" .
        not_built context_invalid alice thesis
        rm "$dir/null"
        tar -C "$dir" -P --transform='s,data,../../data,' -cf "$WORK/thesis.tar" Dockerfile
        touch "$dir/data"
        tar -C "$dir" -P --transform='s,data,../../data,' -cf "$WORK/thesis.tar" Dockerfile data
        not_built context_invalid alice thesis
        tar -C "$dir" -czf "$WORK/thesis.tar" .
        not_built context_invalid alice thesis
        grep -q 'compressed' <<<"$BUILT" || fail "$BUILT"
        tar -C "$dir" -cf "$WORK/whole" .
        head -c 1024 "$WORK/whole" >"$WORK/thesis.tar"
        not_built context_invalid alice thesis
        : >"$WORK/thesis.tar"
        not_built context_invalid alice thesis
        tar -C "$dir" -cf "$WORK/thesis.tar" data
        not_built no_dockerfile alice thesis
        mv "$dir/Dockerfile" "$dir/real"
        ln -s real "$dir/Dockerfile"
        tar -C "$dir" -cf "$WORK/thesis.tar" .
        not_built context_invalid alice thesis
        built alice thesis dockerfile=real
        not_built argument_invalid alice thesis dockerfile=../real
        not_built bad_request alice thesis remote=http://x
        not_built bad_request alice thesis t=ubuntu
        truncate -s 21G "$dir/data"
        tar -C "$dir" -c . 2>/dev/null | head -c 1M >"$WORK/thesis.tar"
        not_built context_too_large alice thesis dockerfile=real
        equal "$API_STATUS" 413
}

test_content_types() {
        for type in application/json text/plain application/x-www-form-urlencoded ''; do
                api alice POST /images/thesis/build '' -H "Content-Type: $type" --data-binary 'x'
                case $API_STATUS in 400 | 415) ;; *) fail "status $API_STATUS for '$type'" ;; esac
        done
        for name in UPPER%20case ..%2fx a%2fb -x; do
                context thesis <<<'FROM ds01-base'
                api alice POST "/images/$name/build" '' -H 'Content-Type: application/x-tar' -T "$WORK/thesis.tar"
                equal "$API_STATUS" 400
        done
        equal "$(engine GET /images/json | jq -r '.[].RepoTags[] | select(test("^ds01-[0-9]"))')" '' images
}

# What was judged is what is built, whatever links the archive brings along.
test_the_dockerfile_cannot_be_swapped() {
        local dir=$WORK/ctx.thesis

        context secret data=private <<<$'FROM ds01-base\nCOPY data /data'
        built bob secret
        context thesis <<<$'FROM ds01-base\nRUN echo judged'
        mkdir "$dir/other"
        echo "FROM ds01-$(uid_of bob)/secret" >"$dir/other/Dockerfile"
        ln -s . "$dir/d"
        tar -C "$dir" --transform='s,other/Dockerfile,d/Dockerfile,' -cf "$WORK/thesis.tar" Dockerfile d other/Dockerfile
        built alice thesis
        expect_out '"log":"judged"'
        in_image alice thesis cat /data
        [ "$RC" != 0 ] || fail "bob's file is in it"
        tar -C "$dir" --transform='s,other/Dockerfile,./Dockerfile,' -cf "$WORK/thesis.tar" Dockerfile other/Dockerfile
        not_built context_invalid alice thesis
}

test_disk_full() {
        need_own_engine
        ! engine_is_podman || skip 'it keeps contexts elsewhere'
        [ -z "$ENGINE_ROOT" ] || skip 'its directory is in a root of its own'
        mount -t tmpfs -o size=1m tmpfs "$ROOT/engine/tmp"
        head -c 4M /dev/urandom >"$WORK/large"
        mkdir -p "$WORK/ctx.thesis"
        mv "$WORK/large" "$WORK/ctx.thesis/large"
        context thesis <<<$'FROM ds01-base\nCOPY large /large'
        not_built storage_full alice thesis
        umount "$ROOT/engine/tmp"
        built alice thesis
}

test_engine_goes_away() {
        need_own_engine
        slow_context thesis
        begin_build one alice thesis
        engine_kill
        join one "$SPAWNED"
        BUILT=$(tail -n 1 <<<"$OUT")
        equal "$(jq -r '.error | "\(.code) \(.exit)"' <<<"$BUILT")" 'build_broken 6'
        engine_start
        context thesis <<<'FROM ds01-base'
        wait_until 30 built alice thesis
}

image_is_listed() {
        as alice image-list | grep -q "/$1 "
}

# ds01d keeps the list in memory; what others do to the images is seen nevertheless.
test_list_follows_the_engine() {
        ok as alice image-list
        personal_image alice fromoutside
        wait_until 10 image_is_listed fromoutside
        engine DELETE "/images/ds01-$(uid_of alice)/fromoutside:latest" >/dev/null
        wait_until 10 eval '! image_is_listed fromoutside'
        need_own_engine
        engine_stop
        no 6 as alice image-list
        engine_start
        personal_image alice fromoutside
        wait_until 20 image_is_listed fromoutside
}

test_list_and_delete() {
        local one

        context thesis <<<$'FROM ds01-base\nRUN echo x >/x'
        built alice thesis
        context Other <<<'FROM ds01-base'
        built alice Other
        built bob Other
        one=ds01-$(uid_of alice)
        ok as alice image-list
        expect_out '^REPOSITORY +TAG +SIZE +CREATED$'
        expect_out "^$one/thesis +latest +[0-9.]+[KMG]B +just now$"
        equal "$(wc -l <<<"$OUT")" 3 lines
        ok as alice image-list --format=simple
        equal "$OUT" "$one/other:latest
$one/thesis:latest"
        ok as alice image list --all --format=json
        expect_json 'map(.reference) | join(" ")' "$one/other:latest $one/thesis:latest ds01-base:latest ds01-cuda:latest"
        expect_json '.[] | select(.project == "thesis") | .mine, (.containers | length)' $'true\n0'
        ok as alice container-create thesis --cpu-only
        no 1 as alice image-delete thesis
        expect_err "the image of 'thesis' is used by thesis"
        expect_err 'container-remove thesis'
        no 1 as alice image-delete thesis --force
        ok as alice container-remove thesis
        mkdir -p "$ROOT/home/alice/workspace/thesis"
        echo 'FROM x' >"$ROOT/home/alice/workspace/thesis/Dockerfile"
        chown -R "$(uid_of alice)" "$ROOT/home/alice/workspace/thesis"
        ok as alice image-delete "$one/thesis:latest" other
        expect_out "^Deleted image '$one/thesis:latest' "
        expect_out 'the Dockerfile stays: .*/workspace/thesis/Dockerfile'
        expect_out "^Deleted image '$one/other:latest' "
        no 4 as alice image-delete thesis
        no 4 as alice image-delete "ds01-$(uid_of bob)/other"
        no 4 as alice image-delete ds01-base
        [ -n "$(image_id bob other)" ] || fail "bob's image is gone"
        built alice thesis
        ok as alice image-delete --all --with-dockerfile
        [ ! -e "$ROOT/home/alice/workspace/thesis/Dockerfile" ] || fail 'the Dockerfile is still there'
        ok as alice image-list
        equal "$OUT" ''
}
