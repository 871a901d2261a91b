# ds01d as a service: its units, a socket that systemd has opened, and what it tells systemd.

need_systemd() {
        command -v systemd-socket-activate >/dev/null || skip "the package systemd is not installed"
}

test_units_are_valid() {
        local unit

        need_systemd
        mkdir "$WORK/units"
        cp "$HERE/../../data/ds01d.socket" "$WORK/units/"
        sed "s,@sbindir@/ds01d,$DS01D," "$HERE/../../data/ds01d.service.in" >"$WORK/units/ds01d.service"
        for unit in ds01d.socket ds01d.service; do
                SYSTEMD_UNIT_PATH="$WORK/units:" ok systemd-analyze verify --man=no "$WORK/units/$unit"
                [ -z "$ERR" ] || fail "systemd has something to say about $unit"
        done
}

# As systemd does: the socket is there before ds01d, which the first caller starts.
test_socket_activation() {
        local setting settings=()

        need_systemd
        touch "$ROOT/restart"
        ds01d_stop
        rm -f "$DS01_SOCKET"
        for setting in $(sanitizer_env 0); do
                settings+=(-E "$setting")
        done
        setsid systemd-socket-activate "${settings[@]}" -l "$DS01_SOCKET" "$DS01D" --config="$CONFIG" \
                >>"$ROOT/ds01d.log" 2>&1 &
        echo $! >"$ROOT/ds01d.pid"
        disown
        wait_until 10 test -S "$DS01_SOCKET"
        chmod 666 "$DS01_SOCKET"
        equal "$(basename "$(readlink "/proc/$(ds01d_pid)/exe")")" systemd-socket-activate "what runs before the first call"
        ok as alice container-create thesis
        equal "$(readlink "/proc/$(ds01d_pid)/exe")" "$(readlink -f "$DS01D")" "what runs after it"
        ok as alice container-start thesis
        ok as alice container-list
        expect_out 'thesis +running'
        # The socket is systemd's: who calls while ds01d is restarted waits for it.
        end_process "$(ds01d_pid)" 20
        [ -S "$DS01_SOCKET" ] || fail "ds01d has removed a socket that is not its own"
        rm -f "$DS01_SOCKET"
}

listen_for_notifications() {
        python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(s.recv(4096).decode().replace("\n", " "))' "$WORK/notify" >"$WORK/told" &
        wait_until 10 test -S "$WORK/notify"
}

told() { # told N TEXT: the Nth notification
        sed -n "$1p" "$WORK/told" | grep -qE -e "$2"
}

test_what_it_tells_systemd() {
        touch "$ROOT/restart"
        ds01d_stop
        listen_for_notifications
        ds01d_start NOTIFY_SOCKET="$WORK/notify"
        wait_until 10 told 1 '^READY=1$'
        ds01d_reload
        wait_until 10 told 2 '^RELOADING=1 MONOTONIC_USEC=[0-9]+$'
        wait_until 10 told 3 '^READY=1$'
        ds01d_stop
        wait_until 10 told 4 '^STOPPING=1$'
}

# It is ready, too, while its engine is not there yet: it says so to who calls.
test_ready_without_an_engine() {
        need_own_engine
        touch "$ROOT/restart"
        ds01d_stop
        engine_stop
        listen_for_notifications
        ds01d_launch NOTIFY_SOCKET="$WORK/notify"
        wait_until 10 told 1 '^READY=1$'
        no 6 as alice container-list
        expect_err "engine doesn't answer"
        engine_start
        wait_until 20 daemon_ready
}
