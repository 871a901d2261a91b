# image-create and image-update: Dockerfiles written, changed and really built.
# timeout: 300

workspace() {
        echo "$ROOT/home/alice/workspace"
}

test_builds_the_file_that_is_there() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\n# by hand\nRUN echo made >/made\n' | as alice tee "$dir/Dockerfile" >/dev/null
        sum=$(cksum <"$dir/Dockerfile")
        ok as alice image-create thesis
        expect_out "^Built image 'ds01-$FIRST_UID/thesis:latest'"
        ok as alice container-create thesis --cpu-only
        expect_out "ds01-$FIRST_UID/thesis:latest"
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /made
        equal "$OUT" made "what the build made"
        # Never written over, whatever is asked for.
        no 1 as alice image-create thesis --framework=jax
        expect_err 'never written over'
        equal "$(cksum <"$dir/Dockerfile")" "$sum" "the hand-written file"
}

test_writes_one_where_there_is_none() {
        ok as alice image-create fresh --base=ds01-base:latest -t custom --no-build
        expect_out "^Wrote .*/fresh/Dockerfile$"
        expect_err '^FROM ds01-base:latest$'
        grep -q '^USER 65534:65534$' "$(workspace)/fresh/Dockerfile" || fail "it ends as root"
        no 4 as alice image-create nothing-here
        expect_err 'image-create nothing-here --framework'
        no 2 as alice image-create other --framework=pytroch
        expect_err "did you mean 'pytorch'"
        no 2 as alice image-create other --base=ds01-base -p 'x;touch /tmp/pwned'
        [ ! -e "$(workspace)/other" ] || fail "a directory is left of what was refused"
}

test_update_keeps_what_is_not_its_own() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        # The stand-in for pip writes down what it was asked to install.
        as alice tee "$dir/Dockerfile" >/dev/null <<'END'
FROM ds01-base:latest
# by hand
RUN printf '#!/bin/sh\necho "$@" >>/installed\n' >/bin/pip && chmod 755 /bin/pip
CMD ["sh"]
END
        cp "$dir/Dockerfile" "$WORK/before"
        ok as alice image-create thesis
        ok as alice container-create thesis --cpu-only
        ok as alice image-update thesis --add='numpy<2 timm'
        expect_out "Changed $dir/Dockerfile"
        expect_out 'go on with the old image: thesis'
        grep -v '^# ds01:\|^RUN PIP_\|^        \|^$' "$dir/Dockerfile" | cmp - "$WORK/before" ||
                fail "lines of its owner have changed"
        [ ! -e "$dir/Dockerfile.before-update" ] || fail "the backup has outlived the build"
        no 4 as alice image-update thesis --remove=tinm
        expect_err "did you mean 'timm'\?"
        ok as alice image-update thesis --remove=timm --add=einops --recreate
        expect_state alice thesis created
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /installed
        equal "$OUT" 'install --no-cache-dir numpy<2 einops' "what pip was asked for"
}

test_failed_update_leaves_the_image() {
        local dir before

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN true\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        before=$(engine GET "/images/ds01-$FIRST_UID/thesis:latest/json" | jq -r .Id)
        no 1 as alice image-update thesis --add=numpy # there is no pip
        expect_err 'pip'
        expect_err 'line [0-9]+'
        expect_err 'Dockerfile.before-update'
        equal "$(engine GET "/images/ds01-$FIRST_UID/thesis:latest/json" | jq -r .Id)" "$before" "the image"
        cmp "$dir/Dockerfile.before-update" <(printf 'FROM ds01-base:latest\nRUN true\n') || fail "the backup is another file"
        no 4 as alice image-update thesis --remove=nothing
        # Mended by hand and built, that is the file to go back to from now on.
        printf 'FROM ds01-base:latest\nRUN true\nRUN echo mended\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        no 1 as alice image-update thesis --add=numpy
        grep -q mended "$dir/Dockerfile.before-update" || fail "the backup is older than the image"
}

