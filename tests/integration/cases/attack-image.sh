# Attacks by what images, Dockerfiles and directories hold. Each looks at what has become of it.

TRAPS=0

# trap_image [CHANGE...]: an image of the files below $WORK/trap on top of the base's. Its name is in
# TRAP, and new each time: ds01d hears of a name that moves by an event only.
trap_image() {
        TRAP=ds01-trap$BASHPID.$((++TRAPS))
        mkdir -p "$WORK/root"
        cp -a "$ROOT/image" "$WORK/root/"
        cp -a --remove-destination "$WORK/trap/." "$WORK/root/image/"
        ROOT=$WORK/root import_image "$TRAP:latest" "$@" || fail "no image"
        rm -rf "$WORK/root"
}

trap_files() { # DIRECTORY...: below $WORK/trap, which is empty but for them
        rm -rf "$WORK/trap"
        mkdir -p "$WORK/trap" "${@/#/$WORK/trap/}"
}

# What alice's processes in her container may be.
expect_only_alice() {
        ok as alice container-attach "$1" -- cat /proc/self/status
        expect_out "^Uid:\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID$"
        expect_out "^Gid:\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID$"
        expect_out "^Groups:\s*($FIRST_UID )?$"
        expect_out '^CapEff:\s+0000000000000000$'
        expect_out '^CapBnd:\s+0000000000000000$'
        expect_out '^NoNewPrivs:\s+1$'
        ok as alice container-attach "$1" -- cat /proc/1/status
        expect_out "^Uid:\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID$"
        expect_out "^Groups:\s*($FIRST_UID )?$"
}

# Who an image says that one is counts for nothing.
test_users_and_groups_of_images() {
        local user

        trap_files etc
        printf '%s\n' root:x:0:0::/:/bin/sh "evil:x:$FIRST_UID:42::/:/bin/sh" "$(login alice):x:0:0::/:/bin/sh" \
                "$((FIRST_UID + 1)):x:0:0::/:/bin/sh" >"$WORK/trap/etc/passwd"
        printf '%s\n' "root:x:0:evil,$(login alice),$FIRST_UID" "docker:x:999:evil,$(login alice)" "$FIRST_UID:x:0:" " $FIRST_UID:x:0:" \
                "shadow:x:42:$(login alice)" >"$WORK/trap/etc/group"
        for user in root 0 0:0 "$((FIRST_UID + 1))" evil:docker "$FIRST_UID:0"; do
                trap_image "USER $user"
                ok as alice container-create trap --cpu-only --image=$TRAP
                ok as alice container-start trap
                expect_only_alice trap
                ok as alice container-remove trap --stop
        done
}

# An image's names are read by ds01d, which is root: not past the image.
test_name_files_that_lead_out() {
        local file

        echo secret-of-the-host >"$ROOT/etc/secret"
        chmod 600 "$ROOT/etc/secret"
        for file in "$ROOT/etc/secret" /etc/shadow ../../../../../../../../etc/shadow /dev/zero /proc/self/environ; do
                trap_files etc
                ln -s "$file" "$WORK/trap/etc/passwd"
                trap_image
                run as alice container-create trap --cpu-only --image=$TRAP
                [ "$RC" = 0 ] || { expect_state alice trap ''; continue; }
                # Made from an empty file, mounted where the link leads inside, or not run at all.
                ! grep -rqs 'secret-of-the-host' "$STATE/identity" || fail "ds01d has read $file"
                ! grep -rqsE '^root:[*!$]' "$STATE/identity" || fail "ds01d has read $file"
                run as alice container-start trap
                if [ "$RC" = 0 ]; then
                        ok as alice container-attach trap -- cat /etc/passwd
                        expect_no_out 'secret-of-the-host|^root:[*!$]'
                        expect_only_alice trap
                else
                        expect_err "isn't as ds01|cannot be mounted"
                        ! state_is alice trap running || fail 'it runs'
                fi
                ok as alice container-remove trap --stop
        done
        rm "$ROOT/etc/secret"
}

