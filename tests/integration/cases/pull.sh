# Images that are not on the machine: a registry of our own, on the loopback of the engine's network
# namespace, which engines accept without TLS.

REGISTRY=127.0.0.1:5000
TOOL=$REGISTRY/lab/tool:1.0

in_engine_network() {
        nsenter --target "$(engine_pid)" --net "$@"
}

registry_answers() {
        in_engine_network curl -sf --max-time 5 -o /dev/null "http://$REGISTRY/v2/"
}

# registry MEGABYTES: a registry that has lab/tool:1.0, of that size; the engine has it no more.
registry() {
        need_own_engine
        command -v docker-registry >/dev/null || skip "docker-registry is not installed"
        in_engine_network ip link set lo up
        normal_network
        cat >"$WORK/registry.yml" <<END
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $WORK/registry } }
http: { addr: "$REGISTRY" }
END
        # Not by the function: the job shall be the registry itself.
        nsenter --target "$(engine_pid)" --net docker-registry serve "$WORK/registry.yml" \
                >"$WORK/registry.log" 2>&1 &
        REGISTRY_PID=$!
        wait_until 15 registry_answers
        mkdir "$WORK/tool"
        head -c "${1}M" /dev/urandom >"$WORK/tool/data"
        # podman imports as "latest" whatever it is told.
        (ROOT=$WORK && mv "$WORK/tool" "$WORK/image" && import_image "${TOOL%:*}:latest")
        engine POST "/images/${TOOL%:*}:latest/tag?repo=${TOOL%:*}&tag=${TOOL##*:}"
        engine DELETE "/images/${TOOL%:*}:latest" >/dev/null
        engine POST "/images/${TOOL%:*}/push?tag=${TOOL##*:}" -H "X-Registry-Auth: e30=" >"$WORK/push.log"
        ! grep '"error"\|"cause"' "$WORK/push.log" || fail "the push failed"
        forget_tool
        write_config images.registries="$REGISTRY"
        ds01d_restart
}

# 10 Mbit/s for whatever goes through the loopback of the engine's network.
slow_network() {
        in_engine_network tc qdisc add dev lo root tbf rate 10mbit burst 256kb latency 400ms ||
                skip "the kernel has no traffic shaping (tbf)"
}

normal_network() {
        in_engine_network tc qdisc del dev lo root 2>/dev/null || true
}

forget_tool() {
        engine DELETE "/images/$TOOL?force=1" >/dev/null
}

has_tool() {
        [ "$(engine GET "/images/$TOOL/json" -o /dev/null -w '%{http_code}')" = 200 ]
}

test_create_pulls() {
        registry 3
        ok as alice container-create thesis --image="$TOOL"
        expect_err "Pulling $TOOL"
        # Without a terminal, a line a step and nothing that moves.
        expect_err '(Pull|Download) complete'
        ! grep -q $'[\r\033]' <<<"$ERR" || fail "control characters without a terminal"
        expect_out "Image +$TOOL"
        expect_no_out 'Pull'
        expect_state alice thesis created
        # The second time it is there.
        ok as bob container-create thesis --image="$TOOL"
        [ -z "$ERR" ] || fail "it was pulled again"
        ok as alice container-remove thesis
        ok as bob container-remove thesis
        forget_tool
        ok as alice container-create thesis --image="$TOOL" --format=json
        expect_json .container.image "$TOOL"
        forget_tool
}

test_dry_run_does_not_pull() {
        registry 1
        no 4 as alice container-create thesis --image="$TOOL" --dry-run
        expect_err 'not on this machine yet'
        expect_err "can be pulled from $REGISTRY"
        ! has_tool || fail "it was pulled"
}

test_progress_on_a_terminal() {
        registry 3
        slow_network
        terminal 100x30 container-create thesis --image="$TOOL"
        see ' of [0-9.]+[KM]?B' 20
        # It moves on in its place: one line a layer.
        equal "$(screen | grep -c ' of ')" 1 "lines of the layer"
        normal_network
        see "^Created container 'thesis'" 30
        ended 0
        forget_tool
}

test_what_the_registry_has_not() {
        registry 1
        no 4 as alice container-create thesis --image="$REGISTRY/lab/tool:9.9"
        expect_err "$REGISTRY/lab/tool:9.9"
        expect_err "no image named '$REGISTRY/lab/tool:9.9' at $REGISTRY"
        no 4 as alice container-create thesis --image="$REGISTRY/lab/nothing"
        expect_err "$REGISTRY/lab/nothing"
        equal "$(engine_containers | wc -l)" 0 containers
        gpu_is GPU-0 free || fail "a GPU is held"
}

test_registry_that_is_not_allowed() {
        registry 1
        write_config images.registries=registry.example
        ds01d_restart
        no 4 as alice container-create thesis --image="$TOOL"
        expect_err "$REGISTRY"
        expect_err 'image-list|registry.example'
        ! has_tool || fail "it was pulled"
}

test_registry_that_is_away() {
        registry 1
        end_process $REGISTRY_PID
        no 1 as alice container-create thesis --image="$TOOL"
        expect_err "the registry $REGISTRY can't be reached"
        equal "$(engine_containers | wc -l)" 0 containers
}

# Ctrl-C in the middle: the client ends at once, the engine stops pulling, and nothing is left.
test_interrupted_pull() {
        registry 6
        slow_network
        spawn create alice container-create thesis --image="$TOOL"
        wait_until 15 grep -q ': Downloading' "$WORK/create.err"
        kill -INT "$(pgrep -P $SPAWNED || echo $SPAWNED)"
        join create $SPAWNED
        equal "$RC" 130 "the exit code"
        normal_network
        wait_until 10 grep -q 'images/pull.*status=' "$ROOT/ds01d.log"
        sleep 1
        # podman pulls on, for whoever asks next.
        engine_is_podman || ! has_tool || fail "the pull went on"
        equal "$(engine_containers | wc -l)" 0 containers
        gpu_is GPU-0 free || fail "a GPU is held"
        ok as alice container-create thesis --image="$TOOL"
        forget_tool
}
