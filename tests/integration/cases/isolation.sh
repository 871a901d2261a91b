# Several people on one machine: nobody sees, touches or becomes anybody else.

test_foreign_container_is_like_none() {
        ok as alice container-create hers
        ok as alice container-start hers
        for call in 'GET /containers/NAME' 'POST /containers/NAME/start' 'POST /containers/NAME/stop' \
                'POST /containers/NAME/pause' 'POST /containers/NAME/unpause' 'DELETE /containers/NAME' \
                'DELETE /containers/NAME?stop=true' 'GET /stats?name=NAME'; do
                api bob ${call//NAME/hers}
                local status=$API_STATUS answer=$OUT
                api bob ${call//NAME/none}
                equal "$status" 404 "status of $call"
                equal "$API_STATUS" 404 "status of $call for none"
                equal "${answer//hers/none}" "$OUT" "answer to $call"
        done
        as bob curl -s -i --unix-socket "$DS01_SOCKET" http://ds01/v1/containers/hers | sed 's/hers/none/g' >"$WORK/one"
        as bob curl -s -i --unix-socket "$DS01_SOCKET" http://ds01/v1/containers/none >"$WORK/two"
        cmp "$WORK/one" "$WORK/two" || fail "the head gives it away"
        expect_state alice hers running
        # By the engine's names neither.
        for name in "hers._.$FIRST_UID" "$(engine_containers)"; do
                api bob GET "/containers/$name"
                case $API_STATUS in 400 | 404) ;; *) fail "status $API_STATUS for $name" ;; esac
        done
}

# A container that is called as another's is in the engine.
test_names_that_are_ids() {
        local id name

        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        id=$(engine_containers)
        for name in "$id" "${id:0:12}" "${id:0:3}"; do
                run as bob container-create "$name" --cpu-only
                no 4 as alice container-stop "$name"
                run as bob container-remove "$name" --stop
        done
        expect_state alice hers running
        api bob GET '/containers?all=true'
        equal "$OUT" '[]' 'what bob has'
}

test_foreign_attach() {
        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        no 4 as bob container-attach hers -- id
        no 4 as bob container-run hers
        api bob POST /containers/hers/exec '{}' -H 'Connection: Upgrade' -H 'Upgrade: ds01-stream'
        equal "$API_STATUS" 404 status
}

test_lists_show_only_ones_own() {
        ok as alice container-create hers
        ok as bob container-create his
        ok as alice container-start hers
        ok as bob container-start his
        for command in 'container-list --all' 'container-list --all --detailed' 'container-list --format=json' container-stats \
                check-limits 'ds01 gpus' 'ds01 gpus --format=json' 'check-limits --format=json'; do
                ok as bob $command
                expect_no_out 'hers'
                ok as carol $command
                expect_no_out 'hers|\bhis\b'
        done
        for path in '/containers?all=true' /gpus /limits /stats; do
                api carol GET "$path"
                expect_no_out 'hers|"his"'
        done
}

# Nothing of what ds01d keeps tells one person about another.
test_files_of_ds01d_are_closed() {
        local file

        ok as alice container-create hers
        ok as alice container-start hers
        ok as bob container-create his --cpu-only
        wait_until 10 test -s "$STATE/history.db"
        for file in $(find "$STATE" "$RUN_DIR" "$LOG" -xdev -type f ! -name "$(engine_inspect bob his .Name | tr -d /).json" ! -path '*/identity/*'); do
                ! as bob test -r "$file" || fail "bob can read $file"
        done
        for file in $(find "$STATE" "$LOG" "$RUN_DIR/pin" "$RUN_DIR/decided" -xdev -type d); do
                ! as bob test -r "$file" || fail "bob can list $file"
        done
        for file in $(find "$STATE" "$RUN_DIR" "$LOG" -xdev -type d ! -path "*/home/*"); do
                ! as bob test -w "$file" || fail "bob can write to $file"
        done
}

test_same_names_side_by_side() {
        for who in alice bob carol; do
                ok as $who container-create thesis --cpu-only
                ok as $who container-start thesis
        done
        ok as bob container-remove thesis --stop
        expect_state alice thesis running
        expect_state bob thesis ""
        expect_state carol thesis running
}

test_all_means_ones_own() {
        ok as alice container-create hers --cpu-only
        ok as alice container-start hers
        ok as bob container-create his --cpu-only
        ok as bob container-start his
        ok as bob container-pause --all
        expect_state alice hers running
        ok as bob container-stop --all --force
        ok as bob container-remove --all --force
        expect_state alice hers running
}