# All that an image can say about how it is run.
test_configuration_of_images() {
        local check='HEALTHCHECK --interval=1s CMD touch /tmp/healthy'

        ! engine_is_podman || check='EXPOSE 23' # it imports no health checks
        trap_files
        trap_image 'ENV NVIDIA_VISIBLE_DEVICES=all' 'ENV nvidia_visible_devices=all' 'ENV NVIDIA_MIG_CONFIG_DEVICES=all' \
                'ENV NVIDIA_IMEX_CHANNELS=0' 'ENV CUDA_VERSION=9.0' 'LABEL ds01.uid=4242' 'LABEL ds01.gpus=GPU-0' 'LABEL DS01.UID=0' \
                'WORKDIR /proc/self/fd/8' 'ENTRYPOINT ["/bin/suid-id"]' 'CMD ["/bin/false"]' 'VOLUME /etc' 'VOLUME /dev/shm' 'EXPOSE 22' \
                "$check" 'ENV LD_PRELOAD=/evil.so' 'ENV PATH=/evil'
        ok as alice container-create trap --cpu-only --image=$TRAP
        ok as alice container-start trap
        equal "$(engine_inspect alice trap '.Config.Labels["ds01.uid"]')" $FIRST_UID "the owner"
        equal "$(engine_inspect alice trap '.Config.WorkingDir')" /workspace 'the directory'
        equal "$(engine_inspect alice trap '[.State.Health.Status // empty | select(. != "")] | length')" 0 'health checks'
        equal "$(engine_inspect alice trap '.HostConfig.DeviceRequests // [] | length')" 0 'device requests'
        equal "$(engine_inspect alice trap '[.HostConfig.PortBindings // {} | .[] // [] | .[].HostPort | select(. != "")] | join(" ")')" '' 'published ports'
        equal "$(engine_inspect alice trap '[.Config.Env[] | select(test("^NVIDIA_")) | select(test("=.+"))] | join(" ")')" \
                NVIDIA_VISIBLE_DEVICES=void 'what is left of NVIDIA_*'
        api bob GET '/containers?all=true'
        equal "$OUT" '[]' "bob's list"
        gpu_is GPU-0 free || fail 'a label has taken a GPU'
        expect_invariants
}

# They would run in the engine's time, beside every limit of when a container is idle.
test_health_checks_do_not_run() {
        local dir=$ROOT/home/alice/workspace/thesis

        mkdir -p "$dir"
        printf '%s\n' 'FROM ds01-base' 'HEALTHCHECK --interval=1s CMD touch /tmp/healthy' >"$dir/Dockerfile"
        chown -R $FIRST_UID:$FIRST_UID "$dir"
        ok as alice image-create thesis
        [[ "$(engine GET "/images/ds01-$FIRST_UID/thesis:latest/json" | jq -r '.Config.Healthcheck.Test // [] | join(" ")')" == *healthy* ]] ||
                engine_is_podman || fail 'the image has no health check'
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        [[ "$(engine_inspect alice thesis '.Config.Healthcheck.Test // ["NONE"] | join(" ")')" == NONE ]] || fail 'it would be run'
        sleep 3
        ok as alice container-attach thesis -- sh -c 'ls /tmp'
        expect_no_out healthy
}

