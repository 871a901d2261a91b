# Full-screen commands in a real terminal (tmux): keys in, screen looked at.

a_project() {
        local dir=$ROOT/home/alice/workspace/thesis

        as alice mkdir -p "$dir"
        printf '%s\n' 'FROM ds01-base:latest' '# ds01:begin packages' \
                "RUN pip install 'pandas>=2.0' timm" '# ds01:end packages' \
                'RUN echo by hand' | as alice tee "$dir/Dockerfile" >/dev/null
        DOCKERFILE=$dir/Dockerfile
}

test_images_and_projects_are_offered() {
        a_project
        printf 'FROM ds01-base:latest\n' | as alice tee "$DOCKERFILE" >/dev/null
        terminal 80x24 -- image-create
        see '^> thesis +no image'
        keys Enter
        see "^Built image 'ds01-$FIRST_UID/thesis:latest'" 60
        ended 0
        terminal 80x24 -- image-delete
        see '^> \[ \] thesis +[0-9.]+[KMG]?B +just now'
        keys Enter
        see 'thesis\? \[y/N\]'
        keys y Enter
        see '^Deleted image'
        ended 0
        terminal 80x24 -- image-delete
        see 'you have no image$'
        ended 4
        terminal 80x24 -- container-restore
        see 'nothing is kept'
        ended 4
        terminal 80x24 -- project-launch
        see '^> thesis +no image'
        keys C-c
        see 'Nothing was chosen'
        ended 1
}
