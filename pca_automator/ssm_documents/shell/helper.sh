# aws_signing_helper: whether it is a program for this machine, and how it is run.

helper=$SSM_signinghelperPath/aws_signing_helper
# the oldest that this was tried with
helper_minimum=1.4.0

# examine_helper: sets $helper_fault to HELPER_MISSING, HELPER_BROKEN or nothing, $helper_reason, and $helper_version. It
# has to be trusted already. What is no program is not run: timeout would have a shell read it, line by line.
examine_helper() {
  helper_version=
  helper_fault=HELPER_MISSING
  helper_reason='it is not there'
  [ -e "$helper" ] || [ -L "$helper" ] || return 0
  helper_fault=HELPER_BROKEN
  is_program || return 0
  # It may have no end. What is cut off has no status behind it.
  helper_version=$({ run_helper 10 version && echo ' 0' || echo " $?"; } 2>/dev/null | head -c 200)
  helper_status=${helper_version##* }
  helper_version=${helper_version% *}
  helper_version=${helper_version%"$nl"}
  are_numbers 1 "$helper_status" || helper_status=0
  IFS=.
  # shellcheck disable=SC2086  # three numbers
  set -- $helper_version
  IFS=" $nl"
  if [ "$helper_status" -eq 0 ] && are_numbers 3 "$@"; then
    if [ "$1" -gt 1 ] || { [ "$1" -eq 1 ] && [ "$2" -ge 4 ]; }; then
      helper_fault=
    fi
    helper_reason="it is version $helper_version; $helper_minimum or newer is needed"
    return 0
  fi
  last_words "$(run_helper 10 version 2>&1 >/dev/null | tail -c 2000)"
  case $helper_status:$words in
    137:* | 124:*) helper_reason="it did not answer within 10 seconds" ;;
    *GLIBC*) helper_reason="it needs a newer C library (glibc): $words" ;;
    *'No such file'* | *'not found'*) helper_reason="its loader is not on this host, it is for another C library: $words" ;;
    *ermission* | 126:*) helper_reason="it cannot be executed: $words" ;;
    0:*) helper_reason="it answers 'version' with '$(one_line "$helper_version")'" ;;
    *) helper_reason="'version' ends with status $helper_status: ${words:-no words}" ;;
  esac
}

# is_program: from its first bytes; sets $helper_reason if it is none
is_program() {
  helper_reason='it is no file'
  [ -f "$helper" ] || return 1
  helper_reason='it is empty, as after a download that broke off'
  [ -s "$helper" ] || return 1
  helper_reason='it cannot be executed: its mode, or a file system that is mounted noexec'
  [ -x "$helper" ] || return 1
  helper_reason='it is neither a program nor a script'
  value od -An -v -tx1 -N20 "$helper" || return 1
  # shellcheck disable=SC2086  # bytes
  set -- $value - - - -
  case $1$2$3$4 in
    2321*) return 0 ;;
    7f454c46) ;;
    *) return 1 ;;
  esac
  numbers 1 -L -c %s "$helper"
  helper_reason="it is truncated: $numbers bytes"
  [ "$#" -eq 24 ] && [ "$numbers" -ge 4096 ] || return 1
  # ELF: the lower byte of the machine, as the byte order of the file has it
  [ "$6" = 01 ] || shift
  helper_machine=$(uname -m)
  helper_reason="it is for another machine (ELF machine 0x${19}), this one is $helper_machine"
  case $helper_machine:${19} in
    x86_64:3e | x86_64:03 | amd64:3e | i?86:03 | aarch64:b7 | aarch64:28 | arm64:b7 | arm*:28 | riscv*:f3) ;;
    x86_64:* | amd64:* | i?86:* | aarch64:* | arm*:* | riscv*:*) return 1 ;;
  esac
}

# run_helper SECONDS ARGUMENT…: from /, in an environment of our own: neither profiles nor endpoints of this host decide,
# only its proxies. One attempt: those that follow are ours.
run_helper() (
  exec </dev/null 9<&-
  cd /
  # what it says goes to the disk of the store
  ulimit -f 2048
  run_seconds=$1
  shift
  set -- timeout -s KILL "$run_seconds" "$helper" "$@"
  for run_proxy in HTTPS_PROXY https_proxy HTTP_PROXY http_proxy NO_PROXY no_proxy; do
    eval "run_value=\${$run_proxy-}"
    [ -z "$run_value" ] || set -- "$run_proxy=$run_value" "$@"
  done
  exec env -i PATH="$PATH" HOME=/ LC_ALL=C AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
    AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=1 "$@"
)
