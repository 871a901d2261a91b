# fish completion for the ds01 commands. Everything is asked of the program itself:
# "ds01 __complete CWORD WORD..." prints one candidate a line, and nothing when it knows none.
function __ds01_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates (ds01 __complete (count $words) $words "$current" 2>/dev/null)

    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else if string match -q -- '--*=*' "$current"
        # A file: of an option's value only what stands behind "=" is its name.
        set -l parts (string split -m 1 = -- "$current")
        __fish_complete_path "$parts[2]" | string replace -r '^' "$parts[1]="
    else
        __fish_complete_path "$current"
    end
end
for name in ds01 @names@
    complete -c $name -f -a '(__ds01_complete)'
end
