# The gate: who counts as whom, what one person can use up, and what ds01d itself may do.
# timeout: 240

# status_as METHOD PATH [BODY]: by root; the status, and the answer in $WORK/answer.
status_of_root() { # status_of_root SOCKET METHOD PATH [BODY]
        curl -s --max-time 60 -o "$WORK/answer" -w '%{http_code}' --unix-socket "$1" -X "$2" \
                ${4:+-H 'Content-Type: application/json' -d "$4"} "http://ds01/v1$3"
}

test_root_is_nobody_special_on_the_public_socket() {
        ok as alice container-create hers
        equal "$(status_of_root "$DS01_SOCKET" GET '/containers?all=true')" 200 status
        equal "$(cat "$WORK/answer")" '[]' "what root has"
        equal "$(status_of_root "$DS01_SOCKET" GET /containers/hers)" 404 "status of another's"
        equal "$(status_of_root "$DS01_SOCKET" DELETE /containers/hers)" 403 "status of removing it"
        equal "$(status_of_root "$DS01_SOCKET" DELETE "/containers/hers?user=$(login alice)")" 403 "status of acting for her"
        equal "$(jq -r .error.code "$WORK/answer")" caller_not_allowed code
        equal "$(status_of_root "$DS01_SOCKET" GET /fsck)" 403 "status of fsck"
        api bob GET "/containers?user=$(login alice)"
        equal "$API_STATUS" 403 "status for bob who says that he is alice"
        no 5 as bob container-list --user="$(login alice)"
        expect_err 'only an administrator'
        expect_err 'as root, without DS01_SOCKET'
        expect_state alice hers created
}

test_administrators_have_a_socket_of_their_own() {
        equal "$(stat -c %U:%a "$ADMIN_SOCKET")" root:600 "owner and mode"
        no 6 as alice DS01_SOCKET="$ADMIN_SOCKET" container-list
        ok as alice container-create hers --cpu-only
        ok as bob container-create his --cpu-only
        ok admin container-list --all
        expect_out '^USER +NAME'
        expect_out "^$(login alice) +hers +created"
        expect_out "^$(login bob) +his +created"
        ok admin container-list --all --user="$(login bob)"
        expect_out '^his '
        expect_no_out hers
        # As her, with her limits and her rights, and not as root.
        ok admin container-start hers --user="$(login alice)"
        ok admin container-attach hers --user="$(login alice)" -- id -u
        equal "$OUT" $FIRST_UID "who one is in there"
        grep -q "uid=0 user=$(login alice) .*admin=yes .*target=\"\?/v1/containers/hers/start" "$ROOT/ds01d.log" || fail "the log does not say who did it"
        no 5 admin container-create roots
        expect_err '\-\-user=NAME'
        no 4 admin container-list --user=nobody-of-that-name
        no 5 admin container-create roots --user=root
        ok admin container-remove hers --stop --user="$(login alice)"
        expect_state alice hers ""
}

