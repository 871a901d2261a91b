# The private world in which the integration tests run: an engine, people, GPUs that are simulated,
# and ds01d, all below one temporary directory. Only what was started here is stopped, by pid.
#
# From outside: DS01_BUILD (the build directory), DS01_TEST_ENGINE (docker, podman, root:DIRECTORY for
# the Docker of a root that tests/engines/make-root made, or the path of a socket on which an
# engine answers that may be used up), DS01_TEST_KEEP=1 (keep the directory).

PEOPLE="alice bob carol"
COMMANDS="container-create container-start container-run container-attach container-open
        container-exit container-pause container-unpause container-stop container-remove
        container-list container-stats container-deploy container-retire container-restore container-protect container-extend
        project-init project-launch dir-create
        git-init readme-create project image-create image-update image-list image-delete image-remove
        check-limits container image check ds01"

# Several worlds fit on one machine: each has a slot of its own while it lasts, and with it uids,
# login names and a cgroup. The lock is descriptor 9, which nothing that outlives us may inherit.
world_slot() {
        local slot

        for slot in 0 1 2 3 4 5 6 7 8 9; do
                exec 9>"/run/lock/ds01-integration.$slot"
                if flock -n 9; then
                        LOGIN_PREFIX=ds01t$slot
                        FIRST_UID=$((4101 + 20 * slot))
                        LAB_GID=$((FIRST_UID + 9))
                        LAB=$LOGIN_PREFIX-lab
                        CGROUP_PARENT=$LOGIN_PREFIX
                        return
                fi
        done
        echo "Bail out! ten worlds are on this machine already"
        return 1
}

login() {
        echo "$LOGIN_PREFIX-$1"
}

note() {
        echo "# $*"
}

alive() {
        local state

        [ -n "$1" ] && state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) &&
                [ -n "$state" ] && [ "$state" != Z ]
}

pid_in() {
        cat "$1" 2>/dev/null || true
}

# end_process PID [SECONDS]: TERM, and KILL when that did not help in time.
end_process() {
        local pid=$1 tries=$((${2-10} * 20))

        alive "$pid" || return 0
        kill -CONT "$pid" 2>/dev/null || true
        kill "$pid" 2>/dev/null || true
        while alive "$pid" && [ $tries -gt 0 ]; do
                tries=$((tries - 1))
                sleep 0.05
        done
        ! alive "$pid" || kill -KILL "$pid" 2>/dev/null || true
}

# --- the world ---------------------------------------------------------------------------------

world_paths() {
        ENGINE_ROOT=
        ROOT=$(mktemp -d "${TMPDIR:-/tmp}/ds01-it.XXXXXX")
        chmod 755 "$ROOT"
        BIN=$ROOT/bin
        STATE=$ROOT/state
        LOG=$ROOT/log
        RUN_DIR=$ROOT/run
        CONFIG=$ROOT/etc/ds01.yaml
        LIMITS=$ROOT/etc/resource-limits.yaml
        GPUS=$ROOT/etc/gpus.conf
        DS01_SOCKET=$ROOT/ds01.sock
        ADMIN_SOCKET=$RUN_DIR/admin.sock
        ENGINE_SOCKET=$ROOT/engine.sock
        REPORTS=$ROOT/reports
        WORK=$ROOT/work
        mkdir -p "$BIN" "$ROOT/etc" "$ROOT/hooks" "$REPORTS" "$WORK" "$ROOT/home" "$ROOT/init" "$ROOT/shared"
        chmod 1777 "$REPORTS"
        export DS01_SOCKET
}

# Sanitizers write their reports here; world_reports makes each of them a failure.
sanitizer_env() {
        echo "ASAN_OPTIONS=log_path=$REPORTS/asan:detect_leaks=$1:abort_on_error=0"
        echo "UBSAN_OPTIONS=log_path=$REPORTS/ubsan:print_stacktrace=1"
        echo "TSAN_OPTIONS=log_path=$REPORTS/tsan"
}

