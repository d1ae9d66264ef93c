# Staging: the new version is written and checked beside the live one, which nothing here touches.

# compare_clocks: sets $clock_difference to the seconds by which this host's clock is ahead of the time at which the
# command was sent (the time it took to get here is part of that), and $clock_words to the same for a person
compare_clocks() {
  clock_difference=unknown
  clock_words=
  [ -n "$SSM_sentAt" ] || return 0
  clock_difference=$(($(date -u +%s) - SSM_sentAt))
  case $clock_difference in
    -*) clock_words=", ${clock_difference#-} s before this command was sent" ;;
    *) clock_words=", $clock_difference s after this command was sent" ;;
  esac
}

check_certificate() {
  step='checking the certificate'
  read_key "$request/tls.key" ||
    fail PENDING_REQUEST_MISSING "the pending key of request $SSM_requestId cannot be read: $words"
  [ "$half" = "$new_half" ] ||
    fail CERTIFICATE_KEY_MISMATCH "certificate $new was not issued for the key of request $SSM_requestId"
  [ "$new_common_name" = "$SSM_hostID" ] ||
    fail CERTIFICATE_SUBJECT_MISMATCH "the certificate's common name is '$new_common_name', not $SSM_hostID"
  check_now=$(clock)
  if later "$new_not_before" "$check_now" || ! later "$new_not_after" "$check_now"; then
    fail CERTIFICATE_NOT_VALID_NOW \
      "it is valid from $new_not_before to $new_not_after, but the clock of this host shows $check_now$clock_words"
  fi
  if ! value openssl verify -CAfile "$aside/ca.crt" "$aside/tls.crt" || [ "${value%tls.crt: OK}" = "$value" ]; then
    # "error 20 at 0 depth lookup: unable to get local issuer certificate"; a line on what was verified follows
    chain_says=$(openssl verify -CAfile "$aside/ca.crt" "$aside/tls.crt" 2>&1) || :
    chain_says=${chain_says#*lookup:}
    fail CHAIN_INVALID "the certificate does not verify with its chain: ${chain_says%%"$nl"*}"
  fi
}

stage_version() {
  step='staging the new version'
  staged=$store/versions/.staged/$version
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/versions" mkdir -p -m 711 "$staged"
  must DIRECTORY_NOT_WRITABLE "cannot write in $staged" write_version
  if [ "$SSM_bundle" = true ]; then
    must DIRECTORY_NOT_WRITABLE "cannot write in $staged" write_bundle
  fi
  step='choosing owners and modes'
  owner=$me
  group=$my_group
  mode=400
  rights_of "$public_key" tls.key "$SSM_keyMode"
  limit_key
  give_away tls.key
  give_bundle bundle.pem "$SSM_keyMode" limit_key
  owner=$me
  group=$my_group
  mode=644
  rights_of "$public_certificate" tls.crt "$SSM_certMode"
  others_only_read
  give_away tls.crt
  give_bundle fullchain.pem "$SSM_certMode" others_only_read
  rights_of "$public_chain" ca.crt "$SSM_certMode"
  others_only_read
  give_away ca.crt
}

# give_bundle NAME MODE LIMIT: whoever reads the present one reads the next; the first has the readers of what is in it
give_bundle() {
  [ "$SSM_bundle" = true ] || return 0
  if [ -f "$store/versions/$live/$1" ]; then
    rights_of '' "$1" "$2"
    "$3"
  fi
  give_away "$1"
}

# A key is never readable by others, and nothing is writable by them.
limit_key() {
  case $mode in
    [0-3]??) mode=$((${mode%??} + 4))${mode#?} ;;
  esac
  mode=${mode%?}0
}

others_only_read() {
  case $mode in
    *[2367]) mode=${mode%?}$((${mode#??} - 2)) ;;
  esac
}

# Under this umask every file is 0400 from the instant it exists; then it gets its owner, and only then its mode.
write_version() {
  umask 277
  cat "$request/tls.key" >"$staged/tls.key" &&
    cat "$aside/tls.crt" >"$staged/tls.crt" &&
    cat "$aside/ca.crt" >"$staged/ca.crt"
}

write_bundle() {
  umask 277
  cat "$aside/tls.crt" "$aside/ca.crt" >"$staged/fullchain.pem" &&
    cat "$aside/tls.crt" "$aside/ca.crt" "$request/tls.key" >"$staged/bundle.pem"
}

# settle VERSION: a finished directory gets its name; whatever a killed command left under that name goes
settle() {
  step="putting version $1 in its place"
  if [ -e "$store/versions/$1" ] || [ -L "$store/versions/$1" ]; then
    must DIRECTORY_NOT_WRITABLE "cannot remove $store/versions/$1" rm -rf "$store/versions/$1"
  fi
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/versions" mv -f "$store/versions/.staged/$1" "$store/versions/"
  if command -v restorecon >/dev/null; then
    restore_context -R "$store/versions/$1"
    settled=$1
    each_public_path keep_context
  fi
  # A power cut must not leave a live version of empty files. Only newer sync commands take names.
  sync "$store/versions/$1"/* "$store/versions/$1" "$store/versions" 2>/dev/null || sync
}

# SELinux labels by path: only at its final place does a file get its own.
restore_context() {
  if command -v restorecon >/dev/null; then
    restorecon "$@" || note "restorecon $*: failed"
  fi
}
