# The process that a container is: judged before its first instruction (ds01-runtime), looked at after
# its start, and held within its owner's limits.

# podman asks for more than this machine may have.
PODMAN_LIMITS='{"Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 1024}, {"Name": "nproc", "Soft": 1024, "Hard": 1024}]}'

container_id() { # USER NAME
        engine_inspect "$1" "$2" .Id
}

container_pid() {
        engine_inspect "$1" "$2" .State.Pid
}

# An image with what images should not have.
hostile_image() {
        mkdir -p "$ROOT/image/volume"
        mknod -m 666 "$ROOT/image/kmsg" c 1 11
        mknod -m 666 "$ROOT/image/volume/kmsg" c 1 11
        # podman imports no health checks.
        if engine_is_podman; then
                import_image ds01-hostile:latest 'VOLUME /volume'
        else
                import_image ds01-hostile:latest 'VOLUME /volume' 'HEALTHCHECK --interval=1s CMD /bin/true'
        fi
        rm -r "$ROOT/image/kmsg" "$ROOT/image/volume"
}

may_open() { # USER FILE: for writing; to read the kernel's messages takes more
        as "$1" sh -c ': >>"$1"' sh "$2" 2>/dev/null
}

test_it_is_in_use() {
        need_runtime
        ok as alice ds01 version
        expect_out '^runtime ds01$'
        ok as alice container-create thesis --gpu=1
        ok as alice container-start thesis
        engine_is_podman || equal "$(engine_inspect alice thesis .HostConfig.Runtime)" ds01 runtime
        awk '$5 !~ "^/(dev|proc|sys)(/|$)" && $6 !~ /nosuid,nodev/ { print; bad = 1 } END { exit bad }' \
                "/proc/$(container_pid alice thesis)/mountinfo" || fail 'mounts with set-uid programs or devices'
        ok as alice container-attach thesis -- sh -c 'echo $NVIDIA_VISIBLE_DEVICES'
        expect_out '^GPU-'
        equal "$(stat -c %a:%u "$RUN_DIR/decided")" 700:0 'whose the decisions are'
        [ -e "$RUN_DIR/decided/$(container_id alice thesis)" ] || fail 'nothing was decided'
        ok as alice container-remove thesis --stop
        equal "$(ls "$RUN_DIR/decided")" '' 'what is left of it'
        touch "$RUN_DIR/decided/0123"
        ds01d_restart
        equal "$(ls "$RUN_DIR/decided")" '' 'what is left of a container that nobody knows'
}

test_device_nodes_of_images_open_nothing() {
        local id pid

        need_runtime
        hostile_image
        # The way in, without ds01: the same user's process on the host opens it, past all device rules.
        id=$(jq -n --arg user "$FIRST_UID:$FIRST_UID" '{Image: "ds01-hostile", User: $user, Entrypoint: ["sleep", "100"],
                HostConfig: ({CapDrop: ["ALL"], Runtime: "runc"} + $more)}' --argjson more "$PODMAN_LIMITS" |
                engine POST '/containers/create?name=open' -H 'Content-Type: application/json' -d @- | jq -r .Id)
        engine POST "/containers/$id/start"
        pid=$(engine GET "/containers/$id/json" | jq .State.Pid)
        may_open alice "/proc/$pid/root/kmsg" || skip 'this machine lets nobody in that way'
        ok as alice container-create thesis --cpu-only --image=ds01-hostile
        ok as alice container-start thesis
        pid=$(container_pid alice thesis)
        [ -c "/proc/$pid/root/kmsg" ] || fail 'the image has lost its device'
        may_open alice "/proc/$pid/root/dev/null" || fail 'not even /dev/null can be opened'
        ! may_open alice "/proc/$pid/root/kmsg" || fail 'the device of the image can be opened from outside'
        ! may_open alice "/proc/$pid/root/volume/kmsg" || fail 'the one in its volume can be opened from outside'
        run as alice container-attach thesis -- sh -c ': >>/kmsg'
        [ "$RC" != 0 ] || fail 'the device of the image can be opened inside'
        ok as alice container-attach thesis -- /bin/suid-id -u
        equal "$OUT" $FIRST_UID 'the uid in a set-uid program of the image'
        # Nor does it get to run something every second, as its health.
        engine_is_podman || equal "$(engine_inspect alice thesis '.State.Health // "none"')" none 'the health check'
}