test_setuid_files_and_devices() {
        local pid

        need_runtime
        trap_files bin
        cp /usr/bin/id "$WORK/trap/bin/sgid-id"
        chmod 6755 "$WORK/trap/bin/sgid-id"
        cp /usr/bin/id "$WORK/trap/bin/cap-id"
        setcap cap_setuid,cap_sys_admin+ep "$WORK/trap/bin/cap-id" 2>/dev/null || true
        mknod -m 666 "$WORK/trap/disk" b 7 0
        mknod -m 666 "$WORK/trap/mem" c 1 1
        trap_image
        ok as alice container-create trap --cpu-only --image=$TRAP
        ok as alice container-start trap
        for program in suid-id sgid-id cap-id; do
                ok as alice container-attach trap -- /bin/$program
                expect_no_out 'euid=|egid=|uid=0|gid=0'
        done
        pid=$(engine_inspect alice trap .State.Pid)
        for device in disk mem; do
                run as alice container-attach trap -- head -c 1 /$device
                [ "$RC" != 0 ] || fail "/$device can be read inside"
                run as alice head -c 1 "/proc/$pid/root/$device"
                [ "$RC" != 0 ] || fail "/$device can be read from the host"
        done
        # As a program of the host's, by way of /proc.
        run as alice "/proc/$pid/root/bin/suid-id" -u
        [ "$OUT" != 0 ] || fail 'a set-uid program of an image makes root on the host'
        for command in 'mknod /tmp/d b 7 0' 'mount -t tmpfs none /tmp' 'chroot / id' 'unshare -U id' 'chown 0:0 /workspace' 'kill -9 1'; do
                ok as alice container-attach trap -- sh -c "$command 2>/dev/null; id -u"
                equal "$(tail -n 1 <<<"$OUT")" $FIRST_UID "who one is after $command"
        done
        expect_state alice trap running
}

# What people, Dockerfiles and engines write must not get to a terminal as it is.
no_escapes() {
        ! LC_ALL=C grep -aP '\x1b|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]' "$WORK/out" "$WORK/err" || fail 'bytes that a terminal would obey'
}

test_escape_sequences() {
        local evil=$'x\e]0;owned\a\e[31m' eight=$'x\xc2\x9b31m' dir

        for name in "$evil" "$eight"; do
                for command in container-create container-start container-stop container-remove container-attach container-stats; do
                        run as alice $command -- "$name"
                        [ "$RC" != 0 ] || fail 'it was taken'
                        no_escapes
                done
                for option in --image --workspace --data --project --gpu --nonsense; do
                        run as alice container-create thesis "$option=$name"
                        [ "$RC" != 0 ] || fail "$option was taken"
                        no_escapes
                done
                run as alice "ds01" "$name"
                no_escapes
                run as alice image-create thesis --base="$name"
                no_escapes
        done
        # A directory may be called so.
        dir=$ROOT/home/alice/$evil
        mkdir "$dir"
        chown $FIRST_UID:$FIRST_UID "$dir"
        run as alice container-create thesis --cpu-only --workspace="$dir"
        no_escapes
        run as alice container-list --all --detailed
        no_escapes
        rm -rf "$dir"
}

test_escape_sequences_in_builds() {
        local dir=$ROOT/home/alice/workspace/thesis

        mkdir -p "$dir"
        printf '%s\n' 'FROM ds01-base' \
                "RUN printf '\\033]0;owned\\007\\033[2J\\302\\233' && printf 'said\\033[31m\\n' && exit 7" >"$dir/Dockerfile"
        chown -R $FIRST_UID:$FIRST_UID "$dir"
        run as alice image-create thesis
        [ "$RC" = 1 ] || fail 'the build has not failed'
        grep -aq 'said' "$WORK/out" "$WORK/err" || fail 'its output is not shown'
        no_escapes
        # An instruction that there is none of, an image whose name is a sequence.
        for line in $'FR\e[31mOM x' $'FROM ds01-\e]0;x\a' $'FROM ds01-base\nCOPY \e[31m /x'; do
                printf '%s\n' "$line" >"$dir/Dockerfile"
                run as alice image-create thesis
                [ "$RC" != 0 ] || fail 'it was built'
                no_escapes
        done
}

