# fish completion for supervisorctl: source this file, or put it as supervisorctl.fish into ~/.config/fish/completions.
function __supervisorctl_split
    # The options before the action, -- and the words from the action on.
    set -l words (commandline -opc)
    set -l options $words[1]
    set -l at 2
    while test $at -le (count $words)
        set -l next (math $at + 1)
        switch $words[$at]
            case -c --configuration -r --history_file --password-file -s --serverurl -u --username -p --password
                set -a options $words[$at] (string replace -r '^~/' $HOME/ -- $words[$next])
                set at (math $next + 1)
            case '-i*' '-h*' '--i*' '--h*' '--v*'
                set at $next
            case '-*'
                set -a options $words[$at]
                set at $next
            case '*'
                break
        end
    end
    printf '%s\n' $options --
    test $at -le (count $words); and printf '%s\n' $words[$at..-1]
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
complete -c supervisorctl -n "__supervisorctl_after ''" -a "add avail clear completion exit fg help logs maintail open pid plan quit reload remove reread restart shutdown signal start status stop tail update version wait"
complete -c supervisorctl -n "__supervisorctl_after 1 help" -a "add avail clear completion exit fg help logs maintail open pid plan quit reload remove reread restart shutdown signal start status stop tail update version wait"
complete -c supervisorctl -n "__supervisorctl_after 1 completion" -a "bash zsh fish"
complete -c supervisorctl -n "__supervisorctl_after 1 signal" -a "(__supervisorctl_ask signals)"
complete -c supervisorctl -n "__supervisorctl_after add remove update" -a "(__supervisorctl_ask groups)"
complete -c supervisorctl -n "__supervisorctl_after clear fg pid restart signal start status stop tail logs wait; and not __supervisorctl_after 1 signal" \
    -a "(__supervisorctl_ask processes)"
