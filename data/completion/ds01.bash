# bash completion for the ds01 commands. Everything is asked of the program itself:
# "ds01 __complete CWORD WORD..." prints one candidate a line, and nothing when it knows none.
_ds01() {
        local candidate
        COMPREPLY=()
        while IFS= read -r candidate; do
                COMPREPLY+=("$candidate")
        done < <(ds01 __complete "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
        # "--image=" is to be continued at once.
        if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
                compopt -o nospace
        fi
}
complete -o default -F _ds01 ds01 @names@