world_reports() {
        find "$REPORTS" -type f -size +0 2>/dev/null
}

take_binaries() {
        local command

        DS01D=$DS01_BUILD/src/daemon/ds01d
        NVML=$DS01_BUILD/src/gpu/libds01-nvml-sim.so
        cp "$DS01_BUILD/src/init/ds01-init" "$ROOT/init/"
        ln -s ds01-init "$ROOT/init/container-exit"
        mkdir "$ROOT/share"
        cp -r "$HERE"/../../data/catalogue.yaml "$HERE"/../../data/{project,help} "$ROOT/share/"
        chmod 755 "$ROOT/init" "$ROOT/init/ds01-init"
        [ -x "$DS01D" ] && [ -e "$NVML" ] && [ -x "$DS01_BUILD/src/client/ds01" ] &&
                [ -x "$DS01_BUILD/src/runtime/ds01-runtime" ] || {
                echo "Bail out! $DS01_BUILD has no ds01d, ds01, ds01-runtime or simulator library"
                return 1
        }
        cp "$DS01_BUILD/src/client/ds01" "$ROOT/ds01"
        for command in $COMMANDS; do
                ln -s ../ds01 "$BIN/$command"
        done
}

make_people() {
        local name uid=$FIRST_UID

        getent group $LAB >/dev/null || groupadd -g $LAB_GID $LAB
        for name in $PEOPLE; do
                getent group "$(login "$name")" >/dev/null || groupadd -g $uid "$(login "$name")"
                getent passwd "$(login "$name")" >/dev/null ||
                        useradd -u $uid -g $uid -M -N -s /bin/bash -d "$ROOT/home/$name" "$(login "$name")"
                usermod -d "$ROOT/home/$name" "$(login "$name")" >/dev/null 2>&1 || true
                mkdir -p "$ROOT/home/$name/workspace"
                chown -R $uid:$uid "$ROOT/home/$name"
                chmod 750 "$ROOT/home/$name"
                uid=$((uid + 1))
        done
        usermod -a -G $LAB "$(login alice)"
        usermod -a -G $LAB "$(login bob)"
}

remove_people() {
        local name

        for name in $PEOPLE; do
                userdel "$(login "$name")" >/dev/null 2>&1 || true
                groupdel "$(login "$name")" >/dev/null 2>&1 || true
        done
        groupdel $LAB >/dev/null 2>&1 || true
}

# `as USER [VARIABLE=VALUE...] COMMAND...`, also as a program for tmux and script: that person's
# ids and groups, a clean environment, their home ($AS_DIR) as the directory.
make_as() {
        cat >"$ROOT/as" <<END
#!/bin/bash
login=$LOGIN_PREFIX-\$1 home=$ROOT/home/\$1
shift
cd "\${AS_DIR:-\$home}" || exit 99
exec setpriv --reuid="\$(id -u "\$login")" --regid="\$(id -g "\$login")" --init-groups \\
        env -i --default-signal=INT,QUIT,PIPE,HUP HOME="\$home" USER="\$login" LOGNAME="\$login" SHELL=/bin/bash \\
        PATH="$BIN:/usr/local/bin:/usr/bin:/bin" TERM="\${AS_TERM:-dumb}" LANG=C.UTF-8 DS01_SOCKET="$DS01_SOCKET" DS01_DATA="$ROOT/share" \\
        $(sanitizer_env 0 | tr '\n' ' ') "\$@"
END
        chmod 755 "$ROOT/as"
}

as() {
        "$ROOT/as" "$@"
}

# admin COMMAND...: root, over the socket of administrators.
admin() {
        env DS01_SOCKET="$ADMIN_SOCKET" PATH="$BIN:$PATH" $(sanitizer_env 0) "$@"
}

# --- the engine --------------------------------------------------------------------------------

