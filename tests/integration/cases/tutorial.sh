# docs/TUTORIAL.md and docs/ADMIN.md, typed as they stand: each line of the tutorial's boxes must work, in that order.

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

admin_boxes() { # BEGINNING: the indented block of docs/ADMIN.md that begins with that line
        awk -v begin="    $1" 'index($0, begin) == 1 { on = 1 } on && !/^    / { exit } on { print substr($0, 5) }' \
                "$HERE/../../docs/ADMIN.md"
}

root_types() { # as an administrator does, for the people of this world
        ok env DS01_SOCKET="$ADMIN_SOCKET" PATH="$BIN:$PATH" $(sanitizer_env 0) bash -c "${1//alice/$(login alice)}"
}

test_admin_commands() {
        local line bob

        bob=$(login bob)
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        while read -r line; do
                line=${line%%#*}
                line=${line/2026-12-01/2036-12-01}
                case $line in
                # Of this host, and of what other cases left, they may find something.
                *'ds01 doctor'* | *'ds01 fsck'*) continue ;;
                *--cancel=3*) line=${line/3/$(as alice ds01 reserve --format=json | jq '[.[].id | numbers] | max')} ;;
                esac
                root_types "${line//bob/$bob}"
        done < <(sed -n 's/^    sudo \(.*\)/\1/p; s/^    \(ds01 reserve .*\)/\1/p' "$HERE/../../docs/ADMIN.md" | sed 's/^ *//')
        expect_state alice thesis stopped
}

test_admin_files() {
        admin_boxes defaults: | sed "s/alice/$(login alice)/; s/bob:/$(login bob):/; s/researchers/$LAB/" >"$LIMITS"
        [ "$(wc -l <"$LIMITS")" -gt 15 ] || fail "the page has no limits"
        ok "$DS01D" --config="$CONFIG" --check-config
        expect_out 'the configuration is good'
        { sed -n '1p' "$CONFIG"; admin_boxes images:; } >"$WORK/ds01.yaml"
        ok "$DS01D" --config="$WORK/ds01.yaml" --check-config
        # A mistake in it is told as the page has it.
        admin_boxes defaults: | sed 's/max_gpu_equivalents: 1 .*/max_cpu: 1/' >"$LIMITS"
        run "$DS01D" --config="$CONFIG" --check-config
        grep -q "resource-limits.yaml:2:3: unknown key 'max_cpu'; did you mean 'max_cpus'?" <<<"$OUT$ERR" || fail "it is told otherwise"
}
