# Hooks: executables that the host's administrator put into a directory which only root can change. They run in the
# order of their names. Nothing that comes with the command is ever run.

hook_suffixes='.bak .orig .rej .swp .rpmnew .rpmsave .rpmorig .dpkg-old .dpkg-new .dpkg-dist .dpkg-tmp .ucf-old'

# list_hooks: sets $hooks and $hooks_skipped, one path on each line
list_hooks() {
  hooks=
  hooks_skipped=
  for hook in "$SEALED_hooksPath"/*; do
    if [ -f "$hook" ] && [ -x "$hook" ] && is_hook_name "${hook##*/}"; then
      hooks=$hooks$hook$nl
    elif [ -e "$hook" ] || [ -L "$hook" ]; then
      hooks_skipped=$hooks_skipped$hook$nl
    fi
  done
}

# is_hook_name NAME: what editors and package managers leave behind is no hook
is_hook_name() {
  case $1 in
    *[!A-Za-z0-9_.-]*) return 1 ;;
  esac
  for hook_suffix in $hook_suffixes; do
    case $1 in
      *"$hook_suffix") return 1 ;;
    esac
  done
}
