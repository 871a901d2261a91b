# Each screen as it looks in windows of 40, 80 and 200 columns, in UTF-8 and in the C locale: captured, and
# compared with tests/integration/screens/NAME. DS01_SCREENS=write makes those texts anew, for a look at
# their diff. What differs from run to run is replaced by something of the same width.

SCREENS=$HERE/screens
SIZES="40x20 80x20 200x20"

normal() {
        sed -E -e "s/$LOGIN_PREFIX/ds01tN/g; s/ds01-$FIRST_UID/ds01-UUUU/g; s|$ROOT|/ROOT|g" \
                -e 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([0-9]{2}:[0-9]{2}) /\2     /; s/(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([0-9]{2}:[0-9]{2})$/\2/' \
                -e 's/[0-9]{2}:[0-9]{2}:[0-9]{2}/HH:MM:SS/; s/[0-9]{2}:[0-9]{2}( |$)/HH:MM\1/' \
                -e 's/(just now|[0-9]+ minutes? ago)/AGE/; s/29m left/30m left/; s/ [0-9.]+[KM]B( |$)/ N.NMB\1/'
}

# What an idle container uses is never quite the same: there the blanks count for nothing either.
normal_use() {
        normal | sed -E 's/[0-9.]+%/N%/g; s/[0-9.]+[KM]B\/512MB/N\/512MB/; s/ [0-9]+s$/ Ns/' | tr -s ' '
}

# each_window NAME COMMAND PATTERN [KEYS PATTERN [NORMAL]]: NAME's screen once PATTERN stands there, or
# what came of the KEYS (words) then.
each_window() {
        local name=$1 command=$2 pattern=$3 pressed=${4-} after=${5-} normal=${6-normal} size locale cut

        [ "${DS01_SCREENS-}" != write ] || : >"$SCREENS/$name"
        for locale in C.UTF-8 C; do
                for size in $SIZES; do
                        terminal $size "LC_ALL=$locale" -- "$command"
                        see "$pattern"
                        # shellcheck disable=SC2086 # words
                        [ -z "$pressed" ] || { keys $pressed; see "$after"; }
                        screen | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | $normal >"$WORK/shot"
                        end_terminal
                        if [ "${DS01_SCREENS-} $locale" = 'write C.UTF-8' ]; then
                                { echo "--- $size"; cat "$WORK/shot"; } >>"$SCREENS/$name"
                                continue
                        fi
                        cut=s/x/x/
                        [ $locale != C ] || cut='s/…/~/g'
                        diff -u <(awk -v size="--- $size" '/^--- / { on = $0 == size; next } on' "$SCREENS/$name" | sed "$cut") \
                                "$WORK/shot" || fail "$name looks otherwise in $size ($locale); as it should? DS01_SCREENS=write"
                done
        done
}

some_things() {
        ! engine_is_podman || skip "the texts are of what Docker says"
        as alice mkdir -p "$ROOT/home/alice/workspace/digits"
        printf '%s\n' 'FROM ds01-base:latest' '# ds01:begin packages' \
                "RUN pip install 'pandas>=2.0' timm" '# ds01:end packages' |
                as alice tee "$ROOT/home/alice/workspace/digits/Dockerfile" >/dev/null
        ok as alice container-create experiment --gpu=1
        ok as alice container-create thesis --cpu-only
        ok as alice container-create runs --cpu-only
        ok as alice container-start runs
}

test_pickers() {
        some_things
        each_window pick-start container-start '^> \[ \] experiment'
        each_window pick-attach container-attach '^> runs'
        each_window pick-remove container-remove '^> \[ \] experiment' 'Space Down Space' 'x\] thesis'
        each_window pick-stop container-stop '^> \[ \] runs' z 'nothing matches'
        each_window pick-plain 'container-start --plain' 'Enter leaves'
}

test_pickers_of_images() {
        some_things
        personal_image alice digits
        each_window pick-image image-delete '^> \[ \] digits'
        each_window pick-project project-launch '^> digits'
        each_window pick-dockerfile image-update '^> digits'
}

test_step_by_step() {
        some_things
        each_window ask-create container-create '^> digits' 'Enter Enter' '^GPUs'
        each_window ask-image image-create '^> digits' 'Down Enter n e w Enter Enter' '^Packages for:'
}

test_editor() {
        some_things
        each_window editor 'image-update digits' '^> pandas'
        each_window editor-catalogue 'image-update digits' '^> pandas' '/ p a n d' '^> pandas +pip'
        each_window editor-changes 'image-update digits' '^> pandas' 'd c' '^- .*pandas'
        each_window editor-file 'image-update digits' '^> pandas' f '^FROM ds01-base'
        each_window editor-quit 'image-update digits' '^> pandas' 'd q' '^Save\?'
}

test_lists() {
        some_things
        each_window list 'container-list --all' '^thesis' '' '' normal_use
        each_window gpus 'ds01 gpus' '^GPU-3'
        each_window limits 'check-limits' '^experiment'
}

test_live() {
        some_things
        each_window top 'ds01 top' '^> runs' '' '' normal_use
        each_window top-stop 'ds01 top' '^> runs' x "^Stop 'runs'" normal_use
        each_window watch 'container-stats --watch' '^runs' '' '' normal_use
}
