"""Completion: what a word may be, and scripts for command shells that ask ``supervisorctl completion`` for that.

Promise: a server that does not answer is no trouble, there are just no names then.
"""

from __future__ import annotations

import signal

from supervisor.supervisorctl.link import BadAnswer, CallFault
from supervisor.supervisorctl.safetext import one_line
from supervisor.supervisorctl.statuses import LSBInitExitStatuses
from supervisor.supervisorctl.table import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from supervisor.supervisorctl.session import Session
    from supervisor.supervisorctl.table import Command

OPTIONS = (
    "-c --configuration -h --help -i --interactive -s --serverurl -u --username -p --password -r --history_file "
    "--password-file --version"
)

WITH_FILE = "-c --configuration -r --history_file --password-file"
WITH_WORD = "-s --serverurl -u --username -p --password"
# What is not handed on when the script asks for names, by its beginnings.
FLAGS = "-i* -h* --i* --h* --v*"

_BASH = """\
# bash completion for supervisorctl: source this file, or put it where bash-completion looks.
_supervisorctl() {
    # bash takes a colon for the end of a word, names do not: the line is cut anew, at blanks.
    local line=${COMP_LINE:0:COMP_POINT} words=() options=() action= word= candidates= at=1 second= list=() each quoted
    local IFS=$' \\t\\n'
    read -ra words <<< "$line"
    case $line in *[[:blank:]]) ;; *) word=${words[-1]}; unset 'words[-1]' ;; esac
    case ${words[-1]} in
        @WITH_FILE@) mapfile -t COMPREPLY < <(compgen -f -- "$word"); compopt -o filenames; return ;;
        @WITH_WORD@) return ;;
    esac
    while [ $at -lt ${#words[@]} ]; do
        case ${words[at]} in
            @WITH_FILE@|@WITH_WORD@) options+=("${words[at]}" "${words[at+1]/#'~/'/$HOME/}"); at=$((at+2)) ;;
            @FLAGS@) at=$((at+1)) ;;
            -*) options+=("${words[at]}"); at=$((at+1)) ;;
            *) action=${words[at]}; [ $((at+1)) -eq ${#words[@]} ] && second=yes; break ;;
        esac
    done
    case $action:$second in
        :) candidates='@ACTIONS@'; case $word in -*) candidates='@OPTIONS@' ;; esac ;;
        help:yes) candidates='@ACTIONS@' ;;
        completion:yes) candidates='bash zsh fish' ;;
        signal:yes) candidates=$(_supervisorctl_ask signals) ;;
        @GROUPS@) candidates=$(_supervisorctl_ask groups) ;;
        @PROCESSES@) candidates=$(_supervisorctl_ask processes) ;;
    esac
    # compgen -W would run what a name has of the shell's language; the command line must not either.
    read -rd '' -a list <<< "$candidates"
    COMPREPLY=()
    for each in "${list[@]}"; do
        quoted=$each
        case $each in *[!][:alnum:]_.:*?@%+=,[-]*) printf -v quoted %q "$each" ;; esac
        case $each in "$word"*) COMPREPLY+=("$quoted"); continue ;; esac
        case $quoted in "$word"*) COMPREPLY+=("$quoted") ;; esac
    done
    case $COMP_WORDBREAKS in *:*) case $word in *:*) COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}") ;; esac ;; esac
}
_supervisorctl_ask() { "${words[0]}" "${options[@]}" completion "$1" 2>/dev/null </dev/null; }
complete -F _supervisorctl supervisorctl
"""

_ZSH = """\
#compdef supervisorctl
# zsh completion for supervisorctl: source this file, or put it as _supervisorctl into a directory of $fpath.
_supervisorctl() {
    local -a options names
    local action= second= at=2 kind=
    case ${words[CURRENT-1]} in
        @WITH_FILE@) _files; return ;;
        @WITH_WORD@) return ;;
    esac
    while (( at < CURRENT )); do
        case ${words[at]} in
            @WITH_FILE@|@WITH_WORD@) options+=("${words[at]}" "${(Q)${words[at+1]/#\\~\\//$HOME/}}"); (( at += 2 )) ;;
            @FLAGS@) (( at += 1 )) ;;
            -*) options+=("${(Q)words[at]}"); (( at += 1 )) ;;
            *) action=${words[at]}; (( at + 1 == CURRENT )) && second=yes; break ;;
        esac
    done
    case $action:$second in
        :) case ${words[CURRENT]} in -*) compadd -- @OPTIONS@ ;; *) compadd -- @ACTIONS@ ;; esac; return ;;
        help:yes) compadd -- @ACTIONS@; return ;;
        completion:yes) compadd -- bash zsh fish; return ;;
        signal:yes) kind=signals ;;
        @GROUPS@) kind=groups ;;
        @PROCESSES@) kind=processes ;;
        *) return ;;
    esac
    names=(${(f)"$("${(Q)words[1]}" $options completion $kind 2>/dev/null </dev/null)"})
    compadd -- $names
}
if [[ ${funcstack[1]} = _supervisorctl ]]; then
    _supervisorctl "$@"
else
    compdef _supervisorctl supervisorctl
fi
"""

