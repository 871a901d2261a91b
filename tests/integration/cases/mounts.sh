# Directories in containers: opened as the person, pinned, and with the ids that the person has.
# timeout: 240

inside() { # inside USER CONTAINER SCRIPT
        run as "$1" container-attach "$2" -- sh -c "$3"
}

# make_share NAME OWNER GROUP MODE: below the site's root for data.
make_share() {
        rm -rf "${ROOT:?}/shared/$1"
        mkdir "$ROOT/shared/$1"
        chown "$2:$3" "$ROOT/shared/$1"
        chmod "$4" "$ROOT/shared/$1"
}

pins() {
        grep -c " $RUN_DIR/pin/" /proc/self/mountinfo || true
}

pins_are() {
        [ "$(pins)" = "$1" ]
}

test_engine_cannot_write_into_a_home() {
        local id

        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        inside alice thesis 'echo hers >/workspace/file && rm /workspace/file && echo done'
        equal "$OUT" 'done' "what she does herself"
        expect_mapped
        # What docker cp does, as root: a set-uid program of root's, left in her home.
        cp /usr/bin/id "$WORK/trap"
        chmod 4755 "$WORK/trap"
        id=$(engine_inspect alice thesis .Id)
        tar -C "$WORK" --owner=0 --group=0 -c trap |
                engine PUT "/containers/$id/archive?path=/workspace" -H 'Content-Type: application/x-tar' -T - >/dev/null || true
        [ ! -s "$ROOT/home/alice/workspace/trap" ] || fail "root's program is in her home"
}

expect_mapped() { # in this case so far
        ! case_log | grep 'event=pin .*unmapped' || fail "this file system should map ids"
}

test_members_of_a_group_share_a_directory() {
        make_share set 0 $LAB_GID 2770
        echo data >"$ROOT/shared/set/numbers"
        chmod 640 "$ROOT/shared/set/numbers"
        chgrp $LAB_GID "$ROOT/shared/set/numbers"
        ok as alice container-create one --cpu-only --workspace="$ROOT/shared/set"
        ok as bob container-create two --cpu-only --workspace="$ROOT/shared/set"
        ok as alice container-start one
        ok as bob container-start two
        inside alice one 'cat /workspace/numbers; echo hers >/workspace/new; chmod 660 /workspace/new; mkdir /workspace/dir'
        equal "$OUT" data "what a member reads"
        equal "$(stat -c %u:%g "$ROOT/shared/set/new" "$ROOT/shared/set/dir" | sort -u)" "$FIRST_UID:$LAB_GID" "owner of what she made"
        inside bob two 'cat /workspace/new; echo his >>/workspace/new; cat /workspace/numbers'
        equal "$OUT" hers$'\n'data "what another member reads"
        equal "$(tr '\n' ' ' <"$ROOT/shared/set/new")" 'hers his ' "the file of both"
        expect_mapped
        no 5 as carol container-create three --cpu-only --workspace="$ROOT/shared/set"
        expect_err 'may not read and enter'
        api carol GET '/containers?all=true'
        expect_json length 0
}

test_shared_data_are_read_only() {
        make_share set 0 $LAB_GID 2770
        echo data >"$ROOT/shared/set/numbers"
        chgrp $LAB_GID "$ROOT/shared/set/numbers"
        chmod 660 "$ROOT/shared/set/numbers"
        ok as alice container-create one --cpu-only --data="$ROOT/shared/set"
        ok as alice container-start one
        inside alice one 'cat /data/numbers; echo x >>/data/numbers; touch /data/x'
        equal "$OUT" data "what a member reads"
        equal "$(cat "$ROOT/shared/set/numbers")" data "the file"
        [ ! -e "$ROOT/shared/set/x" ] || fail "/data can be written to"
        no 5 as carol container-create one --cpu-only --data="$ROOT/shared/set"
}

