# InstallCertificate: stage beside the live version, prove, switch once, verify, run the hooks, or go back.

clean_up() {
  [ -n "$locked" ] || return 0
  # A first installation that failed leaves no links to nothing.
  [ -L "$store/current" ] || each_public_path drop_dangling_link
  close_store
}

check_parameters() {
  check_host_id
  check_request_id "$SSM_requestId"
  check_path csrPath "$SEALED_csrPath"
  check_path certPath "$SSM_certPath"
  check_path keyPath "$SSM_keyPath"
  check_path cacertPath "$SSM_cacertPath"
  check_path signinghelperPath "$SSM_signinghelperPath"
  check_path hooksPath "$SEALED_hooksPath"
  check_base64 certificate "$SSM_certificate"
  check_chain "$SSM_chain"
  check_moment sentAt "$SSM_sentAt"
  case $SEALED_caKeys in
    *[!0-9a-f\ ]*) refuse_value caKeys ;;
  esac
  check_number versionsKept "$SEALED_versionsKept" 50
  check_number hookTimeout "$SEALED_hookTimeout" 999
  check_owner fileOwner "$SSM_fileOwner"
  check_owner fileGroup "$SSM_fileGroup"
  check_mode certMode "$SSM_certMode"
  case $SSM_certMode in
    *[2367]) refuse_value certMode ;;
  esac
  check_mode keyMode "$SSM_keyMode"
  case $SSM_keyMode in
    *[1-7]) refuse_value keyMode ;;
  esac
  check_word bundle "$SSM_bundle" true false
}

# write_state CONFIRMED: what the next command has to know if this one is killed; see docs/hosts.md
write_state() {
  now=$(clock)
  [ "$validated" != true ] || state_proven=yes
  order_versions "$version" "$before"
  printf 'live=%s\nprevious=%s\nconfirmed=%s\nvalidated=%s\nproven=%s\nwritten=%s\nhistory=%s\n' \
    "$version" "$before" "$1" "$validated" "$state_proven" "$now" "$ordered" >"$aside/state" &&
    mv -f "$aside/state" "$store/"
}

# order_versions NAME…: sets $ordered to these, and to those that were live before, the newest first, as far as they are
# there. What was installed when is written down: the times of files change with whoever touches them.
order_versions() {
  ordered=
  # shellcheck disable=SC2086  # names are ours: letters, digits and hyphens
  for order_name in "$@" $state_history; do
    case " $ordered " in
      *" $order_name "*) continue ;;
    esac
    [ -z "$order_name" ] || [ ! -d "$store/versions/$order_name" ] || ordered="$ordered${ordered:+ }$order_name"
  done
}

# are_alike FILE FILE: cmp alone would wait for whoever writes into a FIFO
are_alike() {
  [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2"
}

# is_live_already: a command that comes twice, or once more after it was killed
is_live_already() {
  case $live in
    "$new" | "$new-b") ;;
    *) return 1 ;;
  esac
  are_alike "$aside/tls.crt" "$store/versions/$live/tls.crt" &&
    are_alike "$aside/ca.crt" "$store/versions/$live/ca.crt"
}

prepare_version() {
  if [ ! -f "$request/tls.key" ] || [ -L "$request" ] || [ -L "$request/tls.key" ]; then
    fail PENDING_REQUEST_MISSING "this host has no pending key for request $SSM_requestId"
  fi
  check_certificate
  version=$new
  [ "$live" != "$new" ] || version=$new-b
  stage_version
  prove
  settle "$version"
}

# verify_live: what the public paths show now, and not what was written
verify_live() {
  step='verifying what the public paths show'
  read_certificate "$public_certificate" && [ "$serial:$half" = "$new:$new_half" ] &&
    read_key "$public_key" && [ "$half" = "$new_half" ] && are_alike "$aside/ca.crt" "$public_chain"
}

# shows_before PATH NAME: whether a public path shows what the version before has, be it nothing
shows_before() {
  if [ -n "$before" ] && [ -e "$store/versions/$before/$2" ]; then
    are_alike "$1" "$store/versions/$before/$2" || went_back=no
  fi
}

# go_back CODE SENTENCE: to the version that was live before, or to none; by the same atomic switch
go_back() {
  step='going back'
  before=${before:-$stay}
  if [ -n "$before" ] && [ -d "$store/versions/$before" ]; then
    must SWITCH_FAILED "$2; could not go back to $before" point_current_at "$before"
    went_back="to $before"
  else
    must SWITCH_FAILED "$2; could not go back to having no certificate" rm -f "$store/current"
    before=
    went_back='to having no certificate, as before'
  fi
  back_code=$1
  back_sentence="$2; went back $went_back"
  live=$before
  # shellcheck disable=SC2086  # words
  order_versions $state_history
  if ! printf 'proven=%s\nhistory=%s\n' "$state_proven" "$ordered" >"$aside/state" || ! mv -f "$aside/state" "$store/"; then
    rm -f "$store/state" || :
  fi
  each_public_path drop_dangling_link
  each_public_path shows_before
  [ "$went_back" != no ] || fail VERIFY_FAILED "$back_sentence, but the public paths do not show it"
  if [ -n "$before" ] && [ -n "$hooks_ran" ]; then
    # Services may have taken up the new pair, or be down because of it.
    run_hooks rollback "$(serial_of "$before")" "$new" || back_sentence="$back_sentence; run again there, $hook_says"
  fi
  fail "$back_code" "$back_sentence"
}

