#!/bin/bash
# The real static ds01-init as people's containers run it: as supervisor of a shell, as
# container-exit, and as PID 1 of a PID namespace. TAP on stdout.
# usage: test-init.sh PATH/TO/ds01-init
set -u

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cp "$1" "$dir/ds01-init" && ln -s ds01-init "$dir/container-exit" || exit 1
init=$dir/ds01-init
export PATH=$dir:$PATH
unset DS01_SHELL_PID
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

skip() {
        count=$((count + 1))
        echo "ok $count - $1 # SKIP $2"
}

# Waits at most 5 s until the command succeeds.
eventually() {
        local i
        for i in $(seq 250); do
                "$@" && return 0
                sleep 0.02
        done
        return 1
}
gone() { ! kill -0 "$1" 2>/dev/null; }
filled() { [ -s "$1" ]; }
# Whole milliseconds since the start that `now` printed.
now() { date +%s%N; }
since() { echo $((($(now) - $1) / 1000000)); }
within() { [ "$1" -lt "$2" ] && echo yes || echo "$1 ms"; }

# --- the supervisor of a shell ---------------------------------------------------------------

out=$("$init" shell <<<'echo out; echo err >&2; exit 42' 2>"$dir/err")
check 'a here-document: exit code' 42 $?
check 'a here-document: output' out "$out"
check 'a here-document: standard error' err "$(cat "$dir/err")"
"$init" shell </dev/null
check 'no input at all' 0 $?
"$init" shell <<<'kill -KILL $$'
check 'a shell that is killed' 137 $?
check 'PATH gets /.ds01 once' /bin:/.ds01 \
        "$(PATH=/bin "$init" shell -- sh -c "exec $init shell" <<<'echo $PATH')"
check 'without PATH there is one' /bin:/.ds01 \
        "$(env -u PATH "$init" shell <<<'echo $PATH' | grep -o '/bin:/\.ds01$')"
check 'a login shell' on "$("$init" shell -l <<<'shopt -q login_shell && echo on')"
check 'the shell knows its supervisor' ds01-init \
        "$("$init" shell <<<'cat /proc/$DS01_SHELL_PID/comm')"

check 'a command: arguments as they are' 'a b|c' \
        "$("$init" shell -- printf '%s|%s' 'a b' c)"
"$init" shell -- sh -c 'exit 7'
check 'a command: exit code' 7 $?
message=$("$init" shell -- no-such-command 2>&1)
check 'a command that does not exist: code' 127 $?
check 'a command that does not exist: words' "ds01: cannot run 'no-such-command': not found" \
        "$message"
"$init" shell -- /etc/passwd 2>/dev/null
check 'a command that is not executable' 126 $?
"$init" shell --bogus 2>/dev/null
check 'a wrong argument' 2 $?
"$init" 2>/dev/null
check 'PID 1 only as PID 1' 2 $?

export DIR=$dir
"$init" shell <<'SCRIPT' &
sleep 100 & echo $! >"$DIR/sleep"
nohup sleep 101 >/dev/null 2>&1 & echo $! >"$DIR/nohup"
sleep 0.2; echo ready >"$DIR/ready"
wait
SCRIPT
supervisor=$!
eventually filled "$dir/ready"
kill -HUP $supervisor
wait $supervisor
check 'hangup: code' 129 $?
eventually gone "$(cat "$dir/sleep")"
check 'hangup: what the script ran ends' 0 $?
kill -0 "$(cat "$dir/nohup")" 2>/dev/null
check 'hangup: what runs under nohup stays' 0 $?
kill "$(cat "$dir/nohup")"

rm "$dir/ready"
"$init" shell <<<'trap "" HUP; echo ready >"$DIR/ready"; while :; do sleep 0.1; done' &
supervisor=$!
eventually filled "$dir/ready"
kill -HUP $supervisor
wait $supervisor
check 'hangup: a shell that ignores it is killed' 137 $?

# --- container-exit --------------------------------------------------------------------------

start=$(now)
out=$("$init" shell <<'SCRIPT'
sleep 102 >/dev/null 2>&1 & echo $! >"$DIR/background"
echo before
container-exit
echo after
exit 9
SCRIPT
)
check 'container-exit: code' 0 $?
check 'container-exit: the rest is not run' before "$out"
check 'container-exit: at once' yes "$(within "$(since "$start")" 1500)"
kill "$(cat "$dir/background")" 2>/dev/null
check 'container-exit: the background goes on' 0 $?
out=$(printf 'sh\nsh\necho before\ncontainer-exit\necho after\n' | "$init" shell)
check 'container-exit: from shells within shells' '0 before' "$? $out"
message=$(container-exit 2>&1)
check 'container-exit: outside, code' 1 $?
check 'container-exit: outside, words' 'ds01: not inside a ds01 shell: type exit' "$message"
message=$(DS01_SHELL_PID=$$ container-exit 2>&1)
check 'container-exit: not fooled by another process' 1 $?
container-exit --help | grep -q '^Usage: container-exit'
check 'container-exit: help' 0 $?
container-exit now 2>/dev/null
check 'container-exit: a wrong argument' 2 $?

# --- with a terminal -------------------------------------------------------------------------

# tty LINES...: types the lines into a shell on a terminal; prints what the terminal shows.
tty() {
        { sleep 0.3; printf '%s\n' "$@"; sleep 0.3; } |
                HOME=$dir HISTFILE=$dir/history script -qec "$init shell" /dev/null 2>&1
}
tty 'exit 33' >/dev/null
check 'terminal: exit code' 33 $?
tty 'sleep 103 >/dev/null 2>&1 </dev/null & echo $! >$DIR/job' 'container-exit' 'exit 9' >/dev/null
check 'terminal: container-exit' 0 $?
kill "$(cat "$dir/job")" 2>/dev/null
check 'terminal: container-exit leaves jobs alone' 0 $?
rm -f "$dir/history"
tty 'echo remembered' 'container-exit' >/dev/null
check 'terminal: container-exit keeps the history' 'echo remembered' \
        "$(head -n 1 "$dir/history" 2>/dev/null)"