# What engines are told to run: ds01-runtime, and what that is to hand over to, as a file that a test
# may replace ($ROOT/backend).
make_runtime() {
        local program=$ROOT/ds01-runtime lib libs=$ROOT/lib

        mkdir "$ROOT/runtime"
        cp "$DS01_BUILD/src/runtime/ds01-runtime" "$program"
        case ${DS01_TEST_ENGINE-} in
        root:*) # the other release has other libraries, or none of a sanitizer
                mkdir "$libs"
                for lib in $(ldd "$program" | grep -o '/[^ ]*'); do
                        cp -L "$lib" "$libs/"
                done
                program="$(echo "$libs"/ld-linux*) --library-path $libs $program"
                ;;
        esac
        printf '#!/bin/sh\nexport %s\nexec %s --ds01-run=%s --ds01-backend=%s "$@"\n' "$(sanitizer_env 0 | tr '\n' ' ')" \
                "$program" "$RUN_DIR" "$ROOT/backend" >"$ROOT/runtime/ds01-runtime"
        chmod 755 "$ROOT/runtime/ds01-runtime"
        PATH=$PATH:/usr/sbin runtime_backend <<<"exec $(PATH=$PATH:/usr/sbin command -v runc) \"\$@\""
}

runtime_backend() { # from standard input, the commands of a shell script
        { echo '#!/bin/bash'; cat; } >"$ROOT/backend.new"
        chmod 755 "$ROOT/backend.new"
        mv "$ROOT/backend.new" "$ROOT/backend"
}

engine_has_runtime() {
        engine GET /info | jq -e '.Runtimes.ds01 // (.DefaultRuntime | endswith("/ds01-runtime") or . == null)' >/dev/null
}

need_runtime() {
        engine_has_runtime || skip "this engine has no ds01-runtime"
}

engine_is_own() {
        [ -n "$ENGINE_KIND" ]
}

need_own_engine() {
        engine_is_own || skip "needs an engine that it may stop"
}

engine_answers() {
        curl -sf --max-time 5 --unix-socket "$ENGINE_SOCKET" http://d/_ping >/dev/null 2>&1
}

engine_launch_docker() {
        printf '#!/bin/sh\nexit 0\n' >"$ROOT/hooks/nvidia-container-runtime-hook"
        chmod 755 "$ROOT/hooks/nvidia-container-runtime-hook"
        # In a network namespace of its own: a dockerd without bridge removes the docker0 that it
        # finds, and that would be another engine's.
        local enter=(unshare --net) options=(--add-runtime "ds01=$ROOT/runtime/ds01-runtime" --default-runtime ds01)

        if [ -n "$ENGINE_ROOT" ]; then
                enter=("$HERE/../engines/exec-in-root" "$ENGINE_ROOT" "$ROOT")
                mkdir -p "$ROOT/cdi"
                jq -n --arg dir "$ROOT/cdi" '{ features: { cdi: true }, "cdi-spec-dirs": [$dir] }' \
                        >"$ROOT/dockerd.json"
                options+=(--config-file "$ROOT/dockerd.json")
        fi
        PATH="$ROOT/hooks:$PATH" setsid "${enter[@]}" dockerd --data-root "$ROOT/engine" \
                --exec-root "$ROOT/exec" -H "unix://$ENGINE_SOCKET" -p "$ROOT/engine.pid" \
                --containerd-namespace "ds01t$$" --containerd-plugins-namespace "ds01tp$$" \
                --bridge=none --iptables=false --ip6tables=false "${options[@]}" >>"$ROOT/engine.log" 2>&1 &
        disown # it outlives the test that starts it
}

