# InspectCertificate: what is on this host, as one line of JSON. It takes no lock and writes nothing.

clean_up() {
  :
}

check_parameters() {
  check_host_id
  check_path csrPath "$SEALED_csrPath"
  check_path certPath "$SSM_certPath"
  check_path keyPath "$SSM_keyPath"
  check_path cacertPath "$SSM_cacertPath"
  check_path signinghelperPath "$SSM_signinghelperPath"
  check_path hooksPath "$SEALED_hooksPath"
}

# text STRING LENGTH: as a JSON string
text() {
  printf '"%s"' "$(printf '%s' "$1" | tr '\n\t"\134' '    ' | tr -cd ' -~' | cut -c1-"$2")"
}

# truth COMMAND…: true or false
truth() {
  if "$@"; then echo true; else echo false; fi
}

# problem CODE
problem() {
  case ,$problems, in
    *",$1,"*) return 0 ;;
  esac
  problems=${problems:+$problems,}$1
  problem_list=$problem_list${problem_list:+,}\"$1\"
}

# behind PATH NAME: prints what to read. If it is our link, that is the file of the version that was live when this
# began, because a switch may come between certificate and key.
behind() {
  if [ -n "$live" ] && is_ours "$1" "$2"; then
    echo "$store/versions/$live/$2"
  else
    echo "$1"
  fi
}

# describe_live: what the public paths show
describe_live() {
  description=null
  shown_certificate=$(behind "$public_certificate" tls.crt)
  shown_key=$(behind "$public_key" tls.key)
  if [ ! -e "$shown_certificate" ] && [ ! -e "$shown_key" ]; then
    problem NOTHING_SHOWN
    return 0
  fi
  if ! read_certificate "$shown_certificate"; then
    problem CERTIFICATE_UNREADABLE
    return 0
  fi
  matches=$(truth is_pair)
  [ "$matches" = true ] || problem CERTIFICATE_KEY_MISMATCH
  [ "$common_name" = "$SSM_hostID" ] || problem CERTIFICATE_SUBJECT_MISMATCH
  if later "$not_before" "$now" || ! later "$not_after" "$now"; then
    problem CERTIFICATE_NOT_VALID_NOW
  fi
  confirmed=null
  state_proof=null
  if [ -n "$live" ] && [ "$state_live" = "$live" ]; then
    confirmed=$(truth [ "$state_confirmed" = yes ])
    state_proof=$(truth [ "$state_validated" = true ])
    [ "$confirmed" = true ] || problem HOOKS_NOT_FINISHED
  fi
  description="{\"version\":$(text "$live" 60),\"serial\":\"$serial\",\"commonName\":$(text "$common_name" 80)"
  description="$description,\"notBefore\":\"$not_before\",\"notAfter\":\"$not_after\",\"keyMatches\":$matches"
  description="$description,\"validated\":$state_proof,\"confirmed\":$confirmed}"
}

is_pair() {
  shown_half=$half
  read_key "$shown_key" && [ "$half" = "$shown_half" ]
}

# describe_file PATH NAME: adds to $files
describe_file() {
  shown=ours
  if ! is_ours "$1" "$2"; then
    shown=foreign
    problem NOT_OUR_LINK
  fi
  if [ ! -e "$1" ]; then
    shown=missing
  fi
  file="{\"shown\":\"$shown\""
  if [ "$shown" != missing ]; then
    value stat -L -c '%a/%U/%G' "$1" || value=
    file="$file,\"mode\":$(text "${value%%/*}" 4),\"owner\":$(text "$(echo "$value" | cut -d/ -f2)" 32)"
    file="$file,\"group\":$(text "${value##*/}" 32)"
    (know_list "$1") >/dev/null || problem READERS_NOT_KEPT
    case $2:${value%%/*} in
      tls.key:*[1-7] | tls.key: | tls.key:*[!0-7]*) problem KEY_READABLE_BY_OTHERS ;;
    esac
  fi
  files="$files${files:+,}\"$2\":$file}"
}

# describe_list LIMIT PATH…: the names of what exists, at most LIMIT of them, and how many there are
describe_list() {
  list=
  count=0
  limit=$1
  shift
  for item do
    if [ -e "$item" ]; then
      count=$((count + 1))
      [ "$count" -gt "$limit" ] || list=$list${list:+,}$(text "${item##*/}" 45)
    fi
  done
  list="{\"count\":$count,\"names\":[$list]}"
}

