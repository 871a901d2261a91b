# Clean output where there is no terminal for more: pipes, TERM=dumb, NO_COLOR, and locales without UTF-8.

# is_plain WHAT: nothing but printable ASCII, tabs and newlines in what came.
is_plain() {
        ! LC_ALL=C grep -qP '[^\x20-\x7e\t]' "$WORK/out" "$WORK/err" ||
                fail "$1: $(LC_ALL=C grep -hP '[^\x20-\x7e\t]' "$WORK/out" "$WORK/err" | head -n 1 | cat -A)"
}

commands() {
        cat <<'END'
ds01 --help
ds01 container --help
container-create --help
container-create --concepts
container-create --info
container-create other --cpu-only --guided
container-list --all
container-list --detailed
container-stats
ds01 gpus
ds01 queue
ds01 version
check-limits
image-list --all
container-start nothing
container-create thesis
image-create nowhere
container-remove other --force --guided
END
}

test_pipes_are_clean() {
        local command

        ok as alice container-create thesis --gpu=1
        ok as alice container-start thesis
        for settings in LC_ALL=C "LC_ALL=C.UTF-8 NO_COLOR=1" "LC_ALL=C TERM=xterm-256color"; do
                while read -r command; do
                        # shellcheck disable=SC2086 # words
                        run as alice $settings $command
                        [ "$RC" -le 4 ] || fail "$command: exit code $RC"
                        is_plain "$settings $command"
                done < <(commands)
        done
}

# At a terminal that can do nothing, and at one without colour, what stands there is text.
test_terminals_without_colour() {
        local settings

        ok as alice container-create thesis --cpu-only
        for settings in "TERM=dumb LC_ALL=C" "TERM=xterm NO_COLOR=1 LC_ALL=C"; do
                for command in "container-list --all" "ds01 gpus" "check-limits" "container-create thesis"; do
                        # shellcheck disable=SC2086 # words
                        run as alice $settings script -qec "$command" /dev/null </dev/null
                        tr -d '\r\004\b' <"$WORK/out" >"$WORK/out.text"
                        mv "$WORK/out.text" "$WORK/out"
                        is_plain "$settings $command"
                done
        done
}