test_modes_of_roots() {
        local mode

        for mode in ro strict plain groupshare; do
                mkdir -p "$ROOT/modes/$mode"
                chown 0:$LAB_GID "$ROOT/modes/$mode"
                chmod 2775 "$ROOT/modes/$mode"
                echo text >"$ROOT/modes/$mode/text"
        done
        touch "$ROOT/restart"
        # The longest that fits says how.
        write_config "mounts.roots=\"~\", $ROOT/modes, $ROOT/modes/ro:ro, $ROOT/modes/strict:strict, $ROOT/modes/plain:plain"
        ds01d_restart
        for mode in ro strict plain groupshare; do
                ok as alice container-create $mode --cpu-only --workspace="$ROOT/modes/$mode"
                ok as alice container-start $mode
                inside alice $mode 'cat /workspace/text; echo x >/workspace/file; stat -c %u /workspace/text; echo "$?"'
                expect_out '^text$'
                case $mode in
                ro) expect_out '^65534$' ;;         # root's files are nobody's
                strict) expect_out '^65534$' ;;     # also a directory of root's, so it can't be written to
                plain) expect_out '^0$' ;;          # as it is
                groupshare) expect_out '^65534$' ;; # root's are nobody's, but this directory can be written to
                esac
                [ "$mode" = groupshare ] || [ ! -e "$ROOT/modes/$mode/file" ] || [ "$mode" = plain ] || fail "$mode can be written to"
        done
        [ -e "$ROOT/modes/groupshare/file" ] || fail "groupshare can't be written to"
        inside alice ro 'grep " /workspace " /proc/self/mountinfo'
        expect_out ' ro[, ]'
        rm -rf "$ROOT/modes"
}

test_pinned_anew_before_each_start() {
        mkdir "$ROOT/home/alice/workspace/dir"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/workspace/dir"
        ok as alice container-create thesis --cpu-only --workspace="$ROOT/home/alice/workspace/dir"
        ok as alice container-start thesis
        ok as alice container-stop thesis --force
        # Replaced by another of the same name.
        mv "$ROOT/home/alice/workspace/dir" "$ROOT/home/alice/workspace/old"
        mkdir "$ROOT/home/alice/workspace/dir"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/workspace/dir"
        echo new >"$ROOT/home/alice/workspace/dir/text"
        ok as alice container-start thesis
        inside alice thesis 'cat /workspace/text'
        equal "$OUT" new "the new directory's file"
        ok as alice container-stop thesis --force
        # Taken away from her.
        chown 0:0 "$ROOT/home/alice/workspace/dir"
        chmod 700 "$ROOT/home/alice/workspace/dir"
        no 5 as alice container-start thesis
        expect_state alice thesis stopped
        # Put in the place of somebody else's.
        rm -rf "$ROOT/home/alice/workspace/dir"
        mkdir -p "$ROOT/home/bob/workspace/private"
        ln -s "$ROOT/home/bob/workspace/private" "$ROOT/home/alice/workspace/dir"
        chmod 755 "$ROOT/home/bob"
        no 5 as alice container-start thesis
        expect_err "mounts from"
        chmod 750 "$ROOT/home/bob"
        rm -r "$ROOT/home/bob/workspace/private"
}

