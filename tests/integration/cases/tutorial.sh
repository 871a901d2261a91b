# docs/TUTORIAL.md, typed as it stands: each line of its boxes must work, in that order.

boxes() {
        sed -n '/^```console$/,/^```$/ { /^```/d; p; }' "$HERE/../../docs/TUTORIAL.md"
}

test_every_line_works() {
        local home=$ROOT/home/alice

        # The site's PyTorch is a small image in which "python" prints its script; nothing is downloaded.
        cp -r "$ROOT/share" "$WORK/share"
        sed -i 's|base: pytorch/.*|base: ds01-base:latest|; s|^system: .*|system: []|' "$WORK/share/catalogue.yaml"
        { echo 'set -eE'; echo "trap 'echo \"failed: \$BASH_COMMAND\" >&2' ERR"; boxes; } >"$WORK/script"
        [ "$(grep -cE '^(container|image|project)-' "$WORK/script")" -ge 12 ] || fail "the page has hardly any commands"
        ok as alice DS01_DATA="$WORK/share" bash "$WORK/script"
        expect_out "^Built image 'ds01-$FIRST_UID/digits:latest'"
        expect_out '^digits +running'
        expect_out 'python train.py'
        expect_out 'epoch 2: loss 0.17'
        [ -e "$home/workspace/digits/outputs/run.log" ] || fail "no log of the run"
        nothing_left || fail "a container is left"
        gpu_is GPU-0 free || fail "GPU-0 is not free"
}

# Commands that it only speaks of exist as well.
test_names_commands_that_exist() {
        local name

        for name in $(grep -ohP '(?<![a-z-])(container|image|project)-[a-z]+' "$HERE"/../../docs/{TUTORIAL,TROUBLESHOOTING,ADMIN}.md | sort -u); do
                ok as alice ds01 "$name" --help
        done
}
