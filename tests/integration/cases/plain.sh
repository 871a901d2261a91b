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

# What takes long is not drawn again and again on a terminal that can't, nor for who asks for lines.
test_waiting_without_redrawing() {
        local settings

        ok as bob container-create all --gpu=4
        for settings in "TERM=dumb" "TERM=xterm DS01_PLAIN=1"; do
                # shellcheck disable=SC2086 # words
                run as alice $settings script -qec "container-create thesis --gpu=1 --wait=2" /dev/null </dev/null
                [ "$RC" = 3 ] || fail "exit code $RC"
                tr -d '\r\004\b' <"$WORK/out" >"$WORK/out.text"
                mv "$WORK/out.text" "$WORK/out"
                is_plain "$settings"
                grep -q '^waiting, ' "$WORK/out" || fail "nothing is said: $OUT"
        done
        run as alice TERM=xterm script -qec "container-create thesis --gpu=1 --wait=2" /dev/null </dev/null
        grep -q $'\rwaiting 1s' "$WORK/out" || fail "it is not drawn: $(cat -A "$WORK/out")"
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

# Lists in windows of three widths, captured and compared. What differs from run to run is replaced.
test_lists_fit_the_window() {
        local size

        ok as alice container-create experiment --gpu=1
        ok as alice container-create thesis --gpu=1
        ok as alice container-start thesis
        personal_image alice experiment
        for size in 40x20 80x20 200x20; do
                shows $size "container-list --all" UPTIME "$(list_of ${size%x*})"
                shows $size "ds01 gpus" SINCE\|USER "$(gpus_of_window ${size%x*})"
                fits $size "container-stats" 'GPU %'
                fits $size "image-list" CREATED
        done
        fits 40x20 "LC_ALL=C -- container-list --all" 'UPTIME' | grep -q '~' || fail "the cut is not marked"
}

list_of() { # WIDTH
        case $1 in
        40) cat <<'END' ;;
NAME        STATUS   GPU    UPTIME
experiment  created  GPU-0  - (GPU held…
thesis      running  GPU-1  Ns
END
        *) cat <<'END' ;;
NAME        STATUS   IMAGE             GPU    UPTIME
experiment  created  ds01-base:latest  GPU-0  - (GPU held, 30m left)
thesis      running  ds01-base:latest  GPU-1  Ns
END
        esac
}

gpus_of_window() { # WIDTH
        case $1 in
        40) cat <<'END' ;;
GPU    LOAD  STATE           USER
GPU-0  0%    held, 30m left  ME-ali…
GPU-1  0%    allocated       ME-ali…
GPU-2  0%    free            -
GPU-3  0%    free            -
END
        80) cat <<'END' ;;
GPU    MODEL     MEMORY   LOAD  TEMP  STATE           USER      CONTAINER  SINCE
GPU-0  NVIDIA …  0B/40GB  0%    35C   held, 30m left  ME-…  experime…  H:M
GPU-1  NVIDIA …  0B/40GB  0%    35C   allocated       ME-…  thesis     H:M
GPU-2  NVIDIA …  0B/40GB  0%    35C   free            -         -          -
GPU-3  NVIDIA …  0B/40GB  0%    35C   free            -         -          -
END
        *) cat <<'END' ;;
GPU    MODEL                  MEMORY   LOAD  TEMP  STATE           USER          CONTAINER   SINCE
GPU-0  NVIDIA A100-SXM4-40GB  0B/40GB  0%    35C   held, 30m left  ME-alice  experiment  H:M
GPU-1  NVIDIA A100-SXM4-40GB  0B/40GB  0%    35C   allocated       ME-alice  thesis      H:M
GPU-2  NVIDIA A100-SXM4-40GB  0B/40GB  0%    35C   free            -             -           -
GPU-3  NVIDIA A100-SXM4-40GB  0B/40GB  0%    35C   free            -             -           -
END
        esac
}

# fits SIZE COMMAND PATTERN: prints what it shows in such a window once there is PATTERN; no line goes on in the next.
fits() {
        local command=$2

        [[ $command == *' -- '* ]] || command="-- $command"
        # shellcheck disable=SC2086 # words
        terminal "$1" $command
        wait_until 10 test -s "$WORK/after"
        see "$3"
        cmp -s <(in_tmux capture-pane -p) <(in_tmux capture-pane -pJ | sed 's/ *$//') ||
                fail "lines of '$2' are wider than $1"
        screen
        end_terminal
}

shows() { # SIZE COMMAND PATTERN TEXT
        diff -u <(echo "$4") <(fits "$1" "$2" "$3" | sed '/^$/d' |
                sed -E 's/[0-9]+s$/Ns/; s/29m/30m/; s/ds01t[0-9]-/ME-/; s/[0-9]+:[0-9]+$/H:M/') ||
                fail "'$2' shows something else in $1"
}
