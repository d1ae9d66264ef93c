# RemoveCertificate: takes the certificate off this host, with its key and all former versions.

clean_up() {
  close_store
}

check_parameters() {
  check_host_id
  check_path csrPath "$SEALED_csrPath"
  check_path certPath "$SSM_certPath"
  check_path keyPath "$SSM_keyPath"
  check_path cacertPath "$SSM_cacertPath"
  case $SSM_serial in
    *[!0-9A-Fa-f]*) refuse_value serial ;;
  esac
  [ "${#SSM_serial}" -le 40 ] || refuse_value serial
}

# remove_public_link PATH NAME: a file that is not ours stays
remove_public_link() {
  if is_ours "$1" "$2"; then
    must DIRECTORY_NOT_WRITABLE "cannot remove $1" rm -f "$1"
  fi
}

remove_versions() {
  for version in "$store/versions"/*; do
    case ${version##*/} in
      '*') ;;
      taken-over-*) taken_count=$((taken_count + 1)) ;;
      *) must DIRECTORY_NOT_WRITABLE "cannot remove $version" rm -rf "$version" ;;
    esac
  done
}

report() {
  printf 'PCA_RESULT hostID=%s removed=%s serial=%s takenOverKept=%s clock=%s\n' \
    "$SSM_hostID" "$1" "$live_serial" "$taken_count" "$(clock)"
  exit 0
}

main() {
  step='checking the parameters'
  check_parameters
  need_tools openssl flock stat rm readlink date tr cut sleep sync tail
  live_serial=none
  taken_count=0
  [ -e "$store" ] || [ -L "$store" ] || report false
  step='examining the store'
  trusted "$SEALED_csrPath" "$SSM_certPath" "$SSM_keyPath" "$SSM_cacertPath"
  own_directory "$store" 066
  judge own '' "$store$nl"
  lock_store
  own_directory "$store/versions" 066
  live_version
  live_serial=$(serial_of "$live")
  if [ -n "$SSM_serial" ] && [ "$(lower_hex "$SSM_serial")" != "$live_serial" ]; then
    report false
  fi
  step='removing'
  # First the one link: the three files are gone in one instant, and no mismatched pair is ever shown.
  must SWITCH_FAILED "cannot remove $store/current" rm -f "$store/current"
  each_public_path remove_public_link
  must DIRECTORY_NOT_WRITABLE "cannot remove $store/pending" rm -rf "$store/pending" "$store/state"
  remove_versions
  # A power cut must not bring back a key that is reported as removed. Only newer sync commands take names.
  sync "$store/versions" "$store" 2>/dev/null || sync
  # The directory of the host stays, empty: a command that waits for its lock must find the same directory.
  if [ "$live_serial" = none ]; then
    report false
  fi
  report true
}

main