# in_container CONTAINER-PID COMMAND...: as root, in the container's control groups.
in_container() {
        local pid=$1 group

        shift
        (
                while IFS=: read -r _ controllers path; do
                        group=/sys/fs/cgroup/$controllers
                        [ -d "$group$path" ] || group=/sys/fs/cgroup/${controllers#name=}
                        [ ! -w "$group$path/cgroup.procs" ] || echo "$BASHPID" >"$group$path/cgroup.procs" || exit 98
                done <"/proc/$pid/cgroup"
                exec "$@"
        )
}

test_inside_a_container_one_is_its_owner() {
        local pid

        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        ok as bob container-create his --cpu-only
        pid=$(engine_inspect alice hers .State.Pid)
        # Root in there, as an administrator's exec would be: not root here, and an administrator least of all.
        in_container "$pid" curl -s --max-time 20 --unix-socket "$DS01_SOCKET" http://ds01/v1/limits >"$WORK/answer"
        equal "$(jq -r .user "$WORK/answer")" "$(login alice)" "whom root counts as"
        in_container "$pid" curl -s --max-time 20 --unix-socket "$DS01_SOCKET" 'http://ds01/v1/containers?all=true' >"$WORK/answer"
        equal "$(jq -r '[.[].name] | join(" ")' "$WORK/answer")" hers "what root sees"
        # Another uid gets the owner's things and not its own.
        in_container "$pid" setpriv --reuid=$((FIRST_UID + 1)) --regid=$((FIRST_UID + 1)) --clear-groups \
                curl -s --max-time 20 --unix-socket "$DS01_SOCKET" 'http://ds01/v1/containers?all=true' >"$WORK/answer"
        equal "$(jq -r '[.[].name] | join(" ")' "$WORK/answer")" hers "what bob's uid sees"
        in_container "$pid" curl -s --max-time 20 -o "$WORK/answer" -w '%{http_code}' --unix-socket "$ADMIN_SOCKET" \
                http://ds01/v1/containers >"$WORK/status" || true
        equal "$(cat "$WORK/status")" 403 "status on the administrators' socket"
        equal "$(jq -r .error.code "$WORK/answer")" caller_not_allowed code
}

test_other_namespaces_do_not_administer() {
        local status

        # Root of a user namespace that is root's own, and of another pid namespace.
        for space in --user --pid; do
                status=$(unshare $space --fork ${space/--user/--map-root-user} curl -s --max-time 20 -o /dev/null -w '%{http_code}' \
                        --unix-socket "$ADMIN_SOCKET" http://ds01/v1/containers 2>/dev/null) || true
                equal "$status" 403 "status in a namespace of its own ($space)"
        done
        equal "$(status_of_root "$ADMIN_SOCKET" GET /containers)" 200 "status without"
}

# hold USER N WHAT: N connections that send WHAT and then nothing.
hold() {
        cat >"$WORK/hold.py" <<'END'
import socket, sys, time
held = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    try:
        s.connect(sys.argv[1])
        s.sendall(sys.argv[3].encode().decode("unicode_escape").encode())
        held.append(s)
    except OSError:
        break
print(len(held), flush=True)
time.sleep(60)
END
        chmod 644 "$WORK/hold.py"
        spawn "hold-$1" "$1" python3 "$WORK/hold.py" "$DS01_SOCKET" "$2" "$3"
        wait_until 20 test -s "$WORK/hold-$1.out"
}

milliseconds() { # milliseconds COMMAND...: how long it took
        local began=${EPOCHREALTIME/./}

        "$@" >/dev/null
        echo $(((${EPOCHREALTIME/./} - began) / 1000))
}

ds01d_threads() {
        ls "/proc/$(ds01d_pid)/task" | wc -l
}

test_one_person_cannot_use_it_up() {
        local before threads

        before=$(ds01d_threads)
        hold bob 300 'GET /v1/contain'
        threads=$(ds01d_threads)
        [ "$threads" -le $((before + 66)) ] || fail "bob has $((threads - before)) threads"
        no 1 as bob container-list
        expect_err 'you have 64 connections to ds01d open; 64 is the most'
        [ "$(milliseconds as alice container-list)" -lt 3000 ] || fail "alice waits for bob"
        ok as alice container-create hers --cpu-only
        # Who says nothing for ten seconds is shown out.
        wait_until 30 as bob container-list
}

test_one_person_cannot_slow_others() {
        local pids= i took

        # As fast as eight processes can.
        for i in {1..8}; do
                spawn "flood$i" bob sh -c 'while :; do curl -s --max-time 5 -o /dev/null --unix-socket "$DS01_SOCKET" http://ds01/v1/containers http://ds01/v1/limits http://ds01/v1/gpus; done'
                pids="$pids $SPAWNED"
        done
        wait_until 10 grep -q "user=$(login bob) .*target=/v1/gpus" "$ROOT/ds01d.log"
        for i in {1..5}; do
                took=$(milliseconds as alice container-list)
                [ "$took" -lt 5000 ] || fail "alice waited for $took ms"
        done
        kill $pids
}

test_requests_wait_for_their_turn() {
        local i pids=

        need_own_engine
        # More at the same time than are carried out at the same time: none is lost.
        engine_freeze
        for i in {1..20}; do
                spawn "make$i" bob container-create "c$i" --cpu-only
                pids="$pids $SPAWNED"
        done
        sleep 1
        ok as alice container-list --all
        engine_thaw
        i=0
        for pid in $pids; do
                i=$((i + 1))
                join "make$i" "$pid"
                equal "$RC" 0 "exit code of number $i"
        done
}

# What ds01d holds for somebody who doesn't read is counted for as long as it is held.
test_an_answer_that_is_not_read_keeps_its_place() {
        local i=0

        ok as alice container-create hers --cpu-only
        wait_until 10 test -s "$STATE/history.db"
        /usr/bin/python3 - "$STATE/history.db" "$(login alice)" $FIRST_UID <<'END'
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=20)
now = int(time.time() * 1e6)
db.executemany("INSERT INTO event(at_us, kind, uid, user, container, project, gpus, code, why) VALUES(?, 'refusal', ?, ?, 'x', '', '', '', ?)",
               [(now - i, int(sys.argv[3]), sys.argv[2], "y" * 200) for i in range(9000)])
db.commit()
END
        hold alice 16 'GET /v1/history?events=true HTTP/1.1\r\nHost: d\r\n\r\n'
        while run as alice curl -s --max-time 2 -o /dev/null --unix-socket "$DS01_SOCKET" http://ds01/v1/limits; [ "$RC" = 0 ]; do
                i=$((i + 1))
                [ $i -lt 40 ] || fail 'a seventeenth request is carried out beside sixteen large answers'
                sleep 0.1
        done
        api bob GET /limits
        equal "$API_STATUS" 200 "bob's status"
        kill "$SPAWNED"
        wait_until 30 as alice container-list
        /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=20)
db.execute("DELETE FROM event WHERE why LIKE ?", ("yyy%",))
db.commit()' "$STATE/history.db"
}