# forget_old_versions: the live one and the one before always stay, and so does the first that was taken over
forget_old_versions() {
  step='forgetting old versions'
  # shellcheck disable=SC2012,SC2046,SC2086  # names are ours; those that nobody wrote down come last
  order_versions "$version" "$before" $state_history $(ls -1t "$store/versions")
  # shellcheck disable=SC2086
  set -- $ordered
  first_taken=
  for old do
    case $old in
      taken-over-*) first_taken=$old ;;
    esac
  done
  spare=$SEALED_versionsKept
  [ -z "$before" ] || spare=$((spare - 1))
  for old do
    case $old in
      "$live" | "$before" | "$first_taken" | *[!A-Za-z0-9-]*) ;;
      *) if [ "$spare" -gt 0 ]; then spare=$((spare - 1)); else rm -rf "$store/versions/$old"; fi ;;
    esac
  done
}

# confirm: from here on a repeated command has nothing to do. The new pair is live and in use: a failure to write this
# down is no failure of the installation, it only lets the hooks run once more.
confirm() {
  step='tidying up'
  write_state yes || note 'could not write the state'
  rm -rf "$request" || note 'could not remove the pending request'
  if [ "$taken_over" = true ] && [ -f "$store/versions/$before/tls.key" ]; then
    chmod o= "$store/versions/$before/tls.key" || note 'could not protect the key that was taken over'
  fi
  forget_old_versions || note 'could not forget old versions'
  sync "$store" 2>/dev/null || sync
}

# skipped_names: as one word of the result
skipped_names() {
  skipped_rest=$hooks_skipped
  skipped=
  while [ -n "$skipped_rest" ]; do
    skipped=$skipped${skipped:+,}${skipped_rest%%"$nl"*}
    skipped_rest=${skipped_rest#*"$nl"}
    skipped=${skipped%"${skipped##*,}"}${skipped##*/}
  done
  printf '%s' "${skipped:-none}" | tr -c 'A-Za-z0-9_.,-' _ | cut -c1-200
}

switch() {
  step='the switch'
  must DIRECTORY_NOT_WRITABLE "cannot write in $store" write_state no
  must SWITCH_FAILED "cannot replace $store/current" point_current_at "$version"
  live=$version
  switched=true
}

main() {
  step='checking the parameters'
  check_parameters
  need_tools openssl flock stat mkdir rm mv ln cp readlink date cat chmod chown cmp cut env fold head ls sleep sync \
    od tail timeout tr uname
  compare_clocks
  switched=false
  hooks_ran=
  proof_throttled=0
  find_hooks
  open_store
  live_version
  read_state
  look_at_public_paths
  request=$store/pending/$SSM_requestId
  decode_certificate
  before=
  stay=
  if is_live_already; then
    version=$live
    if [ "$state_live" = "$live" ]; then
      validated=$state_validated
      before=$state_previous
    else
      # The state was lost, as in a power cut: nobody knows what was before, so nothing is to be taken away.
      stay=$live
      staged=$store/versions/$live
      prove
    fi
  else
    prepare_version
  fi
  take_over
  link_public_paths
  if [ "$live" != "$version" ]; then
    before=$live
    switch
  fi
  verify_live || go_back VERIFY_FAILED 'the public paths did not show the new version'
  if [ "$switched" = true ] || [ "$state_live:$state_confirmed" = "$live:no" ]; then
    hooks_ran=yes
    run_hooks install "$new" "$(serial_of "$before")" || go_back "$hook_code" "the hook $hook_says"
  fi
  others=none
  if [ -s "$request/others" ]; then
    others=$(cut -c1-200 "$request/others")
    notice OTHER_HOSTS_KEY "$others"
  fi
  confirm
  printf 'PCA_RESULT requestId=%s serial=%s notAfter=%s validated=%s switched=%s previous=%s takeover=%s clock=%s' \
    "$SSM_requestId" "$new" "$new_not_after" "$validated" "$switched" "$(serial_of "$before")" "$taken_over" "$now"
  printf ' clockDifference=%s throttled=%s notices=%s skippedHooks=%s otherHosts=%s\n' \
    "$clock_difference" "$proof_throttled" "${notices:-none}" "$(skipped_names)" "$others"
}

main