test_pins_after_a_reboot_and_at_the_end() {
        local pin

        equal "$(pins)" 0 "pins before"
        ok as alice container-create thesis --cpu-only --data="$ROOT/home/alice"
        equal "$(pins)" 2 "pins of one container"
        # As after a reboot: nothing below /run is left.
        ds01d_stop
        for pin in $(awk -v dir="$RUN_DIR/pin/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo); do
                umount "$pin"
        done
        rm -rf "$RUN_DIR"
        # And one that belongs to nobody.
        mkdir -p "$RUN_DIR/pin/00000000000000000000000000000000/workspace"
        mount --bind "$ROOT/home/bob" "$RUN_DIR/pin/00000000000000000000000000000000/workspace"
        ds01d_start
        wait_until 10 pins_are 0
        [ ! -e "$RUN_DIR/pin/00000000000000000000000000000000" ] || fail "the orphan's directory is left"
        ok as alice container-start thesis
        equal "$(pins)" 2 "pins of a start"
        inside alice thesis 'ls -d /workspace /data/workspace'
        expect_out '^/data/workspace$'
        ok as alice container-remove thesis --stop
        equal "$(pins)" 0 "pins at the end"
        equal "$(ls "$RUN_DIR/pin")" "" "directories of pins at the end"
}

# A file system that takes each question and answers none of them but the first.
serve_hanging_fuse() { # serve_hanging_fuse DIRECTORY UID
        python3 -u - "$1" "$2" >"$WORK/fuse.out" 2>&1 <<'END' &
import os, struct, subprocess, sys, time
fd = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(fd, True)
subprocess.run(["mount", "-i", "-t", "fuse", "hanging", sys.argv[1], "-o",
                f"fd={fd},rootmode=40000,user_id={sys.argv[2]},group_id={sys.argv[2]}"], check=True, close_fds=False)
request = os.read(fd, 1 << 20)
unique = struct.unpack("IIQ", request[:16])[2]
init = struct.pack("IIIIHHIIHHI28x", 7, 31, 0, 0, 12, 9, 65536, 1, 16, 0, 0)
os.write(fd, struct.pack("IiQ", 16 + len(init), 0, unique) + init)
print("mounted")
while True:
    os.read(fd, 1 << 20)
END
        FUSE_SERVER=$!
        wait_until 10 grep -q mounted "$WORK/fuse.out"
}

children_as() {
        ps -o uid= --ppid "$(ds01d_pid)" | grep -c "^ *$(id -u "$(login "$1")")$" || true
}

has_children_as() {
        [ "$(children_as "$1")" -gt 0 ]
}

no_children_as() {
        [ "$(children_as "$1")" = 0 ]
}

test_hanging_file_system_is_its_owners_trouble() {
        local i began took pids=

        [ -c /dev/fuse ] || skip "no /dev/fuse"
        mkdir -p "$ROOT/home/alice/hung"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/hung"
        ok as alice container-create before --cpu-only
        serve_hanging_fuse "$ROOT/home/alice/hung" $FIRST_UID || skip "no FUSE here"
        for i in {1..12}; do
                spawn "hang$i" alice container-create "hang$i" --cpu-only --workspace="$ROOT/home/alice/hung"
                pids="$pids $SPAWNED"
        done
        wait_until 10 has_children_as alice
        # Meanwhile others have what they always have.
        for i in {1..5}; do
                began=${EPOCHREALTIME/./}
                ok as bob container-create "his$i" --cpu-only
                took=$((${EPOCHREALTIME/./} - began))
                [ "$took" -lt 2500000 ] || fail "bob waited for $((took / 1000)) ms"
        done
        i=0
        for pid in $pids; do
                i=$((i + 1))
                join "hang$i" "$pid"
                equal "$RC" 1 "exit code of the one that hangs"
                expect_err "didn't answer within|too many"
        done
        grep -q 'user=.*-alice .*status=504 .*refused=path_timeout' "$ROOT/ds01d.log" || fail "nothing was refused as path_timeout"
        # No more of them hang than one person may have.
        [ "$(children_as alice)" -le 4 ] || fail "$(children_as alice) processes hang"
        no 1 as alice container-create more --cpu-only --workspace="$ROOT/home/alice/hung"
        # What does not need that directory goes on.
        ok as alice container-list --all
        expect_out '^before'
        # She may stop the processes that are hers, but they end all the same, and tell her nothing.
        for i in $(ps -o pid=,uid= --ppid "$(ds01d_pid)" | awk -v uid=$FIRST_UID '$2 == uid { print $1 }'); do
                no 1 as alice cat "/proc/$i/environ"
                as alice kill -STOP "$i"
        done
        kill $FUSE_SERVER
        wait $FUSE_SERVER || true
        umount -l "$ROOT/home/alice/hung"
        # And when it is over, it is over.
        ok as alice container-create after --cpu-only
        ok as alice container-start before
        wait_until 10 no_children_as alice
        rmdir "$ROOT/home/alice/hung"
}

# Where the file system can't map ids it goes without, and the log says so.
test_file_system_that_cannot_map_ids() {
        make_share ram $FIRST_UID $FIRST_UID 755
        mount -t ramfs none "$ROOT/shared/ram" || skip "no ramfs here"
        chown $FIRST_UID:$FIRST_UID "$ROOT/shared/ram"
        ok as alice container-create thesis --cpu-only --workspace="$ROOT/shared/ram"
        grep -q "level=warn event=pin .*path=$ROOT/shared/ram mode=groupshare unmapped=" "$ROOT/ds01d.log" || fail "the log does not say so"
        ok as alice container-start thesis
        inside alice thesis 'echo hers >/workspace/file; grep " /workspace " /proc/self/mountinfo'
        expect_out 'nosuid,nodev'
        equal "$(cat "$ROOT/shared/ram/file")" hers "what she wrote"
        ok as alice container-remove thesis --stop
        umount "$ROOT/shared/ram"
}