tty $'sleep 104\003' 'exit 34' >/dev/null
check 'terminal: Ctrl-C ends the command and not the shell' 34 $?

rm -f "$dir/ready"
{ sleep 0.3; echo 'echo $DS01_SHELL_PID >$DIR/ready; sleep 105'; sleep 3; } |
        HOME=$dir script -qec "$init shell" /dev/null >/dev/null 2>&1 &
eventually filled "$dir/ready"
supervisor=$(cat "$dir/ready")
eventually pgrep -x sleep -g "$supervisor" >/dev/null
start=$(now)
kill -HUP "$supervisor"
eventually gone "$supervisor"
check 'terminal: hangup ends the shell' yes "$(within "$(since "$start")" 1500)"
wait

# --- PID 1 -----------------------------------------------------------------------------------

# Runs what follows as PID 1 of a new PID namespace, with its own /proc.
namespace=(unshare --pid --fork --mount-proc --kill-child)

# start_pid1 ARGS...: the reaper in a namespace; $outer is unshare, $pid1 the reaper seen from here.
start_pid1() {
        "${namespace[@]}" "$init" "$@" &
        outer=$!
        eventually pgrep -P $outer >/dev/null
        pid1=$(pgrep -P $outer)
        eventually grep -q '^ds01-init$' "/proc/$pid1/comm"
}
# enter COMMAND...: as the engine's exec does, a process of the namespace that is no child of PID 1.
enter() { nsenter -t "$pid1" -p -m "$@"; }

if ! "${namespace[@]}" true 2>/dev/null; then
        skip 'PID 1' 'PID namespaces are not permitted here'
        echo "1..$count"
        exit 0
fi

start_pid1
start=$(now)
kill -TERM "$pid1"
wait $outer
check 'PID 1: stops with code 0' 0 $?
check 'PID 1: an idle container stops at once' yes "$(within "$(since "$start")" 1000)"

start_pid1
enter sh -c '(sleep 0.1 & exec true) & sleep 0.4'
check 'PID 1: orphans are reaped' '' "$(ps -o stat= --ppid "$pid1" | grep Z)"
cpu=$(awk '{ print $14 + $15 }' "/proc/$pid1/stat")
check 'PID 1: idle costs nothing' yes "$([ "$cpu" -lt 5 ] && echo yes)"
enter "$init" shell <<<'trap "sleep 0.5; echo saved >$DIR/saved; exit" TERM
echo ready >$DIR/saving; while :; do sleep 0.05; done' &
{ sleep 0.2; echo 'echo ready >$DIR/interactive'; sleep 3; } |
        script -qfec "nsenter -t $pid1 -p -m $init shell" /dev/null >/dev/null 2>&1 &
eventually filled "$dir/interactive"
eventually filled "$dir/saving"
start=$(now)
kill -TERM "$pid1"
wait $outer
check 'PID 1: shells end at a stop' yes "$(within "$(since "$start")" 2000)"
check 'PID 1: a stop waits for a checkpoint' saved "$(cat "$dir/saved" 2>/dev/null)"

start_pid1
enter sh -c 'trap "" TERM HUP; echo $$ >"$DIR/stubborn"; while :; do sleep 0.1; done' &
eventually filled "$dir/stubborn"
kill -TERM "$pid1"
sleep 0.3
check 'PID 1: waits for who ignores everything' 0 "$(kill -0 "$pid1"; echo $?)"
kill -KILL "$pid1"
wait

"${namespace[@]}" "$init" -- sh -c 'exit 21'
check 'PID 1: code of its command' 21 $?
"${namespace[@]}" "$init" -- no-such-command 2>/dev/null
check 'PID 1: its command does not exist' 127 $?
start_pid1 -- sh -c 'trap "exit 5" USR1; echo ready >"$DIR/command"; while :; do sleep 0.05; done'
eventually filled "$dir/command"
kill -USR1 "$pid1"
wait $outer
check 'PID 1: forwards signals to its command' 5 $?
start_pid1 -- sleep 106
kill -TERM "$pid1"
wait $outer
check 'PID 1: a stop ends its command' 143 $?

# --- an image with busybox only --------------------------------------------------------------

box=$(command -v busybox)
if [ -z "$box" ] || ! mkdir -p "$dir/root/bin" "$dir/root/.ds01" "$dir/root/proc" ||
        ! cp "$box" "$dir/root/bin/sh" || ! chroot "$dir/root" /bin/sh -c : 2>/dev/null; then
        skip 'busybox' 'no static busybox, or no chroot'
else
        cp -P "$init" "$dir/container-exit" "$dir/root/.ds01/"
        mount --bind /proc "$dir/root/proc" 2>/dev/null && mounted=yes
        out=$(chroot "$dir/root" /.ds01/ds01-init shell <<<'echo in sh; exit 3')
        check 'busybox: sh' '3 in sh' "$? $out"
        if [ "${mounted-}" ]; then
                out=$(chroot "$dir/root" /.ds01/ds01-init shell <<<'echo x
container-exit
echo y')
                check 'busybox: container-exit' '0 x' "$? $out"
                umount "$dir/root/proc"
        fi
        rm "$dir/root/bin/sh"
        chroot "$dir/root" /.ds01/ds01-init shell </dev/null 2>/dev/null
        check 'an image without a shell' 127 $?
fi

echo "1..$count"
