# Completion in the shells themselves, at a terminal: bash, zsh and fish ask the same program.

# shell FILE COMMAND...: an interactive one of alice's that has read the completion of that name.
shell() {
        local read=$1

        shift
        terminal 100x24 -- "$@"
        see '[%>$] *$'
        keys "$read" Enter "printf 'rea%s\\n' dy" Enter
        see '^ready$'
        keys C-l
}

# completes TYPED WANTED: what the line becomes after Tab, behind the prompt.
completes() {
        keys -l "$1"
        keys Tab
        see "[%>\$] *$2( |\$)" 15
        # Not Ctrl-C: a terminal then drops what is typed next.
        keys C-u
        see '^[%>$] *$'
        keys C-l
}

files() {
        # Where alice can read them: the build may be in a directory of root's.
        FILES=$ROOT/share/completion
        mkdir -p "$FILES"
        cp "$DS01_BUILD"/data/{ds01,_ds01,ds01.fish} "$FILES"
        ok as alice container-create alpha --cpu-only
        as alice mkdir "$ROOT/home/alice/workspace/seeing"
}

# What all of them do, in lines that have one candidate.
all_complete() {
        completes 'container-start al' 'container-start alpha'
        completes 'container start al' 'container start alpha'
        completes 'ds01 container-remove al' 'ds01 container-remove alpha'
        completes 'ds01 contai' 'ds01 container-'
        completes 'image-update se' 'image-update seeing'
        completes 'image-create x -f pyt' 'image-create x -f pytorch'
        completes 'image-create x --type=nl' 'image-create x --type=nlp'
        completes 'container-list --for' 'container-list --format='
        completes 'container-list --format=js' 'container-list --format=json'
        completes 'container-create x --project=se' 'container-create x --project=seeing'
        completes 'container-create x --image=ds01-cu' 'container-create x --image=ds01-cuda:latest'
        completes 'container-create x --image=ds01-cuda:la' 'container-create x --image=ds01-cuda:latest'
}

test_counts_of_gpus() {
        ok as alice ds01 __complete 2 container-create x --gpu=
        equal "$OUT" "$(printf -- '--gpu=%s\n' 0 1 2 3 4)" "what --gpu= can be"
}

test_bash() {
        files
        shell "source $FILES/ds01; PS1='$ '" bash --norc --noprofile
        all_complete
        end_terminal
}

test_zsh() {
        command -v zsh >/dev/null || skip "zsh is not installed"
        files
        mkdir "$WORK/zsh"
        cp "$FILES/_ds01" "$WORK/zsh/"
        shell "PS1='%% '; fpath=($WORK/zsh \$fpath); autoload -Uz compinit; compinit -D -u" zsh -f
        all_complete
        end_terminal
}

test_fish() {
        command -v fish >/dev/null || skip "fish is not installed"
        files
        shell "function fish_prompt; echo '> '; end; set fish_autosuggestion_enabled 0; source $FILES/ds01.fish" fish --no-config
        all_complete
        end_terminal
}
