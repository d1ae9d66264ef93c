# How a document ends: one PCA_RESULT or PCA_ERROR line on stdout, whatever happens.
set -eu
umask 077
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C # messages of tools are matched, and [a-z] means ASCII
export PATH LC_ALL
unset CDPATH
nl='
'
reported=
step='the start'

# one_line TEXT: printable ASCII on one line, short enough for a failure report. If something has to go it is the
# middle: what the operating system said stands at the end.
one_line() {
  line=$(printf '%s' "$1" | tr '\n\t' '  ' | tr -cd ' -~' | tr -s ' ')
  if [ "${#line}" -gt 500 ]; then
    line="$(printf '%s' "$line" | cut -c1-300) ... $(printf '%s' "$line" | tail -c 190)"
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

# must CODE SENTENCE COMMAND…: runs a command; if it fails, its own words go into the report
must() {
  must_code=$1
  must_sentence=$2
  shift 2
  if must_noise=$("$@" 2>&1); then
    return 0
  fi
  must_noise=${must_noise##*"$nl"}
  must_code=$(code_for "$must_noise" "$must_code")
  # Not every tool says that the disk is full, but then it still is.
  if disk_is_full; then
    must_code=NO_SPACE
  fi
  fail "$must_code" "$must_sentence: ${must_noise:-$1 gave no reason}"
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