test_what_people_have_beside_the_dockerfile_stays() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\n' | as alice tee "$dir/Dockerfile" >/dev/null
        echo 'a copy of my own' | as alice tee "$dir/Dockerfile.bak" >/dev/null
        ok as alice image-update thesis --rebuild
        equal "$(cat "$dir/Dockerfile.bak")" 'a copy of my own' "the copy"
        # Names that only one kind of package can have; nothing is built, there is no apt.
        no 1 as alice image-update thesis --add-system='g++ libstdc++6'
        run as alice image-update thesis --remove='libstdc++6, g++'
        expect_out 'Changed '
        equal "$RC" 0 "exit code"
}

# What a container was made with is what it has afterwards, also when its GPUs were given back.
test_recreated_as_it_was() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir" "$(workspace)/elsewhere"
        printf 'FROM ds01-base:latest\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        ok as alice container-create thesis --project=thesis --gpu=2 --workspace="$(workspace)/elsewhere"
        ok as alice container-start thesis
        ok as alice container-stop thesis --release
        ok as alice image-update thesis --rebuild --recreate
        ok as alice container-list --all --format=json
        expect_json '.[0].gpu_count, .[0].workspace' "2
$(workspace)/elsewhere"
}

# An index of packages as pip asks it, in the engine's network, where RUN instructions are too.
package_index() {
        need_own_engine
        ! engine_is_podman || skip "podman's builds have a network of their own here"
        nsenter --target "$(engine_pid)" --net ip link set lo up
        mkdir -p "$WORK/index/simple/einops" "$WORK/index/simple/numpy"
        echo 'einops 0.8.0' >"$WORK/index/simple/einops/index.html"
        echo 'numpy 1.26.4' >"$WORK/index/simple/numpy/index.html"
        nsenter --target "$(engine_pid)" --net busybox httpd -f -p 127.0.0.1:8099 -h "$WORK/index" &
        wait_until 5 nsenter --target "$(engine_pid)" --net curl -sf http://127.0.0.1:8099/simple/numpy/
        write_config images.build_network=host images.pip_index=http://127.0.0.1:8099/simple
        ds01d_restart
}

# An image with a pip that fetches what it is asked for from $PIP_INDEX_URL, and fails as pip does.
pip_image() {
        as alice mkdir "$(workspace)/base"
        as alice tee "$(workspace)/base/pip" >/dev/null <<'END'
#!/bin/sh
for word; do
        case $word in install | -*) continue ;; esac
        name=${word%%[<>=!~[]*}
        wget -q -O - "$PIP_INDEX_URL/$name/" >>/installed || { echo "ERROR: No matching distribution found for $word"; exit 1; }
done
END
        printf 'FROM ds01-base:latest\nCOPY pip /bin/pip\nRUN chmod 755 /bin/pip\n' | as alice tee "$(workspace)/base/Dockerfile" >/dev/null
        ok as alice image-create base
}

test_packages_come_from_the_sites_index() {
        package_index
        pip_image
        ok as alice image-create thesis --base="ds01-$FIRST_UID/base:latest" -t custom -p 'einops numpy<2' --no-build
        # The base has no apt; a person takes that part out.
        as alice sed -i '/^# ds01:begin system/,/^# ds01:end system/d' "$(workspace)/thesis/Dockerfile"
        ok as alice image-create thesis
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- cat /installed
        equal "$OUT" $'einops 0.8.0\nnumpy 1.26.4' "what was installed"
        # Nothing of the site's address stays in the image.
        ok as alice container-attach thesis -- sh -c 'echo "<$PIP_INDEX_URL>"'
        equal "$OUT" '<>' "the address in the container"
        no 1 as alice image-update thesis --add=no-such-package
        expect_err 'No matching distribution found for no-such-package'
}