# Dockerfiles that reach for what is not theirs.
test_hostile_dockerfiles() {
        local dir=$ROOT/home/alice/workspace/thesis text

        personal_image bob secret
        mkdir -p "$dir"
        echo secret-of-the-host >"$ROOT/etc/secret"
        for text in "FROM ds01-$((FIRST_UID + 1))/secret" "FROM docker.io/ds01-$((FIRST_UID + 1))/secret:latest" \
                "FROM ds01-base\nCOPY --from=ds01-$((FIRST_UID + 1))/secret / /x" "ARG B=ds01-$((FIRST_UID + 1))/secret\nFROM \${B}" \
                'FROM ds01-base\nRUN --mount=type=bind,from=ds01-base,target=/x ls' 'FROM ds01-base\nRUN --security=insecure id' \
                'FROM ds01-base\nRUN --network=host id' '# syntax=evil/frontend\nFROM ds01-base\nRUN exit 9' \
                'FROM ds01-base\nONBUILD RUN id' "FROM ds01-base\nCOPY $ROOT/etc/secret /x" 'FROM ds01-base\nCOPY ../../../../etc/shadow /x' \
                'FROM ds01-base\nADD http://127.0.0.1:1/x /x'; do
                printf "$text\n" >"$dir/Dockerfile"
                chown -R $FIRST_UID:$FIRST_UID "$dir"
                run as alice image-create thesis
                [ "$RC" != 0 ] || fail "it was built: $text"
                [ -n "$ERR" ] || fail 'nothing says why'
                expect_no_out 'secret-of-the-host'
        done
        rm "$ROOT/etc/secret"
        # A RUN is root in its container and nowhere else.
        printf '%s\n' 'FROM ds01-cuda' 'ENV NVIDIA_VISIBLE_DEVICES=all' 'LABEL ds01.uid=0 ds01.image.uid='$((FIRST_UID + 1)) \
                'RUN echo visible=$NVIDIA_VISIBLE_DEVICES; grep Seccomp: /proc/self/status; ! mount -t tmpfs none /tmp; ! mknod /d b 8 0 || ! head -c 1 /d' \
                >"$dir/Dockerfile"
        ok as alice image-create thesis
        grep -aq 'visible=void' "$WORK/out" "$WORK/err" || fail 'a build has GPUs'
        # What it says about itself counts for nothing: it is hers, and not in the list of who was named.
        api alice GET /images
        expect_out thesis
        api bob GET /images
        expect_no_out thesis
}

# A step is root in its container, and may make device nodes there. By way of a process of hers in there
# the same person would open them from outside, where no control group keeps anybody from devices.
test_devices_that_a_build_makes() {
        local dir=$ROOT/home/alice/workspace/thesis pid

        need_runtime
        mkdir -p "$dir"
        printf '%s\n' 'FROM ds01-base' 'RUN mkdir /volume && mknod -m 666 /kmsg c 1 11 && mknod -m 666 /volume/kmsg c 1 11' \
                'VOLUME /volume' "USER $FIRST_UID:$FIRST_UID" 'RUN sleep 60' >"$dir/Dockerfile"
        chown -R $FIRST_UID:$FIRST_UID "$dir"
        if engine_is_podman; then # its steps have no right to make any
                no 1 as alice image-create thesis
                expect_err 'mknod'
                return
        fi
        spawn build alice image-create thesis
        wait_until 60 step_process
        pid=$(step_process)
        [ -c "/proc/$pid/root/kmsg" ] && [ -c "/proc/$pid/root/volume/kmsg" ] || fail 'the devices are not there'
        for file in kmsg volume/kmsg; do
                ! as alice sh -c ': >>"$1"' sh "/proc/$pid/root/$file" || fail 'a device that a step has made can be opened from outside'
        done
        as alice sh -c ': >>"$1"' sh "/proc/$pid/root/dev/null" || fail 'nothing at all can be opened from outside, so nothing is shown'
        kill -INT "$SPAWNED"
        join build "$SPAWNED"
}

step_process() { # the sleep of alice's that is in a container
        local pid

        for pid in $(pgrep -u $FIRST_UID -x sleep); do
                ! grep -q 60 "/proc/$pid/cmdline" || [ "$(readlink "/proc/$pid/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] || {
                        echo "$pid"
                        return
                }
        done
        return 1
}
