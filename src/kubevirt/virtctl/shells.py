"""The scripts that make shells complete: each asks the hidden `__complete` with the words typed, and shows what comes.

`@PROGRAM@` is the program's name, `@FUNCTION@` the same as a part of a function's name, `@COMPLETE@` what is asked.
"""

from __future__ import annotations

BASH = """# completion of @PROGRAM@ for bash
__@FUNCTION@_complete() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}") current="${COMP_WORDS[COMP_CWORD]}" answer directive line
    answer=$("${COMP_WORDS[0]}" @COMPLETE@ -- "${words[@]}" "$current" 2>/dev/null) || return
    directive=${answer##*:}
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == :* ]] && continue
        COMPREPLY+=("${line%%$'\\t'*}")
    done <<< "$answer"
    if [[ ${#COMPREPLY[@]} -eq 0 && $directive != 4 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o default -F __@FUNCTION@_complete @PROGRAM@
"""

ZSH = """#compdef @PROGRAM@
# completion of @PROGRAM@ for zsh
_@FUNCTION@() {
    local answer directive line name
    local -a rows
    answer=$("${words[1]}" @COMPLETE@ -- "${(@)words[2,CURRENT]}" 2>/dev/null) || return
    directive=${answer##*:}
    for line in "${(@f)answer}"; do
        [[ $line == :* ]] && continue
        name=${line%%$'\\t'*}
        if [[ $line == *$'\\t'* ]]; then
            rows+=("${name//:/\\\\:}:${line#*$'\\t'}")
        else
            rows+=("${name//:/\\\\:}")
        fi
    done
    if (( ${#rows} )); then
        _describe '@PROGRAM@' rows
    elif [[ $directive != 4 ]]; then
        _files
    fi
}
if [[ $zsh_eval_context == *loadautofunc ]]; then
    _@FUNCTION@ "$@"
else
    compdef _@FUNCTION@ @PROGRAM@
fi
"""

FISH = """# completion of @PROGRAM@ for fish
function __@FUNCTION@_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] @COMPLETE@ -- $words[2..-1] 2>/dev/null)
    for line in $answer
        string match -q -- ':*' $line; or echo $line
    end
end
complete -c @PROGRAM@ -f -a '(__@FUNCTION@_complete)'
"""

POWERSHELL = """# completion of @PROGRAM@ for PowerShell
Register-ArgumentCompleter -Native -CommandName '@PROGRAM@' -ScriptBlock {
    param($word, $tree, $position)
    $words = @($tree.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
    if ($word -eq '') { $words += '' }
    & $tree.CommandElements[0].ToString() @COMPLETE@ '--' @words 2>$null |
        Where-Object { $_ -notlike ':*' } |
        ForEach-Object {
            $name, $text = $_ -split "`t", 2
            if (-not $text) { $text = $name }
            [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $text)
        }
}
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH, "powershell": POWERSHELL}