test_who_one_is_inside() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- id
        expect_out "^uid=$FIRST_UID\($LOGIN_PREFIX-alice\) gid=$FIRST_UID(\($LOGIN_PREFIX-alice\))?( groups=$FIRST_UID(\($LOGIN_PREFIX-alice\))?)?$"
        ok as alice container-attach thesis -- cat /proc/self/status
        expect_out '^CapEff:\s+0000000000000000$'
        expect_out '^CapPrm:\s+0000000000000000$'
        expect_out '^CapBnd:\s+0000000000000000$'
        expect_out '^CapInh:\s+0000000000000000$'
        expect_out '^NoNewPrivs:\s+1$'
        expect_out '^Seccomp:\s+2$'
        expect_out "^Groups:\s*($FIRST_UID )?$"
        ok as alice container-attach thesis -- cat /proc/1/status
        expect_out "^Uid:\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID\s+$FIRST_UID$"
        expect_out '^CapEff:\s+0000000000000000$'
        expect_out '^NoNewPrivs:\s+1$'
        ok as alice container-attach thesis -- sh -c 'echo $HOME $USER; whoami; touch $HOME/file && echo writable; cat /etc/passwd'
        expect_out "^/home/$LOGIN_PREFIX-alice $LOGIN_PREFIX-alice$"
        expect_out "^$LOGIN_PREFIX-alice$"
        expect_out '^writable$'
        # An all-digit name in the image's files would be taken for the number that it is not.
        expect_no_out "^$((FIRST_UID + 1)):"
        ok as alice container-attach thesis -- cat /etc/group
        expect_no_out "^$FIRST_UID:"
}

test_set_uid_programs_gain_nothing() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- /bin/suid-id -u
        equal "$OUT" $FIRST_UID "the uid in a set-uid program of the image"
        # Left in the workspace by the container, used on the host.
        ok as alice container-attach thesis -- sh -c 'cp /bin/busybox /workspace/suid; chmod 6755 /workspace/suid'
        equal "$(stat -c %u "$ROOT/home/alice/workspace/suid")" $FIRST_UID "its owner"
        as alice container-attach thesis -- grep ' /workspace ' /proc/self/mountinfo >"$WORK/mount"
        grep -q nosuid "$WORK/mount" || fail "/workspace is not nosuid"
        grep -q nodev "$WORK/mount" || fail "/workspace is not nodev"
}

test_workspace_belongs_to_the_caller() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'pwd; touch new; mkdir dir; stat -c %u:%g /workspace new'
        expect_out '^/workspace$'
        equal "$(stat -c %u:%g "$ROOT/home/alice/workspace/new" "$ROOT/home/alice/workspace/dir" | sort -u)" \
                "$FIRST_UID:$FIRST_UID" "owner of new files"
        no 1 as alice container-attach thesis -- sh -c 'chown 0 /workspace/new'
        for path in /etc/passwd /etc/group /.ds01/ds01-init; do
                run as alice container-attach thesis -- sh -c "echo x >>$path"
                [ "$RC" != 0 ] || fail "$path can be written to"
        done
}

test_workspace_is_made_when_missing() {
        rm -rf "$ROOT/home/carol/workspace"
        ok as carol container-create thesis --cpu-only
        equal "$(stat -c %u:%a "$ROOT/home/carol/workspace")" "$((FIRST_UID + 2)):755" "the new directory"
}

test_data_is_read_only() {
        mkdir -p "$ROOT/home/alice/data"
        chown $FIRST_UID:$FIRST_UID "$ROOT/home/alice/data"
        ok as alice container-create thesis --cpu-only --data="$ROOT/home/alice/data"
        ok as alice container-start thesis
        run as alice container-attach thesis -- touch /data/file
        [ "$RC" != 0 ] || fail "/data can be written to"
}

test_no_gpu_without_a_lease() {
        ok as alice container-create plain --cpu-only
        ok as alice container-create cuda --cpu-only --image=ds01-cuda
        for name in plain cuda; do
                ok as alice container-start $name
                ok as alice container-attach $name -- sh -c 'echo $NVIDIA_VISIBLE_DEVICES'
                equal "$OUT" void "NVIDIA_VISIBLE_DEVICES of $name"
                equal "$(engine_inspect alice $name '.HostConfig.DeviceRequests // [] | length')" 0 "device requests of $name"
        done
}

test_exactly_ones_own_gpus() {
        local uuids

        ok as bob container-create other
        ok as alice container-create cuda --image=ds01-cuda --gpu=2
        ok as alice container-start cuda
        api alice GET /containers/cuda
        uuids=$(jq -r '[.gpus[].uuid] | join(",")' <<<"$OUT")
        ok as alice container-attach cuda -- sh -c 'echo $NVIDIA_VISIBLE_DEVICES'
        equal "$OUT" "$uuids" NVIDIA_VISIBLE_DEVICES
        expect_invariants
}

