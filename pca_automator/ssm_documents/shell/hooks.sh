# Hooks: executables that the host's administrator put into a directory which only root can change. They run in the
# order of their names. Nothing that comes with the command is ever run.

hook_suffixes='.bak .orig .rej .swp .rpmnew .rpmsave .rpmorig .dpkg-old .dpkg-new .dpkg-dist .dpkg-tmp .ucf-old'

# find_hooks: sets $hooks, one path on each line; refuses, before anything is changed, what others could have written
find_hooks() {
  step='examining the hooks'
  hooks=
  if [ ! -e "$SSM_hooksPath" ] && [ ! -L "$SSM_hooksPath" ]; then
    return 0
  fi
  trusted "$SSM_hooksPath"
  for hook in "$SSM_hooksPath"/*; do
    if [ -f "$hook" ] && [ -x "$hook" ] && is_hook_name "${hook##*/}"; then
      [ ! -L "$hook" ] || fail UNSAFE_DIRECTORY "the hook $hook is a symbolic link; put the executable itself there"
      hooks=$hooks$hook$nl
    fi
  done
  judge own '' "$SSM_hooksPath$nl$hooks"
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

# run_hooks ACTION SERIAL PREVIOUS-SERIAL: stops at the first that fails, with $hook_code and $hook_says set
run_hooks() {
  hook_action=$1
  hook_serial=$2
  hook_previous=$3
  hook_deadline=$(($(date +%s) + SSM_hookTimeout))
  hook_rest=$hooks
  while [ -n "$hook_rest" ]; do
    hook=${hook_rest%%"$nl"*}
    hook_rest=${hook_rest#*"$nl"}
    step="running the hook $hook"
    hook_left=$((hook_deadline - $(date +%s)))
    hook_status=137
    if [ "$hook_left" -gt 0 ]; then
      hook_status=0
      run_hook || hook_status=$?
    fi
    hook_says=
    [ ! -s "$aside/hook" ] || hook_says=$(tail -c 200 "$aside/hook")
    if [ "$hook_status" -eq 0 ]; then
      [ -z "$hook_says" ] || note "$(one_line "hook ${hook##*/} ended well: $hook_says")"
      continue
    fi
    if [ "$(date +%s)" -ge "$hook_deadline" ]; then
      hook_code=HOOK_TIMED_OUT
      hook_says="${hook##*/} did not end within $SSM_hookTimeout s, all hooks together ($hook_says)"
    else
      hook_code=HOOK_FAILED
      hook_says="${hook##*/} ended with status $hook_status ($hook_says)"
    fi
    return 1
  done
}

# In an environment of its own. A daemon that it starts must not keep the lock.
run_hook() (
  exec >"$aside/hook" 2>&1 </dev/null 9<&-
  cd /
  umask 022
  exec env -i PATH="$PATH" HOME=/ LC_ALL=C \
    PCA_AUTOMATOR_ACTION="$hook_action" \
    PCA_AUTOMATOR_HOST_ID="$SSM_hostID" \
    PCA_AUTOMATOR_SERIAL="$hook_serial" \
    PCA_AUTOMATOR_PREVIOUS_SERIAL="$hook_previous" \
    PCA_AUTOMATOR_CERTIFICATE="$public_certificate" \
    PCA_AUTOMATOR_PRIVATE_KEY="$public_key" \
    PCA_AUTOMATOR_CA_CHAIN="$public_chain" \
    PCA_AUTOMATOR_LIVE_DIRECTORY="$store/current" \
    timeout -s KILL "$hook_left" "$hook"
)
