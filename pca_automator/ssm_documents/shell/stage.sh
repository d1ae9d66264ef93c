# Staging: the new version is written and checked beside the live one, which nothing here touches.

# decode_certificate: into $aside, where it is nobody's yet
decode_certificate() {
  step='decoding certificate and chain'
  must CHAIN_INVALID 'the certificate cannot be read' decode "$SSM_certificate" "$aside/received"
  must CHAIN_INVALID 'the chain cannot be read' decode "$SSM_chain" "$aside/received-chain"
  # x509 writes the first certificate and nothing else: no comments, no further blocks
  must CHAIN_INVALID 'the certificate cannot be read' openssl x509 -in "$aside/received" -out "$aside/tls.crt"
  must CHAIN_INVALID 'the chain cannot be read' normalize_chain
  read_certificate "$aside/tls.crt" || fail CHAIN_INVALID "the certificate cannot be read: $words"
  new=$serial
  new_not_before=$not_before
  new_not_after=$not_after
  new_common_name=$common_name
  new_half=$half
}

# openssl reads base64 in lines of 64 characters in every version; one long line it may take as empty
decode() {
  printf '%s\n' "$1" | fold -w 64 | openssl base64 -d -out "$2" || return 1
  [ -s "$2" ] || { echo 'it is no base64' && return 1; }
}

# normalize_chain: ca.crt holds the certificates of the chain and nothing else; intermediates.pem those that are not
# self-issued, because IAM Roles Anywhere has the root as its trust anchor and asks only for what lies between.
normalize_chain() {
  openssl crl2pkcs7 -nocrl -certfile "$aside/received-chain" -out "$aside/chain.p7" &&
    openssl pkcs7 -in "$aside/chain.p7" -print_certs -out "$aside/chain.txt" || return 1
  subject=
  issuer=
  : >"$aside/ca.crt" && : >"$aside/intermediates.pem" || return 1
  block=
  while IFS= read -r chain_line; do
    case $chain_line in
      subject=*) subject=${chain_line#subject=} ;;
      issuer=*) issuer=${chain_line#issuer=} ;;
      -----BEGIN*) block=$chain_line$nl ;;
      -----END*)
        block=$block$chain_line
        printf '%s\n' "$block" >>"$aside/ca.crt" || return 1
        [ "$subject" = "$issuer" ] || printf '%s\n' "$block" >>"$aside/intermediates.pem" || return 1
        block=
        ;;
      *) [ -z "$block" ] || block=$block$chain_line$nl ;;
    esac
  done <"$aside/chain.txt"
  [ -s "$aside/ca.crt" ] || { echo 'there is no certificate in it' && return 1; }
}

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

# choose_owners_and_modes: what the inventory asks for; else what is there now, so that a service that can read the
# key can read the next one; else root alone. A key is never readable by others, and nothing is writable by them.
choose_owners_and_modes() {
  step='choosing owners and modes'
  choose "$public_key" tls.key 400
  key_owner=${SSM_fileOwner:-$chosen_owner}
  key_group=${SSM_fileGroup:-$chosen_group}
  case $chosen_mode in
    [4-7]??) chosen_mode=${chosen_mode%?}0 ;;
    [0-3]??) chosen_mode=4${chosen_mode#?} && chosen_mode=${chosen_mode%?}0 ;;
  esac
  key_mode=${SSM_keyMode:-$chosen_mode}
  choose "$public_certificate" tls.crt 644
  cert_owner=${SSM_fileOwner:-$chosen_owner}
  cert_group=${SSM_fileGroup:-$chosen_group}
  case $chosen_mode in
    *[2367]) chosen_mode=${chosen_mode%?}$((${chosen_mode##??} - 2)) ;;
  esac
  cert_mode=${SSM_certMode:-$chosen_mode}
}

# was_examined PATH NAME: whether look_at_public_paths has seen it; what came since may be anybody's, as in /tmp
was_examined() {
  if is_ours "$1" "$2"; then
    return 0
  fi
  case $nl$foreign in
    *"$nl$2$nl"*) ;;
    *) return 1 ;;
  esac
}

# choose PATH NAME MODE: sets $chosen_owner, $chosen_group and $chosen_mode
choose() {
  chosen_owner=$me
  chosen_group=$my_group
  chosen_mode=$3
  if [ -f "$1" ] && was_examined "$1" "$2"; then
    choose_like=$1
  elif [ -n "$live" ] && [ -f "$store/versions/$live/$2" ]; then
    choose_like=$store/versions/$live/$2
  else
    return 0
  fi
  numbers 3 -L -c '%u %g %a' "$choose_like"
  # shellcheck disable=SC2086  # three numbers
  set -- $numbers
  chosen_owner=$1
  chosen_group=$2
  case $3 in
    ???) chosen_mode=$3 ;;
    ????) chosen_mode=${3#?} ;;
  esac
}

stage_version() {
  step='staging the new version'
  staged=$store/versions/.staged/$version
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/versions" mkdir -p -m 711 "$staged"
  certificate_files=$staged/tls.crt$nl$staged/ca.crt
  key_files=$staged/tls.key
  must DIRECTORY_NOT_WRITABLE "cannot write in $staged" write_version
  if [ "$SSM_bundle" = true ]; then
    certificate_files=$certificate_files$nl$staged/fullchain.pem
    key_files=$key_files$nl$staged/bundle.pem
    must DIRECTORY_NOT_WRITABLE "cannot write in $staged" write_bundle
  fi
  give_away "$key_owner:$key_group" "$key_mode" "$key_files"
  give_away "$cert_owner:$cert_group" "$cert_mode" "$certificate_files"
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

# give_away OWNER:GROUP MODE FILES: FILES is one path on each line
give_away() {
  give_owner=$1
  give_mode=$2
  IFS=$nl
  set -f
  # shellcheck disable=SC2086  # split at newlines on purpose
  set -- $3
  set +f
  IFS=" $nl"
  if [ "$give_owner" != "$me:$my_group" ]; then
    must OWNER_UNKNOWN "cannot give the files to $give_owner" chown "$give_owner" "$@"
  fi
  must DIRECTORY_NOT_WRITABLE 'cannot set the modes of the files' chmod "$give_mode" "$@"
}

# settle VERSION: a finished directory gets its name; whatever a killed command left under that name goes
settle() {
  step="putting version $1 in its place"
  if [ -e "$store/versions/$1" ] || [ -L "$store/versions/$1" ]; then
    must DIRECTORY_NOT_WRITABLE "cannot remove $store/versions/$1" rm -rf "$store/versions/$1"
  fi
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/versions" mv -f "$store/versions/.staged/$1" "$store/versions/"
  restore_context -R "$store/versions/$1"
  # A power cut must not leave a live version of empty files. Only newer sync commands take names.
  sync "$store/versions/$1"/* "$store/versions/$1" "$store/versions" 2>/dev/null || sync
}

# SELinux labels by path: only at its final place does a file get its own.
restore_context() {
  if command -v restorecon >/dev/null; then
    restorecon "$@" || note "restorecon $*: failed"
  fi
}