test_requirements_files() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        no 4 as alice image-create thesis -r nowhere.txt
        head -c 100 /dev/urandom | as alice tee "$dir/binary.txt" >/dev/null
        no 1 as alice image-create thesis -r binary.txt --base=ds01-base:latest
        expect_err 'not a text file'
        printf 'numpy\n-e ./here\n' | as alice tee "$dir/options.txt" >/dev/null
        no 1 as alice image-create thesis -r options.txt --base=ds01-base:latest
        expect_err 'line 2'
        [ ! -e "$dir/Dockerfile" ] || fail "a Dockerfile was written"
        printf -- '--index-url https://x/simple\nnumpy<2 ; python_version<"3.13"\nhttps://host/x.whl\n' | as alice tee "$dir/good.txt" >/dev/null
        ok as alice image-create thesis -r "$dir/good.txt" --base=ds01-base:latest --no-build
        grep -q '^COPY \["good.txt", ' "$dir/Dockerfile" || fail "it is not copied"
}

test_directories_that_are_odd() {
        local dir i

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nCOPY . /all\n' | as alice tee "$dir/Dockerfile" >/dev/null
        # A file of 10 GB and a directory of data: named, and left out by a line.
        as alice truncate -s 10G "$dir/huge"
        as alice mkdir "$dir/data"
        echo /huge | as alice tee "$dir/.dockerignore" >/dev/null
        echo data | as alice tee -a "$dir/.dockerignore" >/dev/null
        ok as alice image-create thesis
        as alice rm "$dir/huge" "$dir/.dockerignore"
        # More than the site takes: said before anything is sent, with what is the largest.
        as alice truncate -s 25G "$dir/huge"
        no 1 as alice image-create thesis
        expect_err '25GB.*20GB at most.*huge \(25GB\)'
        as alice rm "$dir/huge"
        # A name that no image can have: nothing is made.
        no 2 as alice image-create a._b --framework=pytorch
        [ ! -e "$(workspace)/a._b" ] || fail "a directory was made"
        # One that its owner cannot read.
        as alice touch "$dir/secret"
        as alice chmod 0 "$dir/secret"
        no 5 as alice image-create thesis
        expect_err "can't read 'secret'"
        as alice rm "$dir/secret"
        # A hundred thousand files.
        as alice mkdir "$dir/many"
        as alice sh -c "cd '$dir/many' && seq 100000 | xargs touch"
        ok as alice image-create thesis
        as alice rm -r "$dir/many"
        # The project is a link to a directory elsewhere of its owner's: read as she may.
        as alice mv "$dir" "$ROOT/home/alice/elsewhere"
        as alice ln -s "$ROOT/home/alice/elsewhere" "$dir"
        ok as alice image-create thesis
        echo numpy | as alice tee "$dir/more.txt" >/dev/null
        as alice rm "$dir/Dockerfile"
        ok as alice image-create thesis -r "$dir/more.txt" --base=ds01-base:latest --no-build
        grep -q '^COPY \["more.txt", ' "$dir/Dockerfile" || fail "a file of the project was taken for one from outside"
        as alice rm "$dir"
        as alice ln -s /root "$dir"
        run as alice image-create thesis
        [ "$RC" != 0 ] || fail "exit code 0"
        [ -n "$ERR" ] || fail "nothing says why"
        as alice rm -rf "$dir" "$ROOT/home/alice/elsewhere"
}

test_engine_restarted_while_building() {
        local dir

        need_own_engine
        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN sleep 30\n' | as alice tee "$dir/Dockerfile" >/dev/null
        spawn build alice image-create thesis
        wait_until 20 grep -q 'sleep 30' "$WORK/build.err"
        engine_kill
        join build $SPAWNED
        [ "$RC" = 1 ] || [ "$RC" = 6 ] || fail "exit code $RC"
        [ -n "$ERR" ] || fail "nothing says why"
        engine_start
        wait_until 20 eval 'as alice image-list >/dev/null 2>&1'
        ok as alice image-list
        expect_no_out thesis
}