engine_launch_podman() {
        local prepare='mount --bind "$0" /var/run/cdi && exec "$@"'

        # In namespaces of its own, where /var/run/cdi, the only place where podman 4 looks for CDI
        # specs, is ours, and so is the loopback, where it asks a registry without TLS. To runc in the end, because crun 1.8 refuses a hybrid cgroup tree.
        mkdir -p /var/run/cdi "$ROOT/cdi"
        printf '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n' >"$ROOT/registries.conf"
        CONTAINERS_REGISTRIES_CONF=$ROOT/registries.conf \
                setsid unshare --net --mount --propagation slave sh -c "$prepare" "$ROOT/cdi" \
                podman --root "$ROOT/engine" --runroot "$ROOT/exec" --tmpdir "$ROOT/podman-tmp" \
                --runtime "$ROOT/runtime/ds01-runtime" --cgroup-manager cgroupfs \
                system service --time=0 "unix://$ENGINE_SOCKET" >>"$ROOT/engine.log" 2>&1 &
        echo $! >"$ROOT/engine.pid"
        disown
}

engine_start() {
        local tries=0

        rm -f "$ROOT/engine.pid"
        [ "$ENGINE_KIND" != docker ] || rm -f "$ROOT/exec/containerd/containerd.pid"
        "engine_launch_$ENGINE_KIND"
        until engine_answers; do
                tries=$((tries + 1))
                [ $tries -lt 300 ] || {
                        echo "Bail out! the engine does not start:"
                        tail -5 "$ROOT/engine.log"
                        return 1
                }
                sleep 0.1
        done
}

engine_pid() {
        pid_in "$ROOT/engine.pid"
}

engine_stop() {
        end_process "$(engine_pid)" 30
}

engine_kill() { # as a crash: containers and their shims stay
        kill -KILL "$(engine_pid)"
        while alive "$(engine_pid)"; do sleep 0.02; done
}

engine_freeze() {
        kill -STOP "$(engine_pid)"
}

engine_thaw() {
        kill -CONT "$(engine_pid)"
}

# So that pins which ds01d makes here are seen in the engine's own mount namespace.
share_root() {
        mount --bind "$ROOT" "$ROOT"
        mount --make-shared "$ROOT"
}

open_engine() {
        DS01_TEST_ENGINE=${DS01_TEST_ENGINE:-docker}
        case $DS01_TEST_ENGINE in
        docker)
                ENGINE_KIND=docker
                engine_start
                ;;
        podman)
                ENGINE_KIND=podman
                share_root
                engine_start
                ;;
        root:*)
                ENGINE_KIND=docker
                ENGINE_ROOT=${DS01_TEST_ENGINE#root:}
                share_root
                engine_start
                ;;
        *)
                ENGINE_KIND=
                ENGINE_SOCKET=$DS01_TEST_ENGINE
                engine_answers || {
                        echo "Bail out! no engine answers at $ENGINE_SOCKET"
                        return 1
                }
                ;;
        esac
        DEFAULT_ATTACH=device-request
        ENGINE_NAME=$(curl -s --unix-socket "$ENGINE_SOCKET" http://d/v1.41/version |
                jq -r '[(.Components[0].Name // "engine"), .Version] | join(" ")')
        ! engine_is_podman || DEFAULT_ATTACH=cdi
}

engine_is_podman() {
        case $ENGINE_NAME in *[Pp]odman*) true ;; *) false ;; esac
}

# Docker since 25, where it was told to; podman always.
engine_has_cdi() {
        engine_is_podman || engine GET /info | jq -e '.CDISpecDirs // [] | length > 0' >/dev/null
}

# copy_program FILE ROOT: with its libraries, where it is found by its usual path.
copy_program() {
        local lib

        mkdir -p "$2$(dirname "$1")"
        cp -L --remove-destination "$1" "$2$1" # the place may be a link to busybox
        for lib in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true); do
                mkdir -p "$2$(dirname "$lib")"
                cp -Ln "$lib" "$2$lib"
        done
}

