# A running container whose control group has come to deny its GPU: noticed, mended where that can be, told.

# The group of the container thesis in the devices tree of cgroup v1; skips where it can't be changed from outside.
device_group() {
        local pid

        [ -d /sys/fs/cgroup/devices ] || skip 'with cgroup v2 the rules for devices are no file that a test could change'
        ok as alice container-create thesis --gpu=1
        ok as alice container-start thesis
        equal "$(gpus_of alice thesis)" GPU-0 'the device'
        pid=$(engine_inspect alice thesis .State.Pid)
        group=/sys/fs/cgroup/devices$(sed -n 's/^[0-9]*:devices://p' "/proc/$pid/cgroup")
        [ -w "$group/devices.allow" ] || skip 'the rules for devices cannot be changed'
        # There is no driver: a device that may be opened answers that it is not there. Theirs are 0 and the common one.
        for minor in 0 1 255; do
                nsenter -t "$pid" -m rm -f "/dev/nvidia${minor/255/ctl}" # with CDI a stand-in is there
                nsenter -t "$pid" -m mknod -m 666 "/dev/nvidia${minor/255/ctl}" c 195 "$minor" || skip 'no device nodes can be made here'
        done
}

# What opening /dev/NAME in the container comes to.
device_says() { # NAME TEXT
        as alice container-attach thesis -- sh -c ": <>/dev/$1" 2>&1 | grep -q "$2"
}

test_a_lost_gpu_is_given_back() {
        local group='' id

        device_group
        # As NVIDIA's hook would have let them in, and a daemon-reload takes them away.
        wait_until 30 device_says nvidia0 'No such device or address'
        device_says nvidiactl 'No such device or address' || fail 'the common device is still denied'
        device_says nvidia1 'Operation not permitted' || fail "somebody else's GPU was let in"
        echo 'c 195:* rwm' >"$group/devices.deny"
        echo 'c 195:0 rw' >"$group/devices.deny"
        device_says nvidia0 'Operation not permitted' || fail 'it was not taken away'
        as alice container-list >/dev/null 2>&1 # what there was to say until now
        wait_until 30 device_says nvidia0 'No such device or address'
        ok as alice container-list
        expect_err "'thesis' had lost its GPU \(nvidia"
        expect_out 'thesis +running +'
        grep -q 'event=gpu-loss .*container=thesis devices="\?nvidia.* action=mended' "$ROOT/ds01d.log" || fail 'it is not in the log'
        grep -q '"event":"warning".*had lost its GPU' "$LOG/events.jsonl" || fail 'it is not among the events'
        ! grep -q ' 195:1 \| 195:\* ' "$group/devices.list" || fail "more was let in: $(cat "$group/devices.list")"
}

test_a_loss_that_cannot_be_mended_is_told() {
        local group='' above

        device_group
        wait_until 30 device_says nvidia0 'No such device or address'
        as alice container-list >/dev/null 2>&1 # what there was to say until now
        # What the group above denies no group below can allow.
        above=$(dirname "$group")
        echo 'c 195:0 rw' >"$above/devices.deny"
        device_says nvidia0 'Operation not permitted' || fail 'it was not taken away'
        wait_until 30 lost_is true
        ok as alice container-list
        expect_out '^thesis +running \(GPU lost\) '
        expect_err "'thesis' has lost its GPU \(nvidia0\), .*container-stop thesis, then container-start thesis"
        grep -q 'event=gpu-loss .*devices=nvidia0 action=told' "$ROOT/ds01d.log" || fail 'it is not in the log'
        nsenter -t "$(engine_inspect alice thesis .State.Pid)" -m rm /dev/nvidia1 # no lease gave it
        run env DS01D="$DS01D" $(sanitizer_env 0) "$ROOT/ds01" doctor --config="$CONFIG" --format=json
        expect_json '[.findings[] | select(.rule == "gpu-lost") | .finding] | join(" ")' 'it may not use nvidia0 any more'
        # It is as before when the cause is gone, and nobody is told of anything twice.
        echo 'c 195:0 rw' >"$above/devices.allow"
        wait_until 30 lost_is false
        device_says nvidia0 'No such device or address' || fail 'it is still denied'
        ok as alice container-list
        expect_out '^thesis +running +ds01-base'
        expect_err "'thesis' had lost its GPU"
        ok as alice container-list
        equal "$ERR" '' 'what is said a second time'
}

lost_is() { # VALUE; unlike a command this takes no notice along
        api alice GET /containers/thesis
        [ "$(jq .gpus_lost <<<"$OUT")" = "$1" ]
}