test_another_dockerfile() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir -p "$dir/docker"
        printf 'FROM ds01-base:latest\nCOPY here /here\n' | as alice tee "$dir/docker/Other" >/dev/null
        echo file | as alice tee "$dir/here" >/dev/null
        ok as alice image-create thesis --dockerfile="$dir/docker/Other"
        # One that is not in the project at all.
        as alice mv "$dir/docker/Other" "$ROOT/home/alice/Elsewhere"
        ok as alice image-create thesis --dockerfile="$ROOT/home/alice/Elsewhere"
        no 4 as alice image-create thesis --dockerfile=nowhere
        no 2 as alice image-create thesis --dockerfile="$ROOT/home/alice/Elsewhere" -p numpy
        [ ! -e "$dir/Dockerfile" ] || fail "a Dockerfile was written"
        as alice rm "$ROOT/home/alice/Elsewhere"
}

test_editing_by_hand() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\n' | as alice tee "$dir/Dockerfile" >/dev/null
        printf '#!/bin/sh\necho "RUN echo edited >/edited" >>"$2"\n' >"$WORK/editor"
        chmod 755 "$WORK/editor"
        # As git takes it: with an option.
        ok as alice EDITOR="$WORK/editor --wait" image-update thesis --edit
        grep -q edited "$dir/Dockerfile" || fail "the editor was not run"
        [ ! -e "$dir/Dockerfile.before-update" ] || fail "the backup has outlived the build"
        no 1 as alice EDITOR=false image-update thesis --edit
        expect_err 'nothing is built'
}

test_ctrl_c_cancels_a_build() {
        local dir

        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-base:latest\nRUN sleep 60\n' | as alice tee "$dir/Dockerfile" >/dev/null
        spawn build alice image-create thesis
        wait_until 20 grep -q 'sleep 60' "$WORK/build.err"
        kill -INT $SPAWNED
        join build $SPAWNED
        equal "$RC" 130 "exit code"
        # The next one is not refused for the one that was cancelled.
        printf 'FROM ds01-base:latest\n' | as alice tee "$dir/Dockerfile" >/dev/null
        wait_until 20 as alice image-create thesis
}

# A base with the real Python, pip, apt and dpkg of this machine.
real_tools_image() {
        local root=$WORK/real/image file

        mkdir -p "$WORK/real"
        cp -a "$ROOT/image" "$root"
        for file in /usr/bin/python3.11 /usr/bin/apt-get /usr/bin/dpkg /usr/bin/dpkg-deb /usr/bin/dpkg-split /bin/tar \
                /usr/lib/apt/methods/http /usr/lib/apt/methods/store /usr/lib/apt/methods/copy /usr/lib/apt/methods/gpgv; do
                copy_program "$file" "$root"
        done
        mkdir -p "$root/usr/lib/python3.11" "$root/opt/pip" "$root/var/lib/dpkg"/{info,updates,triggers} "$root/etc/apt" \
                "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial" "$root/etc/dpkg" "$root/sbin" \
                "$root/etc/apt"/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} "$root/var/log/apt" "$root/usr/share"
        cp -r /usr/share/dpkg "$root/usr/share/"
        (cd /usr/lib/python3.11 && tar -c --exclude=__pycache__ --exclude=test --exclude='config-*' --exclude=idlelib \
                --exclude=tkinter --exclude=lib2to3 .) | tar -xC "$root/usr/lib/python3.11"
        for file in "$root"/usr/lib/python3.11/lib-dynload/*.so; do
                copy_program "/usr/lib/python3.11/lib-dynload/${file##*/}" "$root"
        done
        python3 -m zipfile -e /usr/share/python-wheels/pip-*.whl "$root/opt/pip"
        ln -sf /usr/bin/python3.11 "$root/usr/bin/python3"
        printf '#!/bin/sh\nPYTHONPATH=/opt/pip exec /usr/bin/python3 -m pip "$@"\n' >"$root/usr/bin/pip"
        printf '#!/bin/sh\nexit 0\n' >"$root/sbin/ldconfig"
        chmod 755 "$root/usr/bin/pip" "$root/sbin/ldconfig"
        : >"$root/var/lib/dpkg/status"
        : >"$root/var/lib/dpkg/available"
        echo 'APT::Sandbox::User "root";' >"$root/etc/apt/apt.conf"
        echo 'deb [trusted=yes] http://127.0.0.1:8099/deb ./' >"$root/etc/apt/sources.list"
        (ROOT=$WORK/real && import_image ds01-real:latest)
}

