# Full-screen commands in a real terminal (tmux): keys in, screen looked at.

a_project() {
        local dir=$ROOT/home/alice/workspace/thesis

        as alice mkdir -p "$dir"
        printf '%s\n' 'FROM ds01-base:latest' '# ds01:begin packages' \
                "RUN pip install 'pandas>=2.0' timm" '# ds01:end packages' \
                'RUN echo by hand' | as alice tee "$dir/Dockerfile" >/dev/null
        DOCKERFILE=$dir/Dockerfile
}

is_gone() {
        ! screen_shows "$1"
}

test_editor_shows_changes_and_saves() {
        local size

        for size in 40x24 80x24 200x50; do
                a_project
                echo scipy | as alice tee "${DOCKERFILE%/*}/list.txt" >/dev/null
                terminal $size -- image-update thesis
                see '^Image of thesis$'
                see '^> pandas +>=2.0$'
                see '^Base: ds01-base:latest$'
                see 'q quit'
                keys Down
                see '^> timm +any version$'
                keys v
                see '^Package and version: timm'
                keys '<2' Enter
                see '^> timm +<2$'
                see '^changed to timm<2$'
                see 'not saved'
                keys /
                see '^Catalogue:'
                keys p a n d a s
                see '^> pandas +pip \(in the'
                keys Enter
                see '^pandas is in the image already'
                keys r
                see '^Requirements file: requirements.txt'
                keys C-u
                see '^Requirements file:$'
                keys list.txt Enter
                see '^    list.txt$'
                keys s
                see '^Add system packages:'
                keys 'git' Enter
                see '^  git +any version$'
                see '^Packages of the system \(apt\)$'
                keys u u
                wait_until 10 is_gone 'list.txt|git '
                keys a
                see '^Add pip packages:'
                keys 'x;y' Enter
                see "x;y"
                keys a
                see '^Add pip packages:'
                keys 'einops' Enter
                see '^  einops +any version$'
                keys c
                see "^\+ .*timm<2"
                keys q
                see '^> timm'
                keys f
                see '^The Dockerfile as it will be$'
                see '^FROM ds01-base:latest$'
                [ "${size%x*}" != 40 ] || see '^    [^ ]' # a long line goes on in the next
                keys q
                see '^> timm'
                keys d
                see '^removed timm<2'
                keys u u
                see '^> timm +<2$'
                ! screen_shows einops || fail "undo does nothing"
                keys w
                see '^Changed '
                keys q
                ended 0
                grep -q "timm<2" "$DOCKERFILE" || fail "it is not in the file"
                ! grep -q einops "$DOCKERFILE" || fail "what was undone is in the file"
                grep -q '^RUN echo by hand$' "$DOCKERFILE" || fail "what was written by hand"
                ! grep -qE 'list.txt|git' "$DOCKERFILE" || fail "what was undone is in the file"
                rm "$DOCKERFILE.before-update"
        done
}

test_editor_leaves_the_file_alone() {
        local sum

        a_project
        sum=$(cksum <"$DOCKERFILE")
        terminal 80x24 LC_ALL=C LANG=C NO_COLOR=1 -- image-update thesis
        see '^> pandas'
        keys d
        see '^removed pandas'
        keys q
        see '^Save\?'
        keys Escape
        wait_until 10 is_gone '^Save'
        keys C-c
        see '^Save\?'
        keys n
        ended 0
        # A signal, and a window that changes its size.
        terminal 80x24 TERM=vt100 -- image-update thesis
        see '^> pandas'
        resize 40x12
        see 'q quit'
        see '^> pandas'
        resize 80x24
        see 'a add  s add system  v version  d remove  / catalogue'
        keys d
        see '^removed pandas'
        kill_in_terminal TERM image-update
        ended 143
        equal "$(cksum <"$DOCKERFILE")" "$sum" "the Dockerfile"
        # Without a terminal nothing is drawn.
        no 2 as alice image-update thesis </dev/null
        no 2 as alice image-update </dev/null
}

# Sends a signal to the command in the terminal.
kill_in_terminal() {
        local pane

        pane=$(in_tmux display -p '#{pane_pid}')
        kill -"$1" $(pstree -p "$pane" | grep -o "$2([0-9]*)" | grep -o '[0-9]*' | tail -n 1)
}

