# Attacks on the socket: what one local user can send to get at somebody else's, be somebody else, or keep
# others waiting. Each looks at what has become of it, not only at the answer.

# raw USER: sends the bytes of standard input, then the end; what comes back is in $WORK/answer.
raw() {
        as "$1" /usr/bin/python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
    s.shutdown(socket.SHUT_WR)
    while piece := s.recv(65536):
        sys.stdout.buffer.write(piece)
except (BrokenPipeError, ConnectionResetError):
    pass' "$DS01_SOCKET" >"$WORK/answer"
}

answers() { # how many there are
        grep -ac '^HTTP/1\.1 [2-5]' "$WORK/answer" || true
}

logged() { # lines of ds01d's log about requests
        grep -ac 'event=request' "$ROOT/ds01d.log" || true
}

test_smuggled_requests() {
        local hidden='DELETE /v1/containers/hers?stop=true HTTP/1.1\r\nHost: d\r\n\r\n' head
        local post='POST /v1/containers HTTP/1.1\r\n'

        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        # A front that reads a request's end elsewhere would have let the second one through. Each is
        # refused, the connection closed, and the one behind it is not looked at.
        for head in \
                "${post}Host: d\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" \
                "${post}Host: d\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n" \
                "${post}Host: d\r\nContent-Length: +0\r\n\r\n" \
                "${post}Host: d\r\nContent-Length: 0x0\r\n\r\n" \
                "${post}Host: d\r\nContent-Length: 18446744073709551616\r\n\r\n" \
                "${post}Host: d\r\nX: a\r\n Content-Length: 4\r\n\r\n" \
                "${post}Host: d\nContent-Length: 0\r\n\r\n" \
                "${post}Host: d\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n" \
                "${post}Host: d\r\nHost: e\r\nContent-Length: 0\r\n\r\n" \
                "${post}Content-Length: 0\r\n\r\n" \
                "${post}Host: d\r\nX: \x00\r\nContent-Length: 0\r\n\r\n" \
                'GET /v1/limits HTTP/1.1\r\nHost: d\r\nContent-Length: 60\r\n\r\n' \
                'GET /v1/limits HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n' \
                'GET /v1/limits HTTP/0.9\r\nHost: d\r\n\r\n' \
                'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' \
                'GET http://d/v1/limits HTTP/1.1\r\nHost: d\r\n\r\n'; do
                printf "$head$hidden" | raw alice
                RUN_COMMAND=$head
                grep -aqE '^HTTP/1\.1 (4|5)' "$WORK/answer" || fail 'it is not refused'
                equal "$(answers)" 1 'number of answers'
        done
        expect_state alice hers running
        daemon_ready || fail 'ds01d does not answer any more'
}

test_what_follows_is_judged_by_itself() {
        ok as bob container-create his --cpu-only
        ok as bob container-start his
        # Behind an upgrade that does not come about.
        printf '%s\r\n' 'POST /v1/containers/none/exec HTTP/1.1' 'Host: d' 'Connection: Upgrade' 'Upgrade: ds01-stream' \
                'Content-Type: application/json' 'Content-Length: 2' '' '{}DELETE /v1/containers/his?stop=true HTTP/1.1' \
                'Host: d' '' | raw alice
        grep -aq '^HTTP/1.1 404' "$WORK/answer" || fail 'no 404'
        ! grep -aqE '^HTTP/1.1 (1|2)' "$WORK/answer" || fail "something was done: $(cat "$WORK/answer")"
        expect_state bob his running
        # Behind one that does, it is input of a program.
        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        printf '%s\r\n' 'POST /v1/containers/hers/exec HTTP/1.1' 'Host: d' 'Connection: Upgrade' 'Upgrade: ds01-stream' \
                'Content-Type: application/json' 'Content-Length: 35' '' \
                '{"command": ["sh"],"tty": false   }DELETE /v1/containers/hers?stop=true HTTP/1.1' 'Host: d' '' | raw alice
        expect_state alice hers running
}

test_headers_that_claim_to_be_somebody() {
        local header

        ok as bob container-create his --cpu-only
        ok as alice container-create hers --cpu-only
        for header in 'X-Forwarded-User: root' "X-Remote-User: $(login bob)" 'X-HTTP-Method-Override: DELETE' \
                'Authorization: Basic cm9vdDo=' 'X-Registry-Auth: e30=' "X-Ds01-Uid: $((FIRST_UID + 1))" 'Forwarded: for=root'; do
                api alice GET '/containers?all=true' '' -H "$header"
                expect_json '[.[].name] | join(",")' hers
                api alice GET /containers/his '' -H "$header"
                equal "$API_STATUS" 404 "status with $header"
        done
        for query in uid=0 all=true\&all=true; do
                api alice GET "/containers?$query"
                case $API_STATUS in 400 | 403) ;; *) fail "status $API_STATUS with ?$query" ;; esac
        done
        # A parameter for administrators, who have a socket of their own.
        for query in user=root "user=$(login bob)"; do
                api alice GET "/containers?$query"
                equal "$API_STATUS" 403 "status with ?$query"
        done
        expect_state alice hers created
        expect_state bob his created
}