_FISH = """\
# fish completion for supervisorctl: source this file, or put it as supervisorctl.fish into ~/.config/fish/completions.
function __supervisorctl_split
    # The options before the action, -- and the words from the action on.
    set -l words (commandline -opc)
    set -l options $words[1]
    set -l at 2
    while test $at -le (count $words)
        set -l next (math $at + 1)
        switch $words[$at]
            case @WITH_WORDS@
                set -a options $words[$at] (string replace -r '^~/' $HOME/ -- $words[$next])
                set at (math $next + 1)
            case @FLAG_WORDS@
                set at $next
            case '-*'
                set -a options $words[$at]
                set at $next
            case '*'
                break
        end
    end
    printf '%s\\n' $options --
    test $at -le (count $words); and printf '%s\\n' $words[$at..-1]
end
function __supervisorctl_after
    # Whether the action is one of the arguments; with 1 as the first of them: and nothing follows it.
    set -l words (__supervisorctl_split)
    set -l action $words[(math (contains -i -- -- $words) + 1)..-1]
    if test "$argv[1]" = 1
        test (count $action) -eq 1; or return 1
        set -e argv[1]
    end
    contains -- "$action[1]" $argv
end
function __supervisorctl_ask
    set -l words (__supervisorctl_split)
    set -l command $words[1..(math (contains -i -- -- $words) - 1)]
    $command completion $argv[1] 2>/dev/null </dev/null
end
complete -c supervisorctl -f
complete -c supervisorctl -s c -l configuration -r -F
complete -c supervisorctl -s r -l history_file -r -F
complete -c supervisorctl -l password-file -r -F
complete -c supervisorctl -s s -l serverurl -x
complete -c supervisorctl -s u -l username -x
complete -c supervisorctl -s p -l password -x
complete -c supervisorctl -s i -l interactive
complete -c supervisorctl -s h -l help
complete -c supervisorctl -l version
complete -c supervisorctl -n "__supervisorctl_after ''" -a "@ACTIONS@"
complete -c supervisorctl -n "__supervisorctl_after 1 help" -a "@ACTIONS@"
complete -c supervisorctl -n "__supervisorctl_after 1 completion" -a "bash zsh fish"
complete -c supervisorctl -n "__supervisorctl_after 1 signal" -a "(__supervisorctl_ask signals)"
complete -c supervisorctl -n "__supervisorctl_after @GROUP_WORDS@" -a "(__supervisorctl_ask groups)"
complete -c supervisorctl -n "__supervisorctl_after @PROCESS_WORDS@; and not __supervisorctl_after 1 signal" \\
    -a "(__supervisorctl_ask processes)"
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
KINDS = ("actions", "groups", "processes", "signals")


def completion(session: Session, command: Command, words: list[str]) -> None:
    """Print the script for one shell, or what such a script asks for: the candidates of one kind."""
    if len(words) == 1 and words[0] in SCRIPTS:
        session.write(script(words[0]))
    elif len(words) == 1 and words[0] in KINDS:
        lines = candidates(session, words[0])
        if lines:
            session.output("\n".join(map(one_line, lines)))
    else:
        message = "Error: completion requires one of bash, zsh, fish"
        session.usage_error(command, message, LSBInitExitStatuses.INVALID_ARGS)


def candidates(session: Session, kind: str) -> list[str]:
    """What a word of some kind may be; nothing when no server answers."""
    if kind == "actions":
        return sorted(COMMANDS)
    if kind == "signals":
        return signal_names()
    try:
        infos = session.call("getAllProcessInfo")
    except (CallFault, BadAnswer, OSError, ValueError):
        return []
    return group_names(infos) if kind == "groups" else ["all", *process_names(infos)]


def signal_names() -> list[str]:
    """The signals of this system, without SIG."""
    return sorted(each.name[3:] for each in signal.valid_signals() if isinstance(each, signal.Signals))


def group_names(infos: list[dict[str, Any]]) -> list[str]:
    """Each group once."""
    return sorted({info["group"] for info in infos})


def process_names(infos: list[dict[str, Any]], with_group: bool = False) -> list[str]:
    """Plain names for groups of one, unless wanted with their group; else ``group:name`` and ``group:*``."""
    members: dict[str, list[str]] = {}
    for info in infos:
        members.setdefault(info["group"], []).append(info["name"])
    names = []
    for group in sorted(members):
        if members[group] == [group] and not with_group:
            names.append(group)
        else:
            names += [f"{group}:{name}" for name in sorted(members[group])]
            names.append(f"{group}:*")
    return names


def script(shell: str) -> str:
    """The script for a shell, from the table."""
    groups = [name for name, row in COMMANDS.items() if row.completes == "groups"]
    processes = [name for name, row in COMMANDS.items() if row.completes in ("processes", "signals")]
    places = {
        "@ACTIONS@": " ".join(sorted(COMMANDS)),
        "@OPTIONS@": OPTIONS,
        "@GROUPS@": "|".join(f"{name}:*" for name in groups),
        "@PROCESSES@": "|".join(f"{name}:*" for name in processes),
        "@GROUP_WORDS@": " ".join(groups),
        "@PROCESS_WORDS@": " ".join(processes),
        "@WITH_WORDS@": f"{WITH_FILE} {WITH_WORD}",
        "@FLAGS@": FLAGS.replace(" ", "|"),
        "@FLAG_WORDS@": " ".join(f"'{flag}'" for flag in FLAGS.split()),
        "@WITH_FILE@": WITH_FILE.replace(" ", "|"),
        "@WITH_WORD@": WITH_WORD.replace(" ", "|"),
    }
    text = SCRIPTS[shell]
    for place, words in places.items():
        text = text.replace(place, one_line(words))
    return text
