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
