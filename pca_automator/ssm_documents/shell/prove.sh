# The proof: IAM Roles Anywhere has to accept the new pair before it goes live.

# A connection that nobody answers is given up by the helper after 30 s, and then it says so.
helper_seconds=35

prove() {
  validated=false
  step='proving the certificate'
  [ "$SEALED_validationPolicy" != NEVER ] || return 0
  if [ -f "$helper" ]; then
    trusted "$SSM_signinghelperPath"
    # Not even a sticky directory: in it anybody may put a link of this name, and lead it elsewhere after the next check.
    judge own '' "$SSM_signinghelperPath$nl"
    judge own -L "$helper$nl"
  fi
  examine_helper
  if [ -n "$helper_fault" ]; then
    [ "$SEALED_validationPolicy" != REQUIRED ] || fail "$helper_fault" "$helper cannot prove the certificate: $helper_reason"
    case $helper_fault:$state_proven in
      HELPER_BROKEN:*) notice HELPER_BROKEN "$helper: $helper_reason" ;;
      *:yes) notice HELPER_GONE "$helper has proven certificates of this host before, and is gone" ;;
    esac
    return 0
  fi
  [ -n "$SEALED_trustAnchorArn" ] && [ -n "$SEALED_profileArn" ] && [ -n "$SEALED_roleArn" ] ||
    fail BAD_PARAMETER 'trustAnchorArn, profileArn and roleArn are needed to prove a certificate'
  prove_deadline=$(($(date +%s) + SEALED_proofSeconds))
  case $clock_difference in
    # a command that was under way for a while has as much less
    [0-9] | [1-5][0-9]) prove_deadline=$((prove_deadline - clock_difference)) ;;
  esac
  prove_attempt=1
  until ask_roles_anywhere; do
    read_answer
    [ "$prove_code" != ROLES_ANYWHERE_THROTTLED ] || proof_throttled=$((proof_throttled + 1))
    case $prove_again:$prove_attempt in
      never:* | once:[2-9]*) fail "$prove_code" "IAM Roles Anywhere: $words" ;;
    esac
    # full jitter: ten thousand hosts may have been refused in the same second
    prove_attempt=$((prove_attempt + 1))
    [ "$prove_attempt" -le 4 ] && prove_pause=$((1 << prove_attempt)) || prove_pause=20
    prove_says=$words
    value od -An -v -N2 -tu2 /dev/urandom || value=$$
    prove_pause=$((value % (prove_pause + 1)))
    [ $(($(date +%s) + prove_pause)) -lt "$prove_deadline" ] ||
      fail "$prove_code" "IAM Roles Anywhere, after $((prove_attempt - 1)) attempts: $prove_says"
    sleep "$prove_pause"
  done
  validated=true
}

# ask_roles_anywhere: only an answer of the right shape counts. The helper's words go to $aside/words; the credentials
# that it prints are looked at in a process of their own, and kept nowhere.
ask_roles_anywhere() {
  set -- --certificate "$staged/tls.crt" --private-key "$staged/tls.key" --trust-anchor-arn "$SEALED_trustAnchorArn" \
    --profile-arn "$SEALED_profileArn" --role-arn "$SEALED_roleArn" --session-duration 900
  if [ -s "$aside/intermediates.pem" ]; then
    set -- "$@" --intermediates "$aside/intermediates.pem"
  fi
  # helpers before 1.5.0 look at the proxies of the environment only if told to
  [ -z "${https_proxy-}${HTTPS_PROXY-}" ] || set -- "$@" --with-proxy
  ask_seconds=$((prove_deadline - $(date +%s)))
  [ "$ask_seconds" -lt "$helper_seconds" ] || ask_seconds=$helper_seconds
  [ "$ask_seconds" -gt 0 ] || ask_seconds=1
  helper_status=$({ run_helper "$ask_seconds" credential-process "$@" 2>"$aside/words" || echo "status $?"; } | shape_of)
  [ "$helper_status" = credentials ]
}

# shape_of: what stdin is: "credentials" that have not expired, "nothing", or the status that the helper ended with
shape_of() {
  shape=$(head -c 20000 | tr -d ' \n\r\t')
  case $shape in
    '{'*'}') ;;
    *status[0-9]*) echo "${shape##*status}" && return 0 ;;
    *) echo nothing && return 0 ;;
  esac
  for shape_field in AccessKeyId SecretAccessKey SessionToken Expiration; do
    case $shape in
      *"\"$shape_field\":\""[!\"]*) ;;
      *) echo nothing && return 0 ;;
    esac
  done
  case $shape in
    *'"Version":1'[!0-9.]*) ;;
    *) echo nothing && return 0 ;;
  esac
  # What somebody kept from last time is no proof.
  shape=$(printf '%.19s' "${shape##*\"Expiration\":\"}")Z
  if is_moment "$shape" && later "$shape" "$(clock)"; then
    echo credentials
  else
    echo nothing
  fi
}

# read_answer: sets $words, $prove_code, and $prove_again to until, once or never. All that was said is searched, without
# addresses: they hold the names of roles.
read_answer() {
  said_all=$(tail -c 4000 "$aside/words")
  last_words "$said_all"
  said_rest=$said_all$nl
  while [ -n "$said_rest" ]; do
    case ${said_rest%%"$nl"*} in
      *Exception*) words=${said_rest%%"$nl"*} && break ;;
    esac
    said_rest=${said_rest#*"$nl"}
  done
  case $helper_status in
    137 | 124) words="no answer within $ask_seconds seconds" said_all=$words ;;
    nothing) words="the helper ended well, but gave no credentials that are valid" said_all=broken ;;
  esac
  words=${words:-no answer}
  # the address of a proxy may have a password
  case $words in
    *//*@*) words="${words%%//*}//...@${words##*@}" ;;
  esac
  while :; do
    case $said_all in
      *https://*) ;;
      *) break ;;
    esac
    said_rest=${said_all#*https://}
    said_all=${said_all%%https://*}${said_rest#"${said_rest%%[\" ]*}"}
  done
  case $said_all in
    broken) prove_code=HELPER_BROKEN prove_again=never ;;
    *[Tt]hrottl* | *TooManyRequests* | *'oo '[Mm]'any '* | *'ate exceeded'* | *[Cc]'ode: 429'* | *LimitExceeded* | *SlowDown*) prove_code=ROLES_ANYWHERE_THROTTLED prove_again=until ;;
    *InternalServer* | *InternalFailure* | *ServiceUnavailable* | *[Cc]'ode: 5'* | *'Service Unavailable'* | \
      *'Bad Gateway'* | *'Gateway Time'*) prove_code=ROLES_ANYWHERE_UNREACHABLE prove_again=until ;;
    *Exception*) prove_code=ROLES_ANYWHERE_REJECTED prove_again=never ;;
    *'dial '* | *'no such host'* | *[Tt]imeout* | *'timed out'* | *'deadline exceeded'* | *'no answer'* | *EOF* | *'tls: '* | \
      *x509:* | *[Pp]roxy* | *Forbidden* | *erializ* | *'onnection re'* | *unreachable* | *'no route'* | *'broken pipe'* | \
      *'malformed HTTP'*) prove_code=ROLES_ANYWHERE_UNREACHABLE prove_again=once ;;
    *) prove_code=ROLES_ANYWHERE_REJECTED prove_again=never ;;
  esac
}
