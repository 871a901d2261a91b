# ds01 doctor: is the host fit? What it finds is the machine's own; the tests change what is ours.

# doctor CODE [OPTION...]: by root; the exit code is to be one of "CODE|CODE".
doctor() {
        local code=$1

        shift
        run env DS01D="$DS01D" $(sanitizer_env 0) "$ROOT/ds01" doctor --config="$CONFIG" "$@"
        [[ "|$code|" == *"|$RC|"* ]] || fail "exit code is $RC, wanted $code"
}

found() { # CHECK: how many findings
        jq --arg check "$1" '[.findings[] | select(.rule == $check)] | length' <<<"$OUT"
}

test_finds_and_says_what_mends_it() {
        doctor '0|1' --format=json
        ! grep event= <<<"$ERR" || fail 'lines of a log are among what a person reads'
        expect_json '[.findings[] | select(.mend == "" or .meaning == "" or .finding == "")] | length' 0
        expect_json '.ds01d' true
        equal "$(found paths)$(found limits)$(found ds01d)" 000 'findings of what is ours'
        chmod 644 "$STATE/seal.key"
        chmod 777 "$STATE"
        doctor 1 --format=json
        equal "$(found paths)" 2 'findings'
        doctor 1
        expect_out "^$STATE/seal.key: not only root can read it"
        expect_out '^  Rule +paths$'
        expect_out '^  Mend +chown root .*; chmod go-rwx '
        chmod 600 "$STATE/seal.key"
        chmod 711 "$STATE"
        printf 'defaults:\n  max_cpu: 3\n' >"$LIMITS"
        doctor 1 --format=json
        equal "$(found limits)" 1 'findings'
        expect_out 'resource-limits.yaml:2'
        no 5 as alice ds01 doctor
        expect_err 'only root'
}

test_people_who_are_root_by_a_group() {
        getent group docker >/dev/null || skip 'this machine has no group docker'
        ! id -nG "$(login alice)" | grep -qw docker || fail 'alice is in it'
        gpasswd --add "$(login alice)" docker >/dev/null
        doctor 1
        gpasswd --delete "$(login alice)" docker >/dev/null
        expect_out "^docker: people in this group: .*$(login alice)"
}

test_without_ds01d_and_engine() {
        need_own_engine
        ds01d_stop
        engine_stop
        doctor 1 --format=json
        expect_json '.ds01d' false
        equal "$(found ds01d)$(found engine)" 11 'findings'
}
