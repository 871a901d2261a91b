# image-create and image-update: Dockerfiles written, changed and really built.

workspace() {
        echo "$ROOT/home/alice/workspace"
}

test_builds_the_file_that_is_there() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\n# by hand\nRUN echo made >/made\n' | as alice tee "$dir/Dockerfile" >/dev/null
        sum=$(cksum <"$dir/Dockerfile")
        ok as alice image-create thesis
        expect_out "^Built image 'ds01-$FIRST_UID/thesis:latest'"
        ok as alice container-create thesis --cpu-only
        expect_out "ds01-$FIRST_UID/thesis:latest"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /made
        equal "$OUT" made "what the build made"
        # Never written over, whatever is asked for.
        no 1 as alice image-create thesis --framework=jax
        expect_err 'never written over'
        equal "$(cksum <"$dir/Dockerfile")" "$sum" "the hand-written file"
}

test_writes_one_where_there_is_none() {
        ok as alice image-create fresh --base=ds01-base:latest -t custom --no-build
        expect_out "^Wrote .*/fresh/Dockerfile$"
        expect_err '^FROM ds01-base:latest$'
        grep -q '^USER 65534:65534$' "$(workspace)/fresh/Dockerfile" || fail "it ends as root"
        no 4 as alice image-create nothing-here
        expect_err 'image-create nothing-here --framework'
        no 2 as alice image-create other --framework=pytroch
        expect_err "did you mean 'pytorch'"
        no 2 as alice image-create other --base=ds01-base -p 'x;touch /tmp/pwned'
        [ ! -e "$(workspace)/other" ] || fail "a directory is left of what was refused"
}

test_update_keeps_what_is_not_its_own() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        # The stand-in for pip writes down what it was asked to install.
        as alice tee "$dir/Dockerfile" >/dev/null <<'END'
FROM ds01-base:latest
# by hand
RUN printf '#!/bin/sh\necho "$@" >>/installed\n' >/bin/pip && chmod 755 /bin/pip
CMD ["sh"]
END
        cp "$dir/Dockerfile" "$WORK/before"
        ok as alice image-create thesis
        ok as alice container-create thesis --cpu-only
        ok as alice image-update thesis --add='numpy<2 timm'
        expect_out "Changed $dir/Dockerfile"
        expect_out 'go on with the old image: thesis'
        grep -v '^# ds01:\|^RUN pip\|^        \|^$' "$dir/Dockerfile" | cmp - "$WORK/before" ||
                fail "lines of its owner have changed"
        [ ! -e "$dir/Dockerfile.bak" ] || fail "the backup has outlived the build"
        ok as alice image-update thesis --remove=timm --add=einops --recreate
        expect_state alice thesis created
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /installed
        equal "$OUT" 'install --no-cache-dir numpy<2 einops' "what pip was asked for"
}

test_failed_update_leaves_the_image() {
        local dir before

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN true\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        before=$(engine GET "/images/ds01-$FIRST_UID/thesis:latest/json" | jq -r .Id)
        no 1 as alice image-update thesis --add=numpy # there is no pip
        expect_err 'pip'
        expect_err 'line [0-9]+'
        expect_err 'Dockerfile.bak'
        equal "$(engine GET "/images/ds01-$FIRST_UID/thesis:latest/json" | jq -r .Id)" "$before" "the image"
        cmp "$dir/Dockerfile.bak" <(printf 'FROM ds01-base:latest\nRUN true\n') || fail "the backup is another file"
        no 4 as alice image-update thesis --remove=nothing
}