# Keys of the engine's own API, in bodies of ours: none gets through, under no spelling.
test_keys_of_the_engine() {
        local body

        for body in '"Privileged": true' '"HostConfig": {"Privileged": true}' '"HostConfig": {}, "HostConfig": {"Binds": ["/:/h"]}' \
                '"Ho\u017ftConfig": {}' '"workspace": "~", "wor\u212aspace": "/etc"' '"workspace": "~", "Workspace": "/etc"' \
                '"Binds": ["/etc:/x"]' '"Mounts": []' '"CapAdd": ["ALL"]' '"Devices": []' '"DeviceRequests": [{"Count": -1}]' \
                '"PidMode": "host"' '"NetworkMode": "host"' '"CgroupParent": "/"' '"Runtime": "/tmp/x"' '"User": "0"' \
                '"Env": ["NVIDIA_VISIBLE_DEVICES=all"]' '"Labels": {"ds01.uid": "0"}' '"Annotations": {}' '"Tmpfs": {"/x": "dev,suid"}' \
                '"OomScoreAdj": -1000' '"RestartPolicy": {"Name": "always"}' '"uid": 0' '"gpus": -1' '"gpus": 1e1' \
                '"gpus": 9223372036854775808' '"gpus": 99999' '"workspace": "/home\u0000/../etc"' '"workspace": "/proc/self/root/etc"'; do
                api alice POST /containers "{\"name\": \"evil\", $body}"
                case $API_STATUS in 4??) ;; *) fail "status $API_STATUS" ;; esac
        done
        for body in '{"name": "evil"} {"HostConfig": {}}' $'\xef\xbb\xbf{"name": "evil"}' '{"name": "evil", "image": "\ud800"}' \
                "$(printf '[%.0s' {1..2000})" '{"name": "evil",}' "{'name': 'evil'}" '{"name": "evil" /* */}' '{"name": "evil", "gpus": NaN}'; do
                api alice POST /containers "$body"
                equal "$API_STATUS" 400 status
        done
        for body in '{"Privileged": true}' '{"User": "0", "command": ["id"]}' '{"command": ["id"], "privileged": true}'; do
                api alice POST /containers/none/exec "$body" -H 'Connection: Upgrade' -H 'Upgrade: ds01-stream'
                case $API_STATUS in 400 | 404) ;; *) fail "status $API_STATUS" ;; esac
        done
        api alice POST /containers '' -H 'Content-Type: application/x-www-form-urlencoded' -d 'name=evil'
        case $API_STATUS in 400 | 415) ;; *) fail "status $API_STATUS for a form" ;; esac
        equal "$(engine_containers | wc -l)" 0 'containers in the engine'
        expect_invariants
}

# The engine's own routes do not exist here.
test_routes_of_the_engine() {
        local path

        for path in /_ping /info /v1.41/containers/json /containers/json /images/json /libpod/containers/json /v4.0.0/libpod/info \
                /v1.41/containers/create /system/df /volumes /networks /session /build /events /auth /swarm /plugins \
                /grpc /v1/../v1/limits /v1//limits /v1/limits/ /V1/limits /v1/%6cimits%00; do
                OUT=$(as alice curl -sS -o /dev/null -w '%{http_code}' --path-as-is --max-time 30 --unix-socket "$DS01_SOCKET" "http://d$path")
                case $OUT in 400 | 404 | 405) ;; *) fail "status $OUT for $path" ;; esac
        done
}