# A small image: busybox, bash, and stand-ins for the programs that the contract's scripts call.
base_image() {
        local root=$ROOT/image

        mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,root,usr/bin,workspace}
        chmod 1777 "$root/tmp"
        cp "$(command -v busybox)" "$root/bin/busybox"
        for applet in $("$root/bin/busybox" --list); do
                [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
        done
        copy_program /bin/bash "$root"
        copy_program /usr/bin/nohup "$root" # Debian's busybox has none
        copy_program /usr/bin/stty "$root"
        copy_program /usr/bin/id "$root"
        cp /usr/bin/id "$root/bin/suid-id"
        chmod 4755 "$root/bin/suid-id"
        printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/:/bin/false \
                "$((FIRST_UID + 1)):x:0:0:trap:/:/bin/sh" >"$root/etc/passwd"
        printf '%s\n' root:x:0: nogroup:x:65534: "$FIRST_UID:x:0:" >"$root/etc/group"
        printf '#!/bin/sh\necho "python $*"\n[ ! -r "$1" ] || cat "$1"\n' >"$root/usr/bin/python"
        printf '#!/bin/sh\necho "pytest $* in $PWD"\nls "$@"\n' >"$root/usr/bin/pytest"
        chmod 755 "$root/usr/bin/python" "$root/usr/bin/pytest"
}

# import_image REFERENCE [CHANGE...]
import_image() {
        local reference=$1 change query

        shift
        query="fromSrc=-&repo=${reference%:*}&tag=${reference##*:}"
        for change; do
                query="$query&changes=$(jq -rn --arg c "$change" '$c|@uri')"
        done
        tar -C "$ROOT/image" --owner=0 --group=0 --numeric-owner -c . |
                engine POST "/images/create?$query" -H 'Content-Type: application/x-tar' -T - >"$ROOT/import.log"
        ! grep -q '"error"\|"cause"' "$ROOT/import.log" || {
                echo "Bail out! import of $reference: $(cat "$ROOT/import.log")"
                return 1
        }
}

import_images() {
        base_image
        import_image ds01-base:latest 'ENV FROM_IMAGE=yes'
        # As CUDA images do: they ask for every GPU.
        import_image ds01-cuda:latest 'ENV NVIDIA_VISIBLE_DEVICES=all' 'ENV NVIDIA_REQUIRE_CUDA=cuda>=12'
}

# personal_image USER PROJECT: as image-create would have built it.
personal_image() {
        local tries=0

        engine POST "/images/ds01-base:latest/tag?repo=ds01-$(id -u "$(login "$1")")/$2&tag=latest"
        # ds01d hears of it by an event, as of all that it has not done itself.
        while alive "$(ds01d_pid)" && [ $tries -lt 40 ] &&
                ! as "$1" curl -s --max-time 5 --unix-socket "$DS01_SOCKET" http://ds01/v1/images | grep -q "/$2:latest"; do
                tries=$((tries + 1))
                sleep 0.05
        done
}

# --- configuration -----------------------------------------------------------------------------

write_gpus() {
        cat >"$GPUS.new" <<'END'
gpus 4 model="NVIDIA A100-SXM4-40GB" memory=40GiB
nvlink 0 1 12
nvlink 2 3 12
END
        mv "$GPUS.new" "$GPUS"
}

write_limits() {
        cat >"$LIMITS.new" <<'END'
defaults:
  max_gpu_equivalents: 4
  max_gpu_slots_per_container: 4
  max_containers_per_user: 20
  max_cpus: 2
  memory: 512m
  shm_size: 64m
  pids_limit: 256
  idle_timeout_h: null
  max_runtime_h: null
  gpu_hold_after_stop_h: 0.25
  created_container_timeout_m: 30
END
        mv "$LIMITS.new" "$LIMITS"
}