# describe_lines LIMIT PATHS: the same, one path on each line
describe_lines() {
  describe_limit=$1
  IFS=$nl
  set -f
  # shellcheck disable=SC2086  # split at newlines on purpose
  set -- $2
  set +f
  IFS=" $nl"
  describe_list "$describe_limit" "$@"
}

# describe_helper: run only if nobody else could have written it
describe_helper() {
  if [ -f "$helper" ]; then
    helper_says=$(trusted "$SSM_signinghelperPath" && judge own '' "$SSM_signinghelperPath$nl" && judge own -L "$helper$nl") || {
      problem UNSAFE_DIRECTORY
      helper_says="does not run: $helper_says"
      return 0
    }
  fi
  examine_helper
  case $helper_fault:$state_proven in
    :*) helper_says=$helper_version ;;
    HELPER_BROKEN:*) problem HELPER_BROKEN && helper_says="does not run: $helper_reason" ;;
    *:yes) problem HELPER_GONE && helper_says=missing ;;
    *) helper_says=missing ;;
  esac
}

# A check that ends a document, in a subshell, is a finding here.
examine_directories() {
  unsafe=$(trusted "$SEALED_csrPath" "$SSM_certPath" "$SSM_keyPath" "$SSM_cacertPath" "$SEALED_hooksPath") ||
    problem UNSAFE_DIRECTORY
  live=
  store_says=$(live_version) || {
    problem UNSAFE_DIRECTORY
    unsafe=${unsafe:-$store_says}
    return 0
  }
  live_version
}

main() {
  step='checking the parameters'
  check_parameters
  need_tools openssl stat readlink date tr cut od tail timeout uname
  step='inspecting'
  now=$(clock)
  problems=
  problem_list=
  files=
  unsafe=
  examine_directories
  read_state
  describe_live
  each_public_path describe_file
  describe_helper
  # Five names each: with every other field at its longest the report still has less than 2,000 characters.
  describe_list 5 "$store/versions"/*
  versions=$list
  list_hooks
  describe_lines 5 "$hooks"
  hooks=$list
  skipped=
  if [ -n "$hooks_skipped" ]; then
    problem HOOKS_SKIPPED
    describe_lines 2 "$hooks_skipped"
    skipped=",\"skipped\":$list"
  fi
  find_mounts
  [ -z "$exposed" ] || problem MOUNTED_ELSEWHERE
  [ -z "$pinned" ] || problem FILE_MOUNT_PINNED
  find_other_hosts
  [ -z "$others" ] || problem OTHER_HOSTS_KEY
  unsafe=${unsafe:-$exposed}
  unsafe=${unsafe:-$pinned}
  [ -n "$unsafe" ] || unsafe=${others:+the store holds keys of$others}
  describe_list 2 "$store/pending"/*
  printf '{"hostID":"%s","clock":"%s","live":%s,"files":{%s},"versions":%s,"pending":%s,"hooks":%s%s,"helper":%s' \
    "$SSM_hostID" "$now" "$description" "$files" "$versions" "$list" "$hooks" "$skipped" "$(text "$helper_says" 80)"
  printf ',"openssl":%s,"unsafe":%s,"problems":[%s]}\n' \
    "$(text "$(openssl version)" 26)" "$(text "${unsafe#PCA_ERROR }" 160)" "$problem_list"
  printf 'PCA_RESULT hostID=%s problems=%s clock=%s\n' "$SSM_hostID" "${problems:-none}" "$now"
}

main