# bob's request while alice does her worst must not take longer than people notice.
test_floods() {
        local before after flood i began descriptors

        ok as bob container-create his --cpu-only
        descriptors=$(ls "/proc/$(ds01d_pid)/fd" | wc -l)
        before=$(awk '/^VmRSS/ { print $2 }' "/proc/$(ds01d_pid)/status")
        as alice timeout 60 /usr/bin/python3 -c '
import array, os, socket, sys, threading, time
path = sys.argv[1]
end = time.time() + float(sys.argv[2])

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(path)
    return s

def silent():      # connections that say nothing, or a byte at a time
    held = []
    while time.time() < end:
        try:
            if len(held) < 100:
                held.append(connect())
            for s in held:
                s.send(b"G")
        except OSError:
            held = held[1:]
        time.sleep(0.05)

def fast():        # requests without a pause, whose answers nobody reads
    while time.time() < end:
        try:
            s = connect()
            s.sendall(b"GET /v1/gpus HTTP/1.1\r\nHost: d\r\n\r\n" * 200)
            time.sleep(0.05)
        except OSError:
            pass

def large():       # heads and bodies that do not end
    while time.time() < end:
        try:
            s = connect()
            s.sendall(b"POST /v1/containers HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            for i in range(64):
                s.sendall(b"10000\r\n" + b"{" * 0x10000 + b"\r\n")
        except OSError:
            pass
        try:
            s = connect()
            s.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000)
        except OSError:
            pass
        time.sleep(0.02)

def descriptors(): # that come along with the bytes
    fds = array.array("i", [os.open("/dev/null", os.O_RDONLY) for i in range(200)])
    while time.time() < end:
        try:
            s = connect()
            for c in b"GET /v1/limits HT":
                s.sendmsg([bytes([c])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        except OSError:
            pass
        time.sleep(0.05)

threads = [threading.Thread(target=f) for f in (silent, fast, fast, large, descriptors)]
for t in threads: t.start()
for t in threads: t.join()' "$DS01_SOCKET" "${FLOOD_S:-4}" >"$WORK/flood.out" 2>&1 &
        flood=$!
        sleep 1
        for i in 1 2 3; do
                began=${EPOCHREALTIME/./}
                api bob GET /containers/his
                equal "$API_STATUS" 200 "bob's status"
                [ $((${EPOCHREALTIME/./} - began)) -lt 5000000 ] || fail 'bob had to wait'
                after=$(ls "/proc/$(ds01d_pid)/fd" | wc -l)
                [ "$after" -lt $((descriptors + 150)) ] || fail "ds01d has $after descriptors"
        done
        wait $flood || fail "the flood ended with $?: $(tail -3 "$WORK/flood.out")"
        after=$(awk '/^VmRSS/ { print $2 }' "/proc/$(ds01d_pid)/status")
        # A sanitizer keeps what was freed for a while (256 MiB of it).
        [ "$after" -lt $((before + 512 * 1024)) ] || fail "ds01d has grown from $before to $after KiB"
        few_descriptors() { [ "$(ls "/proc/$(ds01d_pid)/fd" | wc -l)" -le $((descriptors + 8)) ]; }
        wait_until 60 few_descriptors
        ok as bob container-start his
}

# One request, one line, and no byte in it that a terminal would obey.
test_log_injection() {
        local before lines esc='%1b%5d0;owned%07'

        before=$(wc -l <"$ROOT/ds01d.log")
        lines=$(logged)
        for path in "/containers/x%0aevent=request" "/containers/x%0d%0aevent=request" "/containers/$esc" "/containers?all=$esc" \
                '/containers?all=%c2%9b31m' '/containers?%c2%9b31m=x' '/containers?all=%e2%80%ae' "/containers/$(printf 'x%.0s' {1..3000})"; do
                api alice GET "$path" '' -H $'User-Agent: x\x1b[31m' -H $'X-Note: \xc2\x9b31m'
                case $API_STATUS in 4??) ;; *) fail "status $API_STATUS" ;; esac
        done
        for name in 'x\nevent=request uid=0' 'x\u001b]0;owned\u0007' 'x\u009b31m' 'x\u202eevil' '\r\nlevel=error'; do
                api alice POST /containers "{\"name\": \"$name\"}"
                equal "$API_STATUS" 400 status
                api alice POST /containers "{\"name\": \"fine\", \"image\": \"$name\"}"
                equal "$API_STATUS" 400 status
                api alice POST /containers "{\"name\": \"fine\", \"workspace\": \"/$name\"}"
                case $API_STATUS in 4??) ;; *) fail "status $API_STATUS" ;; esac
        done
        tail -n +$((before + 1)) "$ROOT/ds01d.log" >"$WORK/log"
        [ "$(logged)" -le $((lines + 8 + 15)) ] || fail 'a request has made two lines'
        ! grep -avE '^time=[^ ]+ level=[a-z]+ event=' "$WORK/log" || fail 'a line is not one of ds01d'
        ! LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$WORK/log" ||
                fail 'bytes that a terminal would obey'
}

# Where people have control groups of their own (systemd's Delegate=), one can be called as a container is.
test_a_control_group_called_like_a_container() {
        local tree group id

        ok as bob container-create his --cpu-only
        ok as bob container-start his
        id=$(engine_inspect bob his .Id)
        for tree in /sys/fs/cgroup/pids /sys/fs/cgroup; do
                [ ! -w "$tree/cgroup.procs" ] || break
        done
        group=$tree/$CGROUP_PARENT-people/$id
        mkdir -p "$group"
        chown -R $FIRST_UID "$(dirname "$group")"
        as alice sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" \
                curl -s --max-time 20 --unix-socket "$DS01_SOCKET" 'http://ds01/v1/containers?all=true' >"$WORK/answer" ||
                skip 'processes of hers cannot be put into it'
        rmdir "$group" "$(dirname "$group")"
        equal "$(cat "$WORK/answer")" '[]' "what alice sees, who says that she is in bob's container"
}