test_editor_builds() {
        a_project
        printf '%s\n' 'FROM ds01-base:latest' 'RUN echo made >/made' | as alice tee "$DOCKERFILE" >/dev/null
        terminal 80x24 -- image-update
        see '^> thesis +no image'
        keys Enter
        see '^Image of thesis$'
        keys o
        see '^Base image: ds01-base:latest'
        keys C-u
        see '^Base image:$'
        keys ds01-base Enter
        see '^Base: ds01-base$'
        keys b
        see "^Built image 'ds01-$FIRST_UID/thesis:latest'" 60
        ended 0
        grep -q '^FROM ds01-base$' "$DOCKERFILE" || fail "the base"
        # A build that fails leads back to the editor, where all that was done is still there.
        printf '%s\n' 'FROM ds01-base:latest' 'RUN echo something went wrong; false' | as alice tee "$DOCKERFILE" >/dev/null
        terminal 80x24 -- image-update thesis
        see '^Image of thesis$'
        keys b
        see 'something went wrong' 60
        see '^Go back to the editor\? \[y/N\]' 60
        keys y Enter
        see '^Image of thesis$'
        keys q
        ended 0
}

test_catalogue() {
        a_project
        terminal 80x24 -- image-update thesis
        see '^> pandas'
        keys /
        see '^Catalogue:'
        keys f f m p
        see '^> ffmpeg +apt'
        keys Enter
        see '^added ffmpeg'
        see '^Packages of the system'
        keys f
        see 'apt-get install'
        keys q
        see '^  timm|^> pandas'
        keys q
        see '^Save\?'
        keys y
        ended 0
        grep -q ffmpeg "$DOCKERFILE" || fail "it is not saved"
}

test_images_and_projects_are_offered() {
        a_project
        printf 'FROM ds01-base:latest\n' | as alice tee "$DOCKERFILE" >/dev/null
        terminal 80x24 -- image-create
        see '^> thesis +has a Dockerfile'
        keys Enter
        see 'The same in one line: image-create thesis$'
        see "^Built image 'ds01-$FIRST_UID/thesis:latest'" 60
        ended 0
        terminal 80x24 -- image-delete
        see '^> \[ \] thesis +[0-9.]+[KMG]?B +just now'
        keys Enter
        see 'thesis\? \[y/N\]'
        keys y Enter
        see '^Deleted image'
        ended 0
        terminal 80x24 -- image-delete
        see 'you have no image$'
        ended 4
        terminal 80x24 -- container-restore
        see 'nothing is kept'
        ended 4
        terminal 80x24 -- project-launch
        see '^> thesis +no image'
        keys C-c
        see 'Nothing was chosen'
        ended 1
}

test_top_shows_and_acts() {
        local size name

        for name in first second; do
                ok as alice container-create $name --cpu-only
                ok as alice container-start $name
        done
        for size in 40x20 80x24 200x50; do
                terminal $size -- ds01 top
                see '^ds01 top  sorted by name'
                see '^> first '
                see '^  second '
                see 'q quit'
                screen_shows '^GPU-0 .* (allocated|free|held, [0-9]+m left) ' || fail "the state is cut"
                screen_shows 'GPU %( |$)' || fail "the last columns are cut"
                keys Down
                see '^> second '
                keys s
                see '^ds01 top  sorted by CPU'
                see '^> second '
                keys / f i r Enter
                see '^> first '
                ! screen_shows '^. second' || fail "the filter does nothing"
                keys q
                ended 0
        done
        terminal 80x24 LC_ALL=C LANG=C NO_COLOR=1 -- ds01 top
        see '^> first '
        keys x
        see "^Stop 'first'\?"
        keys n
        see 'Nothing was done'
        keys e
        see "^Container 'first' is as it was$"
        keys x
        see "^Stop 'first'\?"
        keys y
        see '^> second ' 30
        keys a
        see '[$#] ?$'
        keys 'exit' Enter
        see '^> second '
        kill_in_terminal TERM ds01
        ended 143
        expect_state alice first stopped
        expect_state alice second running
}

# What was seen stays while ds01d is away, and goes on when it is back.
test_watching_goes_on_over_a_restart() {
        local command shown

        ok as alice container-create first --cpu-only
        ok as alice container-start first
        touch "$ROOT/restart"
        for command in 'ds01 top' 'container-stats --watch'; do
                shown='^(> )?first '
                terminal 80x24 -- $command
                see "$shown"
                ds01d_stop
                see '^trying again: ds01d is not running'
                screen_shows "$shown" || fail "what was seen is gone"
                ds01d_start
                wait_until 10 is_gone 'trying again'
                see "$shown"
                keys q
                ended 0
        done
}