test_what_was_changed_behind_ds01d() {
        need_runtime
        ! engine_is_podman || skip 'this podman changes no limits'
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-stop thesis --force
        engine POST "/containers/$(container_id alice thesis)/update" -H 'Content-Type: application/json' -d '{"PidsLimit": -1}' >/dev/null
        no 1 as alice container-start thesis
        expect_err 'not as ds01 decided|isn.t as ds01 decided'
        expect_err 'limit of processes'
        expect_state alice thesis stopped
        engine POST "/containers/$(container_id alice thesis)/update" -H 'Content-Type: application/json' -d '{"PidsLimit": 256}' >/dev/null
        ok as alice container-start thesis
}

test_processes_with_other_rights() {
        local id answer

        need_runtime
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        for who in '"User": "0"' '"Privileged": true' "\"User\": \"$FIRST_UID:0\""; do
                id=$(engine POST "/containers/$(container_id alice thesis)/exec" -H 'Content-Type: application/json' \
                        -d "{$who, \"AttachStdout\": true, \"Cmd\": [\"touch\", \"/tmp/done\"]}" | jq -r .Id)
                engine POST "/exec/$id/start" -H 'Content-Type: application/json' -d '{"Detach": true}' >"$WORK/answer"
                wait_until 20 test "$(engine GET "/exec/$id/json" | jq .Running)" = false
                ok as alice container-attach thesis -- ls /tmp
                expect_no_out done
        done
        ok as alice container-attach thesis -- id -u
}

# The engine's own root has to have what changes a config.json.
need_liar() {
        need_runtime
        [ -z "$ENGINE_ROOT" ] || [ -x "$ENGINE_ROOT/usr/bin/jq" ] || skip 'there is no jq where this engine is'
}

test_a_runtime_that_does_something_else() {
        local change

        need_liar
        ok as alice container-create thesis --cpu-only
        for change in '.process.user.uid = 0' '.process.user.additionalGids = [0]' \
                '.process.capabilities.bounding = ["CAP_KILL"]' '.process.noNewPrivileges = false' \
                'del(.linux.seccomp)' '.linux.cgroupsPath |= sub("/u[0-9]+/"; "/")' \
                '(.mounts[] | select(.destination == "/workspace") | .source) = "/etc"' \
                '(.mounts[] | select(.destination == "/workspace") | .options) = ["bind"] | .mounts += [{destination: "/workspace", type: "tmpfs", source: "tmpfs"}]'; do
                runtime_backend <<END
before=
for word; do
        [ "\$before" != --bundle ] || { jq '$change' "\$word/config.json" >"\$word/new" && mv "\$word/new" "\$word/config.json"; }
        before=\$word
done
exec runc "\$@"
END
                no 1 as alice container-start thesis
                expect_err 'isn.t as ds01 decided'
                wait_until 20 state_is alice thesis stopped
        done
        grep -q 'event=not-as-decided.*why="its Uid is 0' "$ROOT/ds01d.log" || fail 'it is not in the log'
        grep -q 'status=502 .*refused=not_as_decided' "$ROOT/ds01d.log" || fail 'the start was not refused as not_as_decided'
        runtime_backend <<<'exec runc "$@"'
        ok as alice container-start thesis
}

state_is() { # USER NAME STATE
        [ "$(as "$1" container-list --all --format=json | jq -r --arg name "$2" '.[] | select(.name == $name) | .status')" = "$3" ]
}