# A wheel and a package of Debian's kind, as small as they get, behind the addresses of package_index.
real_packages() {
        local wheel=tinywheel-1.2-py3-none-any.whl deb=tiny-deb_1.0_all.deb

        mkdir -p "$WORK/wheel/tinywheel-1.2.dist-info" "$WORK/index/simple/tinywheel" "$WORK/deb/DEBIAN" "$WORK/deb/usr/share" "$WORK/index/deb"
        echo 'answer = 42' >"$WORK/wheel/tinywheel.py"
        printf 'Metadata-Version: 2.1\nName: tinywheel\nVersion: 1.2\n' >"$WORK/wheel/tinywheel-1.2.dist-info/METADATA"
        printf 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >"$WORK/wheel/tinywheel-1.2.dist-info/WHEEL"
        printf 'tinywheel.py,,\ntinywheel-1.2.dist-info/METADATA,,\ntinywheel-1.2.dist-info/WHEEL,,\ntinywheel-1.2.dist-info/RECORD,,\n' \
                >"$WORK/wheel/tinywheel-1.2.dist-info/RECORD"
        (cd "$WORK/wheel" && python3 -m zipfile -c "$WORK/index/simple/tinywheel/$wheel" tinywheel.py tinywheel-1.2.dist-info)
        echo "<a href=\"$wheel\">$wheel</a>" >"$WORK/index/simple/tinywheel/index.html"
        printf 'Package: tiny-deb\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: tiny\n' >"$WORK/deb/DEBIAN/control"
        echo 'from a package' >"$WORK/deb/usr/share/tiny-deb"
        dpkg-deb --root-owner-group --build "$WORK/deb" "$WORK/index/deb/$deb" >/dev/null
        {
                cat "$WORK/deb/DEBIAN/control"
                echo "Filename: ./$deb"
                echo "Size: $(stat -c %s "$WORK/index/deb/$deb")"
                echo "SHA256: $(sha256sum "$WORK/index/deb/$deb" | cut -d' ' -f1)"
        } >"$WORK/index/deb/Packages"
}

test_real_pip_and_apt() {
        local dir

        [ -e "$(echo /usr/share/python-wheels/pip-*.whl)" ] && command -v apt-get >/dev/null && [ -x /usr/bin/python3.11 ] ||
                skip "this machine has no Python 3.11 with pip's wheel, or no apt, to copy into an image"
        package_index
        real_packages
        real_tools_image
        dir=$(workspace)/thesis
        as alice mkdir "$dir"
        printf 'FROM ds01-real:latest\n' | as alice tee "$dir/Dockerfile" >/dev/null
        ok as alice image-create thesis
        ok as alice image-update thesis --add='tinywheel>=1,<2' --add-system=tiny-deb
        ok as alice container-create thesis --cpu-only
        ok as alice container-start thesis
        ok as alice container-attach thesis -- sh -c 'python3 -c "import tinywheel; print(tinywheel.answer)"; cat /usr/share/tiny-deb'
        equal "$OUT" $'42\nfrom a package' "what was installed"
        no 1 as alice image-update thesis --add='tinywheel>=2'
        expect_err 'tinywheel'
        ok as alice image-update thesis --remove='tinywheel tiny-deb' --recreate
        ok as alice container-attach thesis -- sh -c 'python3 -c "import tinywheel" 2>/dev/null || echo gone'
        equal "$OUT" gone "what was taken away"
}