test_top_once_and_without_ds01d() {
        ok as alice ds01 top --once
        expect_out '^GPU +MODEL'
        expect_out 'No running containers'
        no 6 as alice DS01_SOCKET=/nowhere ds01 top </dev/null
}

test_create_asks_step_by_step() {
        local size

        a_project
        for size in 40x16 80x24; do
                terminal $size -- container-create
                see '^> thesis'
                keys Enter
                see '^Name of the container: thesis'
                keys -- -2 Enter
                see '^GPUs \([0-9]+ of [0-9]+ free'
                keys 5 Enter
                see '^At most 4, please'
                keys 0 Enter
                see '^The same in one line: container-create'
                see "^Created container 'thesis-2'"
                ended 0
                ok as alice container-remove thesis-2 --force
        done
        # The project in whose directory that is typed comes first.
        as alice mkdir -p "$ROOT/home/alice/workspace/other/src"
        terminal 80x24 -- sh -c "'cd workspace/thesis && container-create'"
        see '^> thesis'
        screen_shows '^  other' || fail "the other project is not offered"
        keys Escape
        ended 1
        as alice rm -r "$ROOT/home/alice/workspace/other"
        # Who leaves has made nothing; nobody is asked without a terminal.
        terminal 80x24 LC_ALL=C LANG=C NO_COLOR=1 -- container-create
        see '^> thesis'
        keys Enter
        see '^Name of the container: thesis'
        keys C-c
        see 'Nothing was done'
        ended 1
        terminal 80x24 -- container-create --plain
        see 'Number'
        keys 2 Enter
        see '^Name of the container:$'
        keys plain Enter
        see '^GPUs'
        keys 0 Enter
        see "^Created container 'plain'"
        ended 0
        terminal 80x24 -- container-deploy
        see '^> thesis'
        keys Enter
        see '^Name of the container: thesis'
        keys Enter
        see '^GPUs'
        keys 0 Enter
        see "^Started container 'thesis'" 30
        ended 0
        ok as alice container-remove thesis --stop --force
        no 2 as alice container-create </dev/null
        expect_state alice thesis ""
}

test_image_create_asks_step_by_step() {
        terminal 80x24 -- image-create
        see '^Name of the new project:$'
        keys fresh Enter
        see '^> (pytorch|custom|jax|tensorflow)'
        keys c u s
        see '^> custom'
        keys Enter
        see '^Image to begin with:$'
        keys ds01-base Enter
        see '^Packages for:'
        keys c u s
        see '^> custom'
        keys Escape
        see 'Nothing was done'
        ended 1
        [ ! -e "$ROOT/home/alice/workspace/fresh" ] || fail "something is left"
        terminal 80x90 -- image-create
        see '^Name of the new project:$'
        keys fresh Enter
        see '^> [a-z]'
        keys c u s Enter
        see '^Image to begin with:$'
        keys ds01-base Enter
        see '^Packages for:'
        keys c u s Enter
        see '^Further pip packages'
        keys Enter
        see '^The same in one line: image-create fresh --base=ds01-base --type=custom$'
        # The base has no apt, so the build ends there.
        see '^Wrote .*/fresh/Dockerfile$' 60
        see '^image-create: ' 60
        ended 1
        grep -q '^FROM ds01-base$' "$ROOT/home/alice/workspace/fresh/Dockerfile" || fail "the base"
}

# --guided waits before each step, on a terminal only; who leaves there has done nothing.
test_guided_waits_for_enter() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        terminal 80x24 -- container-stop thesis --guided
        see '^--- container-stop: what will happen$'
        see '^  docker stop --time 10 thesis\._\.[0-9]+$'
        see '^  Enter goes on, Ctrl-C ends it here:$'
        expect_state alice thesis running
        keys C-c # the shell around it ends as well
        wait_until 10 is_gone 'Enter goes on'
        end_terminal
        expect_state alice thesis running
        terminal 80x24 -- container-stop thesis --guided
        see 'Enter goes on'
        keys Enter
        see '^--- container-stop: what has happened$'
        ended 0
        expect_state alice thesis stopped
        # Between two steps: what the first has made is undone.
        terminal 80x40 -- container-deploy deep --cpu-only --guided
        see 'Enter goes on'
        keys Enter
        see '^--- container-create: what will happen$'
        keys Enter
        see '^--- container-start: what will happen$'
        see '^  docker start deep'
        expect_state alice deep created
        keys C-c
        wait_until 10 state_is alice deep ""
        end_terminal
}
