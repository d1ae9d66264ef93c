# Access control lists. Where a file has one, the group's digit of its mode is the list's mask, and says nothing about
# the group.

# find_list PATH: sets $list to nothing, "unknown", "some", or entries such as user:33:r,group:44:- with what the mask
# leaves of them; in the last case $list_group is 4 or 0, the right of the owning group
find_list() {
  list=unknown
  list_group=
  if command -v getfacl >/dev/null; then
    value getfacl -cpnE -- "$1" || fail READERS_NOT_KEPT "getfacl cannot read $1: $words"
    read_list "$1"
    return 0
  fi
  # Without getfacl, a mark in what ls says. Not every ls makes it; one further down on PATH may.
  IFS=:
  set -f
  for list_ls in $PATH; do
    case $("$list_ls/ls" --version 2>/dev/null) in
      *'GNU coreutils'*) ;;
      *) continue ;;
    esac
    if value "$list_ls/ls" -ldL -- "$1"; then
      case ${value%% *} in
        ??????????+) list=some ;;
        ?????????? | ??????????.) list= ;;
      esac
    fi
    break
  done
  set +f
  IFS=" $nl"
}

# read_list PATH: what getfacl said of it in $value
read_list() {
  case $nl$value in
    *"${nl}user::"*"${nl}group::"*"${nl}other::"*) ;;
    *) fail READERS_NOT_KEPT "getfacl does not say who can read $1" ;;
  esac
  list=
  list_rest=$value$nl
  list_mask=r
  case $nl$value in
    *"${nl}mask::-"*) list_mask=- ;;
  esac
  while [ -n "$list_rest" ]; do
    list_entry=${list_rest%%"$nl"*}
    list_rest=${list_rest#*"$nl"}
    list_right=-
    case $list_entry in
      *:r*) list_right=$list_mask ;;
    esac
    case $list_entry in
      group::r*) [ "$list_mask" = - ] || list_group=4 ;;
      user:[0-9]* | group:[0-9]*) list=$list${list:+,}${list_entry%:*}:$list_right ;;
    esac
  done
  list_group=${list_group:-0}
}

# know_list PATH: refuses, before anything is changed, a list that could not be given to the next file
know_list() {
  [ -f "$1" ] || return 0
  find_list "$1"
  case $list in
    '' | unknown) return 0 ;;
    some) ;;
    *) ! command -v setfacl >/dev/null || return 0 ;;
  esac
  fail READERS_NOT_KEPT \
    "$1 has an access control list, and without getfacl and setfacl the next file could not get it: install them"
}
