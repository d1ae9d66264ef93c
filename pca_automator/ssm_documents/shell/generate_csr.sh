# GenerateCsr: a private key that never leaves this host, and a request for a certificate with its public half.

clean_up() {
  close_store
}

check_parameters() {
  check_host_id
  check_request_id "$SSM_requestId"
  check_path csrPath "$SEALED_csrPath"
  case $SEALED_requestLease in
    '' | 0* | *[!0-9]*) refuse_value requestLease ;;
  esac
  check_path certPath "$SSM_certPath"
  check_path keyPath "$SSM_keyPath"
  check_path cacertPath "$SSM_cacertPath"
  check_word keyAlgorithm "$SSM_keyAlgorithm" RSA_2048 RSA_3072 RSA_4096 EC_prime256v1 EC_secp384r1
}

# forget_other_requests: those that nobody waits for any more. A younger one may be another run's, and whoever sends
# this document must not be able to end a renewal with it.
forget_other_requests() {
  for pending in "$store/pending"/*; do
    [ -e "$pending" ] || [ -L "$pending" ] || continue
    if [ "$pending" != "$request" ] && ! is_awaited "$pending"; then
      must DIRECTORY_NOT_WRITABLE "cannot remove $pending" rm -rf "$pending"
    fi
  done
}

# is_awaited PATH: whether it was made within the lease, by this host's clock. One from further ahead is as old as can be.
is_awaited() {
  [ ! -L "$1" ] || return 1
  { value stat -c %Y "$1" && are_numbers 1 "$value"; } || fail UNSAFE_DIRECTORY "$1 cannot be examined: $words"
  awaited=$value
  { value date +%s && are_numbers 1 "$value"; } || fail INTERNAL "date gives no number, but '$value'"
  awaited=$((value - awaited))
  [ "${awaited#-}" -lt "$SEALED_requestLease" ]
}

# The modes are right from the first instant: 0400, because open(2) is called under this umask.
make_key() {
  umask 277
  case $SSM_keyAlgorithm in
    RSA_*) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${SSM_keyAlgorithm#RSA_}" -out "$1" ;;
    EC_*)
      openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:${SSM_keyAlgorithm#EC_}" \
        -pkeyopt ec_param_enc:named_curve -out "$1"
      ;;
  esac
}

# A configuration of our own: the host's may add extensions, and the request must carry none.
make_request() {
  printf '[req]\nprompt=no\ndistinguished_name=name\n[name]\nCN=%s\n' "$SSM_hostID" >"$1/openssl.cnf" &&
    openssl req -new -sha256 -config "$1/openssl.cnf" -key "$1/tls.key" -out "$1/tls.csr" &&
    printf '%s\n' "$SSM_keyAlgorithm" >"$1/algorithm"
}

# note_others: for InstallCertificate, whose result is written down
note_others() {
  printf '%s' "${others# }" | tr ' ' , >"$1"
}

# is_whole DIRECTORY: both files can be read back and belong together
is_whole() {
  [ -f "$1/tls.key" ] && [ ! -L "$1/tls.key" ] && [ -f "$1/tls.csr" ] && [ ! -L "$1/tls.csr" ] &&
    [ -s "$1/algorithm" ] || { words='a file is missing' && return 1; }
  read_key "$1/tls.key" || return 1
  whole_key=$half
  value openssl req -in "$1/tls.csr" -noout -pubkey && public_half "$value" && [ "$half" = "$whole_key" ] || return 1
  # OpenSSL 1.1.1 ends well even if the signature is wrong, but complains
  words=
  whole_noise=$(openssl req -in "$1/tls.csr" -verify -noout 2>&1) || last_words "$whole_noise"
  case $whole_noise in
    *'verify failure'*) words='the signature of the request is wrong' ;;
  esac
  [ -z "$words" ]
}

make_pending() {
  staged=$store/pending/.staged
  step='making the key'
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/pending" mkdir -p "$staged/$SSM_requestId"
  must KEY_GENERATION_FAILED "openssl could not make a $SSM_keyAlgorithm key" make_key "$staged/$SSM_requestId/tls.key"
  step='making the request'
  must CSR_GENERATION_FAILED 'openssl could not make the signing request' make_request "$staged/$SSM_requestId"
  # openssl may end well on a full disk
  if ! is_whole "$staged/$SSM_requestId"; then
    if disk_is_full; then
      fail NO_SPACE "no space is left in $store"
    fi
    fail CSR_GENERATION_FAILED "key and signing request do not belong together: ${words:-they differ}"
  fi
  rm -f "$staged/$SSM_requestId/openssl.cnf"
  find_other_hosts
  [ -z "$others" ] ||
    must DIRECTORY_NOT_WRITABLE "cannot write in $store/pending" note_others "$staged/$SSM_requestId/others"
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/pending" mv -f "$staged/$SSM_requestId" "$store/pending/"
}

# is_foreign NAME: whether a file of another tool is about to be replaced by a link
is_foreign() {
  case $nl$foreign in
    *"$nl$1$nl"*) ;;
    *) return 1 ;;
  esac
}

# refuse_fixed PATH NAME: a file that is immutable, or mounted where it is, cannot be replaced, which would only be seen
# when its certificate has been issued. Nor can it get a second name beside it.
refuse_fixed() {
  is_foreign "$2" && [ ! -L "$1" ] || return 0
  fixed_aside=${1%/*}/.$SSM_hostID.new
  must DIRECTORY_NOT_WRITABLE "cannot write in ${1%/*}" mkdir "$fixed_aside"
  fixed_words=
  value ln "$1" "$fixed_aside/again" || fixed_words=$words
  clear_public_aside "${1%/*}"
  case $fixed_words in
    # Others mean that this file system gives no file two names.
    *'not permitted'* | *ross-device* | *'busy'*)
      fail DIRECTORY_NOT_WRITABLE "$1 cannot be replaced: it is immutable or a mount of its own ($fixed_words)"
      ;;
  esac
}

# refuse_closed PATH NAME: whoever reads a file of another tool must get to where its link will lead
refuse_closed() {
  is_foreign "$2" || return 0
  numbers 3 -L -c '%u %g %a' "$1"
  find_list "$1"
  case $numbers/$list in
    '0 '*00/) return 0 ;; # root alone
  esac
  chain=
  follow "$(cd -P "${1%/*}" && pwd -P)"
  closed_shared=$nl$chain
  while [ -n "$chain" ]; do
    numbers 3 -L -c '%u %g %a' "${chain%%"$nl"*}"
    find_list "${chain%%"$nl"*}"
    case $numbers/$list in
      '0 '*00/) return 0 ;; # root alone comes to it
    esac
    chain=${chain#*"$nl"}
  done
  follow "$(cd -P "$store/versions" && pwd -P)"
  while [ -n "$chain" ]; do
    closed_directory=${chain%%"$nl"*}
    chain=${chain#*"$nl"}
    case $closed_shared in
      *"$nl$closed_directory$nl"*) continue ;;
    esac
    numbers 1 -L -c %a "$closed_directory"
    case $numbers in
      *[1357]) ;;
      *) fail READERS_NOT_KEPT "not everybody may enter $closed_directory, where the link at $1 will lead: let them (chmod o+x)" ;;
    esac
  done
}

main() {
  step='checking the parameters'
  check_parameters
  need_tools openssl flock stat mkdir rm mv readlink date cat cut head sleep tail tr
  open_store
  request=$store/pending/$SSM_requestId
  live_version
  look_at_public_paths
  if [ -n "$foreign" ]; then
    step='looking for mounts of the public directories'
    each_public_path refuse_fixed
    each_public_path refuse_closed
    find_mounts
    [ -z "$exposed" ] || fail MOUNTED_ELSEWHERE \
      "$exposed: links would lead nowhere there; mount the store there too, at the same path, or copy by a hook (pca-automator docs hosts)"
  fi
  forget_other_requests
  if [ -L "$request" ] || ! is_whole "$request"; then
    rm -rf "$request"
    make_pending
  fi
  step='printing the request'
  cat "$request/tls.csr"
  printf 'PCA_RESULT requestId=%s keyAlgorithm=%s clock=%s\n' "$SSM_requestId" "$(cat "$request/algorithm")" "$(clock)"
}

main