# With the engine's own tools, which only root has.
test_started_past_ds01d() {
        local id

        need_liar
        ok as alice container-create thesis --cpu-only
        runtime_backend <<'END'
while [ $# -gt 0 ] && [ "$word" != --bundle ]; do word=$1 words+=("$1"); shift; done
[ $# = 0 ] || { jq '.process.user.uid = 0' "$1/config.json" >"$1/new" && mv "$1/new" "$1/config.json"; }
exec runc "${words[@]}" "$@"
END
        engine POST "/containers/$(container_id alice thesis)/start"
        wait_until 30 state_is alice thesis stopped
        runtime_backend <<<'exec runc "$@"'
        # A container of somebody's own making, with a directory that ds01d has pinned.
        ok as alice container-start thesis
        id=$(jq -n --arg pin "$(echo "$RUN_DIR"/pin/*/workspace)" '{Image: "ds01-base", Cmd: ["sleep", "100"],
                HostConfig: {Runtime: "ds01", Binds: [$pin + ":/mnt"]}}' |
                engine POST '/containers/create?name=thief' -H 'Content-Type: application/json' -d @- | jq -r .Id)
        engine POST "/containers/$id/start" >"$WORK/answer"
        grep -q 'ds01d has not decided about this container' "$WORK/answer" || fail "the engine says $(cat "$WORK/answer")"
}

test_containers_of_others_are_left_alone() {
        local id

        need_runtime
        id=$(jq -n '{Image: "ds01-base", Cmd: ["sleep", "100"], HostConfig: ({Runtime: "ds01", CapAdd: ["SYS_ADMIN"], PidMode: "host"} + $more)}' \
                --argjson more "$PODMAN_LIMITS" |
                engine POST '/containers/create?name=theirs' -H 'Content-Type: application/json' -d @- | jq -r .Id)
        engine POST "/containers/$id/start" >"$WORK/answer"
        equal "$(engine GET "/containers/$id/json" | jq -r .State.Status)" running "its state (the engine says $(cat "$WORK/answer"))"
}

# The directory of an image without a mount of its own, as the engine's "vfs" storage has it.
test_a_root_that_is_no_mount() {
        local bundle=$WORK/bundle

        need_runtime
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        mkdir -p "$bundle/root"
        jq --arg root "$bundle/root" '.root.path = $root' \
                "$(find "$ROOT/exec" "$ROOT/engine" -path "*/$(container_id alice thesis)/*" -name config.json)" >"$bundle/config.json"
        printf '#!/bin/sh\ngrep " %s " /proc/self/mountinfo\n' "$bundle/root" >"$WORK/show"
        chmod 755 "$WORK/show"
        ok "$ROOT/ds01-runtime" --ds01-run="$RUN_DIR" --ds01-backend="$WORK/show" --log "$WORK/log" create --bundle "$bundle" \
                "$(container_id alice thesis)"
        expect_out 'nosuid,nodev'
        ! grep -q " $bundle/root " /proc/self/mountinfo || fail 'the mount is seen outside'
        [ ! -e "$WORK/log" ] || fail "it complains: $(cat "$WORK/log")"
}

test_a_group_comes_with_its_directory() {
        need_runtime
        # Where ids are not mapped; where they are, the map makes the group unnecessary.
        touch "$ROOT/restart"
        write_config "mounts.roots=\"~\", $ROOT/shared:plain"
        ds01d_restart
        mkdir -p "$ROOT/shared/lab"
        chown 0:$LAB_GID "$ROOT/shared/lab"
        chmod 2770 "$ROOT/shared/lab"
        ok as alice container-create thesis --cpu-only --data="$ROOT/shared/lab"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- ls /data
        grep -qE "^Groups:\s+$FIRST_UID $LAB_GID *$" "/proc/$(container_pid alice thesis)/status" ||
                fail "its groups: $(grep Groups "/proc/$(container_pid alice thesis)/status")"
        ok as alice container-create other --cpu-only
        ok as alice container-start other
        grep -qE "^Groups:\s+$FIRST_UID *$" "/proc/$(container_pid alice other)/status" || fail 'a group without a use'
}

# The person's control group has its limits again after a reboot, and those of today.
test_aggregate_limits_at_each_start() {
        local group=/sys/fs/cgroup/pids/$CGROUP_PARENT/u$FIRST_UID file=pids.max

        engine_is_podman && skip 'the group is gone only after a reboot'
        [ ! -e /sys/fs/cgroup/cgroup.controllers ] || group=${group/pids\//}
        set_limits <<'END'
defaults:
  max_containers_per_user: 20
  max_cpus: 2
  memory: 512m
  pids_limit: 256
  aggregate:
    max_tasks: 300
END
        ok as alice container-create thesis --cpu-only
        equal "$(cat "$group/$file")" 300 'the limit'
        find "$group" -depth -type d -exec rmdir {} +
        ok as alice container-start thesis
        equal "$(cat "$group/$file")" 300 'the limit after the group was gone'
}
