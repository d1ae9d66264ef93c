# The proof: IAM Roles Anywhere has to accept the new pair before it goes live.

helper=$SSM_signinghelperPath/aws_signing_helper
helper_seconds=30

prove() {
  validated=false
  step='proving the certificate'
  [ "$SSM_validationPolicy" != NEVER ] || return 0
  if [ ! -x "$helper" ] || [ ! -f "$helper" ]; then
    [ "$SSM_validationPolicy" != REQUIRED ] || fail HELPER_MISSING "$helper is missing or cannot be run"
    return 0
  fi
  [ -n "$SSM_trustAnchorArn" ] && [ -n "$SSM_profileArn" ] && [ -n "$SSM_roleArn" ] ||
    fail BAD_PARAMETER 'trustAnchorArn, profileArn and roleArn are needed to prove a certificate'
  trusted "$SSM_signinghelperPath"
  # Not even a sticky directory: in it anybody may put a link of this name, and lead it elsewhere after the next check.
  judge own '' "$SSM_signinghelperPath$nl"
  judge own -L "$helper$nl"
  prove_attempt=1
  until ask_roles_anywhere; do
    # A fleet may ask more often than the quota of CreateSession allows (10 a second)
    case $helper_says in
      *[Tt]hrottl* | *TooManyRequests* | *'Rate exceeded'*) ;;
      *) prove_attempt=3 ;;
    esac
    [ "$prove_attempt" -lt 3 ] || fail ROLES_ANYWHERE_REJECTED "IAM Roles Anywhere: ${helper_says:-no answer}"
    sleep $((prove_attempt * 3))
    prove_attempt=$((prove_attempt + 1))
  done
  validated=true
}

# The helper prints credentials on stdout: they go nowhere.
ask_roles_anywhere() {
  set -- --certificate "$staged/tls.crt" --private-key "$staged/tls.key" --trust-anchor-arn "$SSM_trustAnchorArn" \
    --profile-arn "$SSM_profileArn" --role-arn "$SSM_roleArn" --session-duration 900
  if [ -s "$aside/intermediates.pem" ]; then
    set -- "$@" --intermediates "$aside/intermediates.pem"
  fi
  helper_status=0
  helper_says=$(timeout -s KILL "$helper_seconds" "$helper" credential-process "$@" 2>&1 >/dev/null 9<&-) ||
    helper_status=$?
  # the last line that says something
  while [ "${helper_says%"$nl"}" != "$helper_says" ]; do
    helper_says=${helper_says%"$nl"}
  done
  helper_says=${helper_says##*"$nl"}
  if [ "$helper_status" -eq 137 ] || [ "$helper_status" -eq 124 ]; then
    helper_says="no answer within $helper_seconds seconds"
  fi
  return "$helper_status"
}
