# Attacks on directories: what is judged and what is mounted must be the same, however quickly somebody
# changes it in between. Five seconds each; with --full a minute.

RACE_S=${RACE_S:-5}
[ -z "${full-}" ] || RACE_S=60

# swap A B: alice exchanges the two names as quickly as the kernel can; its pid in SWAP.
swap() {
        "$ROOT/as" alice /usr/bin/python3 -c '
import ctypes, sys, time
rename = ctypes.CDLL(None, use_errno=True).renameat2
a, b = (p.encode() for p in sys.argv[1:3])
end = time.time() + float(sys.argv[3])
n = 0
while time.time() < end:
    for i in range(1000):
        rename(-100, a, -100, b, 2)
    n += 1000
print(n)' "$1" "$2" "$((RACE_S + 120))" >"$WORK/swaps" 2>&1 &
        SWAP=$!
}

# pinned: the files at the top of all that is pinned now.
pinned() {
        local mount

        for mount in $(awk -v dir="$RUN_DIR/pin/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo); do
                ls -A "$mount"
        done
}

# race PATH: creates and removes containers on it until the time is over. What was mounted is what she
# owns, or nothing was.
race() {
        local end=$((SECONDS + RACE_S)) taken=0 refused=0 seen

        while [ $SECONDS -lt $end ]; do
                api alice POST /containers "{\"name\": \"race\", \"gpus\": 0, \"workspace\": \"$1\"}"
                case $API_STATUS in
                2??)
                        taken=$((taken + 1))
                        seen=$(pinned)
                        [ "$seen" = mine ] || fail "mounted: $seen"
                        api alice POST /containers/race/start '{}'
                        if [ "$API_STATUS" = 200 ]; then
                                seen=$(ls -A "/proc/$(engine_inspect alice race .State.Pid)/root/workspace")
                                [ "$seen" = mine ] || fail "mounted: $seen"
                        fi
                        api alice DELETE '/containers/race?stop=true&no_keep=true'
                        [ "$API_STATUS" = 200 ] || fail "status $API_STATUS: $OUT"
                        ;;
                403 | 404 | 400 | 409) refused=$((refused + 1)) ;;
                *) fail "status $API_STATUS" ;;
                esac
        done
        kill $SWAP 2>/dev/null || true
        wait $SWAP || true
        note "$taken taken, $refused refused"
        [ $taken -gt 0 ] && [ $refused -gt 0 ] || fail "no race: $taken taken, $refused refused"
        api alice DELETE '/containers/race?stop=true&no_keep=true'
        expect_invariants
}

hers() { # DIRECTORY: with one file
        mkdir -p "$1"
        touch "$1/mine"
        chown -R $FIRST_UID:$FIRST_UID "$ROOT/home/alice"
}

test_directory_exchanged_for_a_link() {
        local home=$ROOT/home/alice

        hers "$home/race"
        touch "$ROOT/home/bob/private"
        as alice ln -sfn "$ROOT/home/bob" "$home/link"
        swap "$home/race" "$home/link"
        race "$home/race"
        rm -rf "$home/race" "$home/link"
}

test_parent_exchanged_for_a_link() {
        local home=$ROOT/home/alice

        hers "$home/parent/etc"
        as alice ln -sfn / "$home/link"
        swap "$home/parent" "$home/link"
        race "$home/parent/etc"
        rm -rf "$home/parent" "$home/link"
}

# What a container does with its workspace does not lead ds01d anywhere when it is started again.
test_links_made_inside() {
        local home=$ROOT/home/alice

        hers "$home/work"
        ok as alice container-create thesis --cpu-only --workspace="$home/work"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'ln -s /etc/shadow .bashrc; ln -s /etc link; ln -s / root; mkfifo pipe; touch $HOME/x;
                rm -rf $HOME/.bashrc; ln -s /etc/shadow $HOME/.bashrc; ln -s / $HOME/.cache'
        ok as alice container-stop thesis
        ok as alice container-start thesis
        ok as alice container-remove thesis --stop
        [ -L "$home/work/link" ] || fail 'the link is gone'
        [ -e /etc/passwd ] && [ -e "$ROOT/home/bob/workspace" ] || fail 'a link was followed when something was removed'
        rm -rf "$home/work"
}