# write_config [KEY=VALUE...]: "gpu.attach=env", over these.
write_config() {
        local attach=$DEFAULT_ATTACH timeout=60 state=$STATE registries= images= notify= more= pair
        local roots="\"~\", $ROOT/shared" bases='ds01-base:latest, ds01-cuda:latest'

        for pair; do
                case $pair in
                gpu.attach=*) attach=${pair#*=} ;;
                engine.timeout_s=*) timeout=${pair#*=} ;;
                paths.state=*) state=${pair#*=} ;;
                notify.command=*) notify=${pair#*=} ;;
                mounts.roots=*) roots=${pair#*=} ;;
                images.registries=*) registries=${pair#*=} ;;
                history.keep_days=* | metrics.port=*)
                        pair=${pair/=/: }
                        more+="${pair%%.*}: {${pair#*.}}"$'\n'
                        ;;
                images.bases=*) bases=${pair#*=} ;;
                images.*)
                        pair=${pair#images.}
                        images+="  ${pair%%=*}: ${pair#*=}"$'\n'
                        ;;
                *) fail "write_config does not know $pair" ;;
                esac
        done
        cat >"$CONFIG.new" <<END
socket: $DS01_SOCKET
engine:
  socket: $ENGINE_SOCKET
  timeout_s: $timeout
  cgroup_parent: $CGROUP_PARENT
gpu:
  attach: $attach
  nvml_library: $NVML
  simulator_file: $GPUS
  cdi_directory: $ROOT/cdi
images:
  default: ds01-base:latest
  bases: [$bases]
  registries: [$registries]
${images}paths:
  state: $state
  run: $RUN_DIR
  log: $LOG
  limits: $LIMITS
  init: $ROOT/init
mounts:
  roots: [$roots]
notify:
  command: "$notify"
$more
END
        mv "$CONFIG.new" "$CONFIG"
}

# --- ds01d -------------------------------------------------------------------------------------

daemon_ready() {
        [ "$(as alice curl -s --max-time 5 -o /dev/null -w '%{http_code}' --unix-socket "$DS01_SOCKET" \
                http://ds01/v1/containers)" = 200 ]
}

# ds01d_launch [VARIABLE=VALUE...]: does not wait.
ds01d_launch() {
        env $(sanitizer_env "${LEAKS-0}") "$@" setsid "$DS01D" --config="$CONFIG" >>"$ROOT/ds01d.log" 2>&1 &
        echo $! >"$ROOT/ds01d.pid"
        disown # it outlives the test that starts it
}

ds01d_wait() {
        local tries=0

        until daemon_ready; do
                tries=$((tries + 1))
                alive "$(ds01d_pid)" && [ $tries -lt 1200 ] || {
                        echo "Bail out! ds01d does not come up:"
                        tail -5 "$ROOT/ds01d.log"
                        return 1
                }
                sleep 0.05
        done
}

ds01d_start() {
        ds01d_launch "$@"
        ds01d_wait
}

ds01d_pid() {
        pid_in "$ROOT/ds01d.pid"
}

ds01d_stop() {
        end_process "$(ds01d_pid)" 20
        rm -f "$ROOT/ds01d.pid"
}

ds01d_kill() {
        local pid

        pid=$(ds01d_pid)
        kill -KILL "$pid" 2>/dev/null || true
        while alive "$pid"; do sleep 0.01; done
}

ds01d_restart() {
        ds01d_stop
        ds01d_start "$@"
}

# set_clock SECONDS: from the real time. In force when this returns.
set_clock() {
        local before

        before=$(grep -c clock-set "$ROOT/ds01d.log" || true)
        echo "$1" >"$WORK/clock.new"
        mv "$WORK/clock.new" "$WORK/clock"
        wait_until 10 clock_was_set "$before"
}

clock_was_set() { # more often than BEFORE
        [ "$(grep -c clock-set "$ROOT/ds01d.log")" -gt "$1" ]
}

# The limits file was changed: in force when this returns.
ds01d_reload() {
        local before now tries=0

        before=$(grep -c 'reload' "$ROOT/ds01d.log" || true)
        kill -HUP "$(ds01d_pid)"
        while [ $tries -lt 100 ]; do
                now=$(grep -c 'reload' "$ROOT/ds01d.log" || true)
                [ "$now" -le "$before" ] || return 0
                tries=$((tries + 1))
                sleep 0.05
        done
        return 1
}

