# Every value is checked once more here: an agent that knows no parameter types may run this, too.

refuse_value() {
  fail BAD_PARAMETER "$1 is missing or has a value that is not allowed"
}

is_hex() {
  case $1 in
    '' | *[!0-9a-f]*) return 1 ;;
  esac
}

check_host_id() {
  case $SSM_hostID in
    '{'*) fail AGENT_TOO_OLD "SSM Agent put no values in the place of the parameters; 3.3.2746.0 or newer does" ;;
  esac
  case $SSM_hostID in
    i-???????? | i-?????????????????) is_hex "${SSM_hostID#i-}" ;;
    mi-?????????????????) is_hex "${SSM_hostID#mi-}" ;;
    *) false ;;
  esac || refuse_value hostID
}

# check_request_id VALUE
check_request_id() {
  if [ "${#1}" -ne 32 ] || ! is_hex "$1"; then
    refuse_value requestId
  fi
}

# check_path NAME VALUE: absolute; no '.' or '..' segment, none that looks like an option, no character of the shell
check_path() {
  case $2 in
    [!/]* | '' | *[!A-Za-z0-9_.@+=,\ /-]* | */ | */[!.A-Za-z0-9_]* | */. | */.[!A-Za-z0-9_]*) refuse_value "$1" ;;
  esac
  [ "${#2}" -le 200 ] || refuse_value "$1"
}

# check_word NAME VALUE ALLOWED…
check_word() {
  check_word_name=$1
  check_word_value=$2
  shift 2
  for allowed do
    [ "$check_word_value" != "$allowed" ] || return 0
  done
  refuse_value "$check_word_name"
}

check_base64() {
  case $2 in
    '' | *[!A-Za-z0-9+/=]*) refuse_value "$1" ;;
  esac
}

# check_chain VALUE: base64, with single dots between
check_chain() {
  case $1 in
    .* | *. | *..* | '' | *[!A-Za-z0-9+/=.]*) refuse_value chain ;;
  esac
}

# check_number NAME VALUE MAXIMUM: from 1
check_number() {
  case $2 in
    [1-9] | [1-9][0-9] | [1-9][0-9][0-9]) [ "$2" -le "$3" ] || refuse_value "$1" ;;
    *) refuse_value "$1" ;;
  esac
}

# check_moment NAME VALUE: seconds since 1970, or nothing
check_moment() {
  case $2 in
    '') return 0 ;;
    0* | *[!0-9]*) refuse_value "$1" ;;
  esac
  [ "${#2}" -le 11 ] || refuse_value "$1"
}

check_owner() {
  case $2 in
    '') return 0 ;;
    [!A-Za-z0-9_]* | *[!A-Za-z0-9_.@+\ -]* | *' ' | *'  '*) refuse_value "$1" ;;
  esac
  [ "${#2}" -le 64 ] || refuse_value "$1"
}

# check_mode NAME VALUE: octal, and the owner can read
check_mode() {
  case $2 in
    '' | [4-7][0-7][0-7] | 0[4-7][0-7][0-7]) ;;
    *) refuse_value "$1" ;;
  esac
}
