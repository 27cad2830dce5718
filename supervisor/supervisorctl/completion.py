"""Completion for command shells: scripts that know the actions and ask ``supervisorctl avail`` for the names."""

from __future__ import annotations

from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import LSBInitExitStatuses
from supervisor.supervisorctl.table import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

OPTIONS = (
    "-c --configuration -h --help -i --interactive -s --serverurl -u --username -p --password -r --history_file "
    "--password-file --version"
)

_BASH = """\
# bash completion for supervisorctl: source this file, or put it where bash-completion looks.
_supervisorctl() {
    local word=${COMP_WORDS[COMP_CWORD]} action= at=1 options=()
    while [ $at -lt $COMP_CWORD ]; do
        case ${COMP_WORDS[at]} in
            -c|-s|-u|-p|-r|--configuration|--serverurl|--username|--password|--history_file|--password-file)
                options+=("${COMP_WORDS[at]}" "${COMP_WORDS[at+1]}"); at=$((at+2)); continue ;;
            -*) at=$((at+1)); continue ;;
        esac
        action=${COMP_WORDS[at]}; break
    done
    case $action in
        '') case $word in -*) COMPREPLY=($(compgen -W '@OPTIONS@' -- "$word")) ;;
                          *) COMPREPLY=($(compgen -W '@ACTIONS@' -- "$word")) ;; esac ;;
        help) COMPREPLY=($(compgen -W '@ACTIONS@' -- "$word")) ;;
        completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")) ;;
        @GROUPS@) COMPREPLY=($(compgen -W "$(supervisorctl "${options[@]}" avail 2>/dev/null |
            awk '{sub(/:.*/, "", $1); print $1}' | sort -u)" -- "$word")) ;;
        @PROCESSES@) COMPREPLY=($(compgen -W "all $(supervisorctl "${options[@]}" status 2>/dev/null |
            awk '{print $1; if (sub(/:.*/, ":*", $1)) print $1}' | sort -u)" -- "$word")) ;;
    esac
    [[ ${COMP_WORDBREAKS} == *:* && $word == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}")
    return 0
}
complete -F _supervisorctl supervisorctl
"""

_ZSH = """\
#compdef supervisorctl
# zsh completion for supervisorctl: put it as _supervisorctl into a directory of $fpath.
_supervisorctl() {
    local -a names
    if (( CURRENT == 2 )); then
        compadd -- @ACTIONS@ @OPTIONS@
        return
    fi
    case ${words[2]} in
        help) compadd -- @ACTIONS@ ;;
        completion) compadd -- bash zsh fish ;;
        @GROUPS@)
            names=(${(f)"$(supervisorctl avail 2>/dev/null | awk '{sub(/:.*/, "", $1); print $1}' | sort -u)"})
            compadd -- $names ;;
        @PROCESSES@)
            names=(${(f)"$(supervisorctl status 2>/dev/null |
                awk '{print $1; if (sub(/:.*/, ":*", $1)) print $1}' | sort -u)"})
            compadd -- all $names ;;
    esac
}
_supervisorctl "$@"
"""

_FISH = """\
# fish completion for supervisorctl: put it as supervisorctl.fish into ~/.config/fish/completions.
set -l actions @ACTIONS@
complete -c supervisorctl -f
complete -c supervisorctl -n "not __fish_seen_subcommand_from $actions" -a "$actions"
complete -c supervisorctl -n "__fish_seen_subcommand_from help" -a "$actions"
complete -c supervisorctl -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"
complete -c supervisorctl -n "__fish_seen_subcommand_from @GROUP_WORDS@" \\
    -a "(supervisorctl avail 2>/dev/null | string replace -r '[: ].*' '' | sort -u)"
complete -c supervisorctl -n "__fish_seen_subcommand_from @PROCESS_WORDS@" \\
    -a "all (supervisorctl status 2>/dev/null | string replace -r ' .*' '')"
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(session: Session, command: Command, words: list[str]) -> None:
    """Print the script for one shell."""
    if len(words) != 1 or words[0] not in SCRIPTS:
        message = "Error: completion requires one of bash, zsh, fish"
        session.usage_error(command, message, LSBInitExitStatuses.INVALID_ARGS)
        return
    session.write(script(words[0]))


def script(shell: str) -> str:
    """The script for a shell, from the table."""
    groups = [name for name, row in COMMANDS.items() if row.completes == "groups"]
    processes = [name for name, row in COMMANDS.items() if row.completes in ("processes", "signals")]
    places = {
        "@ACTIONS@": " ".join(sorted(COMMANDS)),
        "@OPTIONS@": OPTIONS,
        "@GROUPS@": "|".join(groups),
        "@PROCESSES@": "|".join(processes),
        "@GROUP_WORDS@": " ".join(groups),
        "@PROCESS_WORDS@": " ".join(processes),
    }
    text = SCRIPTS[shell]
    for place, words in places.items():
        text = text.replace(place, one_line(words))
    return text
