#!/bin/bash
# A person's slice over D-Bus: a bus of our own with a stand-in for systemd's manager. TAP on stdout.
# usage: test-slice.sh PATH/TO/slice-tool
set -u

tool=$1 here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d) || exit 1
bus= manager=
trap '[ -z "$manager" ] || kill $manager; [ -z "$bus" ] || kill $bus; rm -rf "$dir"' EXIT

if ! command -v dbus-daemon >/dev/null || ! /usr/bin/python3 -c 'import dbus, gi' 2>/dev/null ||
        ! ldconfig -p | grep -q 'libsystemd\.so\.0 '; then
        echo '1..0 # SKIP needs dbus-daemon, python3-dbus, python3-gi and libsystemd'
        exit 0
fi
cat >"$dir/bus.conf" <<END
<busconfig><type>system</type><listen>unix:path=$dir/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
END
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$dir/bus
count=0

# check TITLE EXPECTED ACTUAL
check() {
        count=$((count + 1))
        if [ "$2" = "$3" ]; then
                echo "ok $count - $1"
        else
                echo "not ok $count - $1"
                printf 'expected: %s\nactual:   %s\n' "$2" "$3" | sed 's/^/# /'
        fi
}

out=$("$tool" ds01-u1001.slice 1 1 1)
check 'without a bus: fails' 1 $?
check 'without a bus: says so' "can't reach systemd over D-Bus: No such file or directory" "$out"

dbus-daemon --config-file="$dir/bus.conf" --nofork &
bus=$!
for i in $(seq 200); do [ -S "$dir/bus" ] && break; sleep 0.05; done
/usr/bin/python3 "$here/systemd-stand-in.py" >"$dir/calls" 2>"$dir/errors" &
manager=$!
for i in $(seq 400); do grep -q ready "$dir/calls" && break; sleep 0.05; done
grep -q ready "$dir/calls" || { sed 's/^/# /' "$dir/errors"; echo 'Bail out! no stand-in'; exit 1; }

out=$("$tool" ds01-u1001.slice 2500 1073741824 300)
check 'a slice is made' "0 " "$? $out"
check 'with its limits' \
        'start/fail ds01-u1001.slice MemoryMax=1073741824 CPUQuotaPerSecUSec=2500000 TasksMax=300' "$(tail -n 1 "$dir/calls")"
out=$("$tool" ds01-u1001.slice -1 -1 200)
check 'one that is there is changed' "0 " "$? $out"
check 'until the next boot, and "no limit" is the largest number' \
        'set/runtime ds01-u1001.slice MemoryMax=18446744073709551615 CPUQuotaPerSecUSec=18446744073709551615 TasksMax=200' \
        "$(tail -n 1 "$dir/calls")"
out=$("$tool" refused.slice 1 1 1)
check 'a refusal' "1 systemd doesn't set the limits of refused.slice: not for you" "$? $out"
out=$("$tool" docker-0123.scope /dev/nvidia0)
check "a container's device" "0 " "$? $out"
check 'is allowed until the next boot' 'set/runtime docker-0123.scope DeviceAllow=/dev/nvidia0:rw' "$(tail -n 1 "$dir/calls")"
out=$("$tool" refused.scope /dev/nvidia0)
check 'one that is refused' "1 systemd doesn't set the devices of refused.scope: not for you" "$? $out"
check 'nobody asks systemd to read its files anew' 0 "$(grep -c RELOAD "$dir/calls")"
echo "1..$count"