test_limits_reach_the_engine() {
        ok as alice container-create thesis --cpu-only
        equal "$(engine_inspect alice thesis .HostConfig.Memory)" $((512 << 20)) memory
        equal "$(engine_inspect alice thesis .HostConfig.NanoCpus)" 2000000000 cpus
        equal "$(engine_inspect alice thesis .HostConfig.PidsLimit)" 256 pids
        equal "$(engine_inspect alice thesis .HostConfig.ShmSize)" $((64 << 20)) shm
        equal "$(engine_inspect alice thesis .HostConfig.Privileged)" false privileged
        equal "$(engine_inspect alice thesis '.HostConfig.CapDrop | join(",") | ascii_upcase | if test("ALL|KILL") then "all" else . end')" all "dropped capabilities"
}

# What happens to programs that take all they can get.
test_fork_bombs_and_memory() {
        local group='' peak

        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        group=$(sed -n 's/^[0-9]*:\(pids\|\)://p' "/proc/$(engine_inspect alice thesis .State.Pid)/cgroup" | head -1)
        spawn bomb alice container-attach thesis -- sh -c 'b() { b | b & wait; }; b'
        wait_until 30 grep -qE '^max [1-9]' "$(events_file "$group")"
        peak=$(cat "$(dirname "$(events_file "$group")")/pids.current")
        [ "$peak" -le 256 ] || fail "there are $peak processes"
        ok as bob container-create his --cpu-only
        ok as alice container-stop thesis --force
        ok as alice container-start thesis
        run as alice container-attach thesis -- sh -c 'head -c 1100m /dev/zero | tail'
        [ "$RC" != 0 ] || fail 'a gigabyte was taken'
        expect_state alice thesis running
}

events_file() { # GROUP
        local file

        for file in /sys/fs/cgroup/pids /sys/fs/cgroup; do
                [ ! -e "$file$1/pids.events" ] || {
                        echo "$file$1/pids.events"
                        return
                }
        done
}

test_inside_nobody_reaches_ds01d_or_the_engine() {
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'cat /proc/self/mountinfo; ls /.ds01'
        expect_no_out 'docker.sock|engine.sock|ds01.sock'
}

test_a_container_that_ds01_did_not_make() {
        local id

        # With labels that look the part, but without the seal.
        ok as alice container-create real
        id=$(engine GET "/containers/real._.$FIRST_UID/json" | jq --arg uid $((FIRST_UID + 1)) '{Image: .Image, Cmd: ["sleep", "100"],
                Labels: (.Config.Labels | .["ds01.name"] = "forged" | .["ds01.uid"] = $uid)}' |
                engine POST "/containers/create?name=forged._.$((FIRST_UID + 1))" -H 'Content-Type: application/json' -d @- | jq -r .Id)
        engine POST "/containers/$id/start"
        sleep 0.5
        expect_state bob forged ""
        ds01d_restart
        expect_state bob forged ""
        expect_state alice real created
        no 1 as bob container-create forged
        expect_err "in the way"
        nothing_in_the_way_is_left
}

nothing_in_the_way_is_left() {
        api bob GET '/containers?all=true'
        equal "$OUT" '[]' "bob's list"
        api bob GET /limits
        expect_json .gpus.used 0
}

test_a_copy_of_a_seal() {
        # The same labels, seal and all, on a second container: bound to the name of the first.
        ok as alice container-create real
        engine GET "/containers/real._.$FIRST_UID/json" | jq '{Image: .Image, Cmd: ["sleep", "100"], Labels: .Config.Labels}' |
                engine POST "/containers/create?name=copy._.$FIRST_UID" -H 'Content-Type: application/json' -d @- >/dev/null
        engine POST "/containers/copy._.$FIRST_UID/start"
        sleep 0.3
        ds01d_restart
        api alice GET '/containers?all=true'
        expect_json length 1
        expect_json '.[0].name' real
}

test_small_uids_are_not_people() {
        run env DS01_SOCKET="$DS01_SOCKET" curl -s -o "$WORK/body" -w '%{http_code}' --unix-socket "$DS01_SOCKET" \
                -X POST -H 'Content-Type: application/json' -d '{"name": "roots"}' http://ds01/v1/containers
        equal "$OUT" 403 "status for root"
}

test_somebody_without_a_name() {
        run setpriv --reuid=$((FIRST_UID + 8)) --regid=$((FIRST_UID + 8)) --clear-groups curl -s -o /dev/null -w '%{http_code}' \
                --unix-socket "$DS01_SOCKET" http://ds01/v1/containers
        case $OUT in 4?? | 5?? | 200) ;; *) fail "status $OUT" ;; esac
        daemon_ready || fail "ds01d is gone"
}

test_one_person_cannot_take_all_connections() {
        local i

        for i in {1..80}; do
                SPAWN_INPUT=/dev/null spawn "hold$i" bob sleep 20
        done
        # Connections that say nothing.
        as bob bash -c 'for i in {1..80}; do busybox nc local:$DS01_SOCKET </dev/zero >/dev/null 2>&1 & done; sleep 1; kill $(jobs -p)' >/dev/null 2>&1 &
        sleep 0.4
        ok as alice container-list
        wait $! || true
        daemon_ready || fail "ds01d is gone"
}
