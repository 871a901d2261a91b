# A person's own machine: no ds01d runs for everybody, an engine's socket is open to the person, and
# the first command starts a ds01d of the person's own.

# As alice, where neither this machine's ds01d nor its configuration can be seen. The programs are
# copies: what starts a ds01d of its own must be able to execute it.
private_machine() {
        need_own_engine
        mkdir -p "$WORK/lib"
        cp "$DS01D" "$NVML" "$WORK/lib/"
        sed "s,nvml_library: .*,nvml_library: $WORK/lib/$(basename "$NVML")," "$CONFIG" >"$WORK/lib/ds01.yaml"
        printf '#!/bin/sh\nexec %s --config=%s "$@"\n' "$WORK/lib/ds01d" "$WORK/lib/ds01.yaml" >"$WORK/lib/start"
        chmod -R a+rX "$WORK/lib"
        chmod 755 "$WORK/lib/start"
        install -d -o $FIRST_UID -g $FIRST_UID -m 700 "$WORK/runtime"
        chgrp $FIRST_UID "$ENGINE_SOCKET"
        chmod 660 "$ENGINE_SOCKET"
        cat >"$WORK/private" <<END
#!/bin/bash
for dir in /run/ds01 /etc/ds01; do
        [ ! -d \$dir ] || mount -t tmpfs tmpfs \$dir
done
exec "$ROOT/as" alice env -u DS01_SOCKET XDG_RUNTIME_DIR="$WORK/runtime" DS01D="$WORK/lib/start" "\$@"
END
        chmod 755 "$WORK/private"
        trap 'end_private; end_of_test' EXIT
}

private() {
        unshare --mount --propagation slave "$WORK/private" DOCKER_HOST="unix://$ENGINE_SOCKET" "$@"
}

private_pids() {
        pgrep -u $FIRST_UID -f "$WORK/lib/ds01d" || true
}

stop_private() {
        local pid

        for pid in $(private_pids); do
                end_process "$pid"
        done
}

end_private() {
        local code=$?

        stop_private
        chgrp 0 "$ENGINE_SOCKET" || true
        return $code
}

test_whole_life_without_a_daemon_for_all() {
        private_machine
        ok private container-list
        equal "$(private_pids | wc -l)" 1 "daemons"
        ok private container-create mine --gpu=2
        expect_out 'GPU-0.*GPU-1'
        ok private container-start mine
        ok private container-list
        expect_out 'mine +running'
        ok private container-attach mine -- sh -c 'id -u; echo kept >/workspace/result'
        expect_out "^$FIRST_UID\$"
        equal "$(stat -c %u "$ROOT/home/alice/workspace/result")" $FIRST_UID "the owner of what it wrote"
        ok private container-stats mine
        expect_out '^mine '
        ok private check-limits
        ok private container-pause mine
        ok private container-unpause mine
        ok private container-stop mine
        expect_out 'held'
        # The daemon goes and comes back: nothing is lost.
        stop_private
        ok private container-list --all
        expect_out 'mine +stopped'
        ok private container-start mine
        ok private container-remove mine --stop
        ok private container-list --all --format=json
        equal "$(jq length <<<"$OUT")" 0 "containers"
        equal "$(engine_containers | wc -l)" 0 "containers in the engine"
        equal "$(private_pids | wc -l)" 1 "daemons"
}

# The archive can be sent once only, so the daemon that the command starts must be up by then.
test_first_command_builds_an_image() {
        private_machine
        as alice mkdir "$ROOT/home/alice/workspace/thesis"
        printf 'FROM ds01-base\nRUN echo made >/made\n' |
                as alice tee "$ROOT/home/alice/workspace/thesis/Dockerfile" >/dev/null
        ok private image-create thesis
        expect_out "ds01-$FIRST_UID/thesis:latest"
        ok private image-list
        expect_out "^ds01-$FIRST_UID/thesis +latest "
        ok private image-delete thesis --with-dockerfile
        ok private image-list --format=json
        equal "$(jq length <<<"$OUT")" 0 images
}

test_private_daemon_is_the_persons_own() {
        private_machine
        ok private container-create mine --cpu-only
        equal "$(stat -c '%u %a' "$WORK/runtime/ds01")" "$FIRST_UID 700" "owner and mode of its directory"
        equal "$(ps -o uid= -p "$(private_pids)" | tr -d ' ')" $FIRST_UID "whose process it is"
        # Nobody else gets in, root included: who calls is asked of the kernel.
        equal "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$WORK/runtime/ds01/ds01.sock" \
                http://ds01/v1/containers)" 403 "root's answer"
        # And it serves nobody's containers but those it has made.
        ok as alice container-list --all --format=json
        equal "$(jq length <<<"$OUT")" 0 "what the machine's own ds01d shows"
        ok private container-remove mine
}

test_many_first_commands_start_one_daemon() {
        local pids=() pid i

        private_machine
        for i in 1 2 3 4 5 6; do
                private container-list >"$WORK/list.$i" 2>&1 &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do
                wait "$pid" || fail "one of the first commands failed: $(cat "$WORK"/list.*)"
        done
        equal "$(private_pids | wc -l)" 1 "daemons"
}

test_no_engine_no_private_daemon() {
        private_machine
        no 6 unshare --mount --propagation slave "$WORK/private" DOCKER_HOST="unix://$WORK/none" container-list
        expect_err 'ds01d is not running'
        equal "$(private_pids | wc -l)" 0 "daemons"
}