test_uids_without_an_account_get_nothing() {
        local before threads

        before=$(ds01d_threads)
        # As somebody with subordinate uids can: many uids, a few connections each.
        python3 - "$DS01_SOCKET" >"$WORK/many" <<'END' &
import os, socket, sys, time
held = []
for uid in range(700000, 700040):
    pid = os.fork()
    if pid == 0:
        os.setgroups([]); os.setgid(uid); os.setuid(uid)
        for i in range(12):
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(sys.argv[1]); held.append(s)
            except OSError:
                pass
        time.sleep(60)
        os._exit(0)
    held.append(pid)
print("done", flush=True)
time.sleep(60)
END
        local holder=$!

        wait_until 20 test -s "$WORK/many"
        ok as alice container-list
        # They are shown out after a second, not after the half minute that people have.
        wait_until 10 fewer_threads_than $((before + 20))
        pkill -P $holder || true
        kill $holder
}

fewer_threads_than() {
        [ "$(ds01d_threads)" -lt "$1" ]
}

# The list of src/daemon/privileges.c, as a mask.
kept_capabilities() {
        python3 - "$HERE/../../src/daemon/privileges.c" <<'END'
import re, sys
numbers = {name: int(n) for name, n in re.findall(r"#define (CAP_\w+)\s+(\d+)", open("/usr/include/linux/capability.h").read())}
print("%016x" % sum(1 << numbers[name] for name in re.findall(r'\{ (CAP_\w+), "', open(sys.argv[1]).read())))
END
}

test_ds01d_keeps_few_capabilities() {
        local set kind names

        set=$(kept_capabilities)
        for kind in CapPrm CapEff CapBnd; do
                equal "$(awk -v kind=$kind: '$1 == kind { print $2 }' "/proc/$(ds01d_pid)/status")" "$set" $kind
        done
        equal "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/$(ds01d_pid)/status")" 1 NoNewPrivs
        # The unit grants the same.
        names=$(sed -n 's/^CapabilityBoundingSet=//p' "$HERE/../../data/ds01d.service.in" | tr ' ' '\n' | sort)
        equal "$names" "$(sed -n 's/.*{ CAP_[A-Z_]*, "\(CAP_[A-Z_]*\)".*/\1/p' "$HERE/../../src/daemon/privileges.c" | sort)" "the unit's list"
        ! grep -q 'event=privileges' "$ROOT/ds01d.log" || fail "some were not there"
}

# What people leave in their containers' homes is removed, whatever it looks like.
test_odd_homes_are_removed() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'cd; mkdir -m 1777 sticky; touch sticky/file; mkdir -m 0 closed; mkdir -p deep/er; touch deep/er/file; chmod 0 deep/er deep'
        equal "$(ls "$STATE/home" | wc -l)" 1 "homes"
        api alice DELETE '/containers/thesis?stop=true&no_keep=true'
        equal "$API_STATUS" 200 status
        equal "$(ls "$STATE/home")" "" "homes at the end"
        ! grep 'event=home-not-removed' "$ROOT/ds01d.log" || fail "the log complains"
}
