# bash completion for the ds01 commands. Everything is asked of the program itself:
# "ds01 __complete CWORD WORD..." prints one candidate a line, and nothing when it knows none.
_ds01() {
        local line=${COMP_LINE:0:COMP_POINT} piece=${COMP_WORDS[COMP_CWORD]} words cut candidate

        # bash cuts words at '=' and ':'; here they end at blanks, and of a candidate only what bash
        # has not cut off is handed back.
        read -ra words <<<"$line"
        [[ $line != *[[:blank:]] ]] || words+=("")
        [[ $piece != [=:] ]] || piece=
        cut=${words[-1]%"$piece"}
        COMPREPLY=()
        while IFS= read -r candidate; do
                COMPREPLY+=("${candidate#"$cut"}")
        done < <(ds01 __complete $((${#words[@]} - 1)) "${words[@]}" 2>/dev/null)
        # "--image=" is to be continued at once.
        if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
                compopt -o nospace
        fi
}
complete -o default -F _ds01 ds01 @names@
