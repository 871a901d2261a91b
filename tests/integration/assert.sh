# Assertions and small helpers of the test cases. A case runs under `set -e` in a subshell of its
# own; fail and skip end it.

fail() {
        echo "FAILED: $*"
        echo "  at: $(caller 0 | cut -d' ' -f1,3) $(caller 1 | cut -d' ' -f1,2) $(caller 2 | cut -d' ' -f1,2)"
        if [ -n "${RUN_COMMAND-}" ]; then
                echo "  last command: $RUN_COMMAND"
                echo "  exit code: ${RC-}"
                echo "  stdout: ${OUT-}" | head -c 2000 | head -40
                echo
                echo "  stderr: ${ERR-}" | head -c 2000 | head -40
        fi
        exit 1
}

skip() {
        echo "SKIP: $*"
        exit 77
}

# Runs a command and keeps what came of it in RC, OUT and ERR.
run() {
        RUN_COMMAND="$*"
        RC=0
        "$@" >"$WORK/out" 2>"$WORK/err" || RC=$?
        OUT=$(tr -d '\0' <"$WORK/out")
        ERR=$(tr -d '\0' <"$WORK/err")
}

# ok COMMAND...: must succeed. no CODE COMMAND...: must end with that exit code and say why.
ok() {
        run "$@"
        [ "$RC" = 0 ] || fail "exit code $RC, wanted 0"
}

no() {
        local wanted=$1

        shift
        run "$@"
        [ "$RC" = "$wanted" ] || fail "exit code $RC, wanted $wanted"
        [ -n "$ERR" ] || fail "nothing on stderr says why"
        case $ERR in
        *AddressSanitizer* | *"runtime error"* | *"Segmentation fault"*) fail "it crashed" ;;
        esac
}

expect_out() { # an extended regular expression
        grep -qE -e "$1" <<<"$OUT" || fail "stdout has no match of: $1"
}

expect_no_out() {
        ! grep -qE -e "$1" <<<"$OUT" || fail "stdout has a match of: $1"
}

expect_err() {
        grep -qE -e "$1" <<<"$ERR" || fail "stderr has no match of: $1"
}

# expect_json FILTER VALUE: of the last command's stdout.
expect_json() {
        local got

        got=$(jq -r "$1" <<<"$OUT") || fail "stdout is not JSON"
        [ "$got" = "$2" ] || fail "$1 is '$got', wanted '$2'"
}

equal() { # equal GOT WANTED [WHAT]
        [ "$1" = "$2" ] || fail "${3-value} is '$1', wanted '$2'"
}

# wait_until SECONDS COMMAND...: polls until it succeeds.
wait_until() {
        local seconds=$1 end

        shift
        end=$((${EPOCHREALTIME/./} + ${seconds}000000))
        until "$@" >/dev/null 2>&1; do
                [ "${EPOCHREALTIME/./}" -lt "$end" ] || fail "after $seconds s still not: $*"
                sleep 0.05
        done
}

# api USER METHOD PATH [BODY [CURL-OPTION...]]: API_STATUS and the body in OUT.
api() {
        local user=$1 method=$2 path=$3 body=${4-}

        shift 3
        [ $# -eq 0 ] || shift
        RUN_COMMAND="api $user $method $path $body"
        ERR=
        [ -z "$body" ] || set -- -H 'Content-Type: application/json' -d "$body" "$@"
        RC=0
        API_STATUS=$(as "$user" curl -sS --max-time 120 --unix-socket "$DS01_SOCKET" -X "$method" \
                -o - -w '%{stderr}%{http_code}' "$@" "http://ds01/v1$path" 2>&1 >"$WORK/out") || RC=$?
        OUT=$(tr -d '\0' <"$WORK/out")
}

# The state of a container as its owner sees it; empty when there is none.
state_of() {
        api "$1" GET "/containers/$2"
        [ "$API_STATUS" = 200 ] || return 0
        jq -r .status <<<"$OUT"
}

state_is() {
        [ "$(state_of "$1" "$2")" = "$3" ]
}

expect_state() {
        local got

        got=$(state_of "$1" "$2")
        [ "$got" = "$3" ] || fail "'$2' is '$got', wanted '$3'"
}

# The devices of a container, "GPU-0,GPU-1"; empty for none.
gpus_of() {
        api "$1" GET "/containers/$2"
        jq -r '.gpu // ""' <<<"$OUT"
}

# The field $2 of the device called $1.
gpu_field() {
        api alice GET /gpus
        jq -r --arg name "$1" '.[] | select(.name == $name) | '"$2" <<<"$OUT"
}

gpu_is() { # gpu_is NAME STATE
        [ "$(gpu_field "$1" .state)" = "$2" ]
}

# engine METHOD PATH [CURL-OPTION...]: a call to the container engine itself, as root.
engine() {
        local method=$1 path=$2

        shift 2
        curl -sS --max-time 120 --unix-socket "$ENGINE_SOCKET" -X "$method" "$@" "http://d/v1.41$path"
}

# engine_inspect USER NAME FILTER
engine_inspect() {
        engine GET "/containers/$2._.$(id -u "$(login "$1")")/json" | jq -r "$3"
}

# spawn LABEL USER COMMAND...: in the background; its pid in SPAWNED, its output in
# $WORK/LABEL.out and .err, its input from $SPAWN_INPUT (default: none).
spawn() {
        local label=$1 user=$2

        shift 2
        "$ROOT/as" "$user" "$@" >"$WORK/$label.out" 2>"$WORK/$label.err" <"${SPAWN_INPUT-/dev/null}" &
        SPAWNED=$!
}

# Waits for a spawned process and keeps its outcome, as run does.
join() {
        RUN_COMMAND="(spawned) $1"
        RC=0
        wait "$2" || RC=$?
        OUT=$(tr -d '\0' <"$WORK/$1.out")
        ERR=$(tr -d '\0' <"$WORK/$1.err")
}

# Nothing that must hold is broken; what is still settling gets SECONDS.
expect_invariants() {
        local broken

        broken=$("$HERE/check-invariants" "$ROOT" "${1-5}") || {
                echo "$broken"
                fail "invariants are broken"
        }
}

# What ds01d wrote in this case so far.
case_log() {
        tac "$ROOT/ds01d.log" | sed '/^--- /q' | tac
}
