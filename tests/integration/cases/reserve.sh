# Reservations: others are kept from what is reserved, holders keep what they have and are told.

# reserve [ARGUMENT...]: by an administrator.
reserve() {
        run env DS01_SOCKET="$ADMIN_SOCKET" $(sanitizer_env 0) "$ROOT/ds01" reserve "$@"
        [ "$RC" = 0 ] || fail "exit code $RC"
}

cancel_all() {
        local id

        reserve --format=json
        for id in $(jq '.[].id | select(. != null)' <<<"$OUT"); do
                reserve --cancel="$id"
        done
}

test_kept_for_its_people() {
        ok as alice container-create mine
        reserve 3 now 2h --for="$(login bob)"
        expect_out "^Reserved 3 GPUs from .* for $(login bob)"
        ok as carol ds01 reserve
        expect_out "^[0-9]+ +3 +$(login bob) .* now$"
        ok as carol ds01 gpus
        expect_out "^GPU-1 .* reserved until .* $(login bob)"
        no 3 as carol container-create hers
        expect_err '0 of 4 free.*3 kept for others'
        # What one has, one keeps.
        ok as alice container-start mine
        ok as bob container-create his --gpu=3
        # The list outlives ds01d.
        ok as bob container-remove his
        ds01d_kill
        ds01d_start
        no 3 as carol container-create hers
        cancel_all
        ok as carol container-create hers
        no 5 as bob ds01 reserve 1 now 2h --for="$(login bob)"
        expect_err 'administrator'
        no 2 as bob ds01 reserve 1 soon 2h --for="$(login bob)"
        no 2 as bob ds01 reserve 1 now
        expect_invariants
}

test_told_before() {
        ok as alice container-create mine --gpu=3
        reserve 2 "$(date -d '+4 minutes' '+%Y-%m-%d %H:%M')" 2h --for="$(login bob)"
        # The call itself has said it.
        ok as alice container-list
        expect_err '2 GPUs are reserved for others.*container-stop mine'
        # It would still run then: max_runtime_h is not set.
        no 3 as carol container-create hers
        cancel_all
}

test_limits_file() {
        set_limits <<END
defaults: {max_gpu_equivalents: 4, max_gpu_slots_per_container: 4, memory: 512m}
reservations:
  - gpus: 4
    users: [$(login bob)]
    weekly: sun mon tue wed thu fri sat
    from: 0:00
    to: 24:00
    reason: everything, always
END
        ok as carol ds01 reserve
        expect_out '4 .* now, weekly$'
        no 3 as carol container-create hers
        ok as bob container-create his --gpu=4
}