# set_limits: new limits from standard input, in force at once.
set_limits() {
        cat >"$LIMITS.new"
        mv "$LIMITS.new" "$LIMITS"
        ds01d_reload
}

# set_gpus: a new machine from standard input. Takes effect at ds01d's next look, within 5 s.
set_gpus() {
        cat >"$GPUS.new"
        mv "$GPUS.new" "$GPUS"
}

# --- between two tests -------------------------------------------------------------------------

engine_containers() {
        engine GET '/containers/json?all=1' | jq -r '.[].Id'
}

remove_containers() {
        local id

        for id in $(engine_containers); do
                ! engine_is_podman || engine POST "/containers/$id/unpause" >/dev/null
                engine DELETE "/containers/$id?force=1" >/dev/null
        done
}

remove_personal_images() {
        local reference

        for reference in $(engine GET /images/json | jq -r '.[].RepoTags[]? | select(test("(^|/)ds01-([0-9]+|bin|moved)/"))'); do
                engine DELETE "/images/$reference?force=1" >/dev/null
        done
}

nothing_left() {
        local name

        for name in $PEOPLE; do
                [ "$(as "$name" curl -s --max-time 10 --unix-socket "$DS01_SOCKET" \
                        'http://ds01/v1/containers?all=true')" = '[]' ] || return 1
        done
}

none_left_soon() {
        local tries=0

        until nothing_left; do
                tries=$((tries + 1))
                [ $tries -lt 60 ] || return 1
                sleep 0.05
        done
}

# Everything as it was at the start. What a test changed decides how much there is to do.
world_reset() {
        local sum

        if engine_is_own; then
                ! alive "$(engine_pid)" || engine_thaw
                engine_answers || engine_start
        fi
        remove_containers
        remove_personal_images
        # podman tells late of what was removed, and a ds01d that does not run then is never told.
        ! engine_is_podman || ! alive "$(ds01d_pid)" || none_left_soon || true
        sum=$(cat "$CONFIG" "$LIMITS" "$GPUS" 2>/dev/null | cksum)
        write_config
        write_limits
        write_gpus
        find "$ROOT/home" "$ROOT/shared" -mindepth 2 -maxdepth 3 -path '*/workspace/*' -exec rm -rf {} + 2>/dev/null
        if [ "$sum" != "$(cat "$CONFIG" "$LIMITS" "$GPUS" | cksum)" ] || [ -n "${ALWAYS_RESTART-}" ] ||
                ! alive "$(ds01d_pid)" || [ -e "$ROOT/restart" ]; then
                rm -f "$ROOT/restart"
                ds01d_restart
        fi
        none_left_soon || {
                note "ds01d still shows containers that are gone; it is restarted"
                ds01d_restart
        }
}

world_start() {
        world_paths
        # People run these; the checkout itself may be closed to them.
        cp -r "$HERE/contract" "$ROOT/contract"
        chmod -R a+rX "$ROOT/contract"
        take_binaries
        make_people
        make_as
        make_runtime
        open_engine
        import_images
        write_config
        write_limits
        write_gpus
        ds01d_start
}

world_end() {
        local mount pid dir

        set +e
        ds01d_stop
        if engine_is_own; then
                ! alive "$(engine_pid)" || { engine_thaw; ! engine_answers || remove_containers; }
                engine_stop
        elif [ -n "$ENGINE_SOCKET" ]; then
                remove_containers
        fi
        # What an engine that was killed has left behind names our directory.
        for pid in $(grep -als -- "$ROOT/" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
                [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || kill -KILL "$pid" 2>/dev/null
        done
        for mount in $(awk -v root="$ROOT/" 'index($5 "/", root) == 1 { print $5 }' /proc/self/mountinfo | sort -r); do
                umount -l "$mount" 2>/dev/null
        done
        find /sys/fs/cgroup -depth -type d -path "*/$CGROUP_PARENT*" -exec rmdir {} + 2>/dev/null
        remove_people
        [ -n "$1" ] || rm -rf --one-file-system "$ROOT"
}
