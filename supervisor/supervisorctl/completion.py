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
    # bash takes a colon for the end of a word, names do not: the line is cut anew, at blanks.
    local line=${COMP_LINE:0:COMP_POINT} words=() options=() action= word= candidates= at=1
    read -ra words <<< "$line"
    case $line in *[[:blank:]]) ;; *) word=${words[-1]}; unset 'words[-1]' ;; esac
    while [ $at -lt ${#words[@]} ]; do
        case ${words[at]} in
            -c|-s|-u|-p|-r|--configuration|--serverurl|--username|--password|--history_file|--password-file)
                options+=("${words[at]}" "${words[at+1]}"); at=$((at+2)) ;;
            -*) at=$((at+1)) ;;
            *) action=${words[at]}; break ;;
        esac
    done
    case $action in
        '') candidates='@ACTIONS@'; case $word in -*) candidates='@OPTIONS@' ;; esac ;;
        help) candidates='@ACTIONS@' ;;
        completion) candidates='bash zsh fish' ;;
        @GROUPS@) candidates=$(supervisorctl "${options[@]}" avail 2>/dev/null |
            awk '{sub(/:.*/, "", $1); print $1}' | sort -u) ;;
        @PROCESSES@) candidates="all $(supervisorctl "${options[@]}" status 2>/dev/null |
            awk '{print $1; if (sub(/:.*/, ":*", $1)) print $1}' | sort -u)" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
    case $COMP_WORDBREAKS in *:*) case $word in *:*) COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}") ;; esac ;; esac
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
