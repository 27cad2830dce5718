# fish completion for supervisorctl: put it as supervisorctl.fish into ~/.config/fish/completions.
set -l actions add avail clear completion exit fg help logs maintail open pid plan quit reload remove reread restart shutdown signal start status stop tail update version wait
complete -c supervisorctl -f
complete -c supervisorctl -n "not __fish_seen_subcommand_from $actions" -a "$actions"
complete -c supervisorctl -n "__fish_seen_subcommand_from help" -a "$actions"
complete -c supervisorctl -n "__fish_seen_subcommand_from completion" -a "bash zsh fish"
complete -c supervisorctl -n "__fish_seen_subcommand_from add remove update" \
    -a "(supervisorctl avail 2>/dev/null | string replace -r '[: ].*' '' | sort -u)"
complete -c supervisorctl -n "__fish_seen_subcommand_from clear fg pid restart signal start status stop tail logs wait" \
    -a "all (supervisorctl status 2>/dev/null | string replace -r ' .*' '')"
