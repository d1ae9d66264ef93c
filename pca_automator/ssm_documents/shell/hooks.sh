# Running the hooks, and what becomes of those that are not run.

# find_hooks: sets $hooks; refuses, before anything is changed, what others could have written
find_hooks() {
  step='examining the hooks'
  hooks=
  hooks_skipped=
  if [ ! -e "$SEALED_hooksPath" ] && [ ! -L "$SEALED_hooksPath" ]; then
    return 0
  fi
  trusted "$SEALED_hooksPath"
  list_hooks
  find_rest=$hooks
  while [ -n "$find_rest" ]; do
    hook=${find_rest%%"$nl"*}
    find_rest=${find_rest#*"$nl"}
    [ ! -L "$hook" ] || fail UNSAFE_DIRECTORY "the hook $hook is a symbolic link; put the executable itself there"
  done
  judge own '' "$SEALED_hooksPath$nl$hooks"
  [ -z "$hooks_skipped" ] ||
    notice HOOKS_SKIPPED "not run, because they are no executable files or have odd names: $hooks_skipped"
}

# run_hooks ACTION SERIAL PREVIOUS-SERIAL: stops at the first that fails, with $hook_code and $hook_says set
run_hooks() {
  hook_action=$1
  hook_serial=$2
  hook_previous=$3
  hook_deadline=$(($(date +%s) + SEALED_hookTimeout))
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
    # What ends well without a word may have run nothing.
    if [ "$hook_status" -eq 0 ] && [ ! -e "$aside/started" ]; then
      hook_status=127
      hook_says='it was not started'
    fi
    if [ "$hook_status" -eq 0 ]; then
      [ -z "$hook_says" ] || note "$(one_line "hook ${hook##*/} ended well: $hook_says")"
      continue
    fi
    if [ "$(date +%s)" -ge "$hook_deadline" ]; then
      hook_code=HOOK_TIMED_OUT
      hook_says="${hook##*/} did not end within $SEALED_hookTimeout s, all hooks together ($hook_says)"
    else
      hook_code=HOOK_FAILED
      hook_says="${hook##*/} ended with status $hook_status ($hook_says)"
    fi
    return 1
  done
}

# In an environment of its own. timeout keeps the lock, because it, and the hook, outlive a command that is killed; a
# daemon that the hook starts must not keep it.
run_hook() (
  exec >"$aside/hook" 2>&1 </dev/null
  cd /
  umask 022
  rm -f "$aside/started"
  # shellcheck disable=SC2016  # for the inner shell
  exec env -i PATH="$PATH" HOME=/ LC_ALL=C \
    PCA_AUTOMATOR_ACTION="$hook_action" \
    PCA_AUTOMATOR_HOST_ID="$SSM_hostID" \
    PCA_AUTOMATOR_SERIAL="$hook_serial" \
    PCA_AUTOMATOR_PREVIOUS_SERIAL="$hook_previous" \
    PCA_AUTOMATOR_CERTIFICATE="$public_certificate" \
    PCA_AUTOMATOR_PRIVATE_KEY="$public_key" \
    PCA_AUTOMATOR_CA_CHAIN="$public_chain" \
    PCA_AUTOMATOR_LIVE_DIRECTORY="$store/current" \
    timeout -s KILL "$hook_left" sh -c 'exec 9<&-; : >"$1"; exec "$0"' "$hook" "$aside/started"
)
