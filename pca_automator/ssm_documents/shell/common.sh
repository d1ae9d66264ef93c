# How a document ends: one PCA_RESULT or PCA_ERROR line on stdout, whatever happens.
# bash takes options and functions from its environment, unless it is told -p: a pattern or a tool would mean something
# else.
# shellcheck disable=SC3028  # BASH is asked for in bash alone
case ${BASH_VERSION-}:$- in
  ?*:*p* | :*) ;;
  *) [ ! -f "$0" ] || exec "$BASH" -p "$0" "$@" ;;
esac
set -eu
umask 077
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C # messages of tools are matched, and [a-z] means ASCII
# openssl without this host's configuration, which may be broken or add extensions, and without the certificates that
# the host trusts: they decide nothing here, and reading them takes longer than all the rest.
OPENSSL_CONF=/dev/null SSL_CERT_DIR=/dev/null SSL_CERT_FILE=/dev/null
export PATH LC_ALL OPENSSL_CONF SSL_CERT_DIR SSL_CERT_FILE
unset CDPATH OPENSSL_MODULES OPENSSL_ENGINES
nl='
'
reported=
step='the start'

# one_line TEXT: printable ASCII on one line, short enough for a failure report. If something has to go it is the
# middle: what the operating system said stands at the end.
one_line() {
  line=$(printf '%s' "$1" | tr '\n\t' '  ' | tr -cd ' -~' | tr -s ' ')
  if [ "${#line}" -gt 480 ]; then
    line="$(printf '%s' "$line" | cut -c1-280) ... $(printf '%s' "$line" | tail -c 190)"
  fi
  printf '%s\n' "$line"
}

# fail CODE SENTENCE: the only way to end without success. Not from a subshell: there it would end only that.
fail() {
  reported=yes
  printf 'PCA_ERROR %s %s\n' "$1" "$(one_line "$2")"
  exit 1
}

note() {
  printf '%s\n' "$1" >&2
}

# notice CODE SENTENCE: something that whoever reads the result has to know, although all went well
notices=
notice() {
  notices=${notices:+$notices,}$1
  note "$1 $(one_line "$2")"
}

# must CODE SENTENCE COMMAND…: runs a command; if it fails, its own words go into the report
must() {
  must_code=$1
  must_sentence=$2
  shift 2
  if must_noise=$("$@" 2>&1); then
    return 0
  fi
  must_code=$(code_for "$must_noise" "$must_code")
  last_words "$must_noise"
  # Not every tool says that the disk is full, but then it still is.
  if disk_is_full; then
    must_code=NO_SPACE
  fi
  fail "$must_code" "$must_sentence: ${words:-$1 gave no reason}"
}

# last_words TEXT: sets $words to its last line that says something; that the loader could not preload a library is said
# by every program of a host, and explains nothing
last_words() {
  words=
  words_rest=$1$nl
  while [ -n "$words_rest" ]; do
    case ${words_rest%%"$nl"*} in
      '' | *'ld.so: '*) ;;
      *) words=${words_rest%%"$nl"*} ;;
    esac
    words_rest=${words_rest#*"$nl"}
  done
}

# value COMMAND…: sets $value to what it says on stdout. What it complains is never a part of that: if it fails, it is
# asked once more, for $words.
value() {
  words=
  value=$("$@" 2>/dev/null) && return 0
  value=
  last_words "$("$@" 2>&1 >/dev/null)"
  return 1
}

# public_half TEXT: sets $half to the public key that openssl printed in it
public_half() {
  case $1 in
    *'-----BEGIN PUBLIC KEY-----'*'-----END PUBLIC KEY-----'*) ;;
    *) return 1 ;;
  esac
  half=${1#*-----BEGIN PUBLIC KEY-----}
  half=${half%%-----END PUBLIC KEY-----*}
}

# read_key FILE: sets $half to its public half. An encrypted key is not asked for at a terminal.
read_key() {
  words='it is no file'
  [ -f "$1" ] && value openssl pkey -in "$1" -passin pass: -pubout && public_half "$value"
}

# are_numbers COUNT WORD…: whether there are as many words, and all are numbers
are_numbers() {
  [ "$#" -eq $(($1 + 1)) ] || return 1
  for are_number do
    case $are_number in
      '' | *[!0-9]* | ???????????*) return 1 ;;
    esac
  done
}

# code_for NOISE CODE: what the operating system said goes before what we were doing
code_for() {
  case $1 in
    *'No space left'* | *'quota exceeded'*) echo NO_SPACE ;;
    *'Read-only file system'* | *'Permission denied'* | *'Operation not permitted'*)
      case $2 in
        SWITCH_FAILED | OWNER_UNKNOWN) echo "$2" ;;
        *) echo DIRECTORY_NOT_WRITABLE ;;
      esac
      ;;
    *) echo "$2" ;;
  esac
}

need_tools() {
  for tool do
    command -v "$tool" >/dev/null || fail MISSING_TOOL "$tool is not installed on this host, or not in $PATH"
  done
}

clock() {
  date -u +%Y-%m-%dT%H:%M:%SZ
}

# Every document defines clean_up, which must not change what is live.
ended() {
  ended_status=$?
  trap - EXIT
  set +e
  clean_up >&2
  if [ "$ended_status" -ne 0 ] && [ -z "$reported" ]; then
    printf 'PCA_ERROR INTERNAL the script stopped with status %s at: %s\n' "$ended_status" "$step"
    ended_status=1
  fi
  exit "$ended_status"
}
trap ended EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
