# Directories are used only if nobody but root, and the user that runs this, can change what their names lead to.

me=$(id -u)
my_group=$(id -g)
are_numbers 2 "$me" "$my_group" || fail INTERNAL "id gives no numbers, but '$me' and '$my_group'"

# numbers COUNT STAT-ARGUMENT…: sets $numbers to what stat says; anything but COUNT numbers is refused
numbers() {
  numbers_count=$1
  shift
  value stat "$@" || fail UNSAFE_DIRECTORY "cannot be examined: $words"
  numbers=$value
  # shellcheck disable=SC2086  # words
  are_numbers "$numbers_count" $numbers || fail UNSAFE_DIRECTORY "cannot be examined: stat gives no numbers, but $numbers"
}

# writable_by_others GROUP MODE: MODE is octal, as stat prints it. An ordinary user's own group is accepted (umask 002
# on machines where every user has a group of their own); root's is not.
writable_by_others() {
  case $2 in
    *[2367]) return 0 ;;
    *[2367]?) [ "$me" -eq 0 ] || [ "$1" -ne "$my_group" ] ;;
    *) return 1 ;;
  esac
}

# refuse_others KIND PATH UID GID MODE: KIND is "shared" where a sticky directory such as /tmp is accepted, else "own"
refuse_others() {
  if [ "$3" -ne 0 ] && [ "$3" -ne "$me" ]; then
    fail UNSAFE_DIRECTORY "$2 belongs to user number $3, who could change what is in it"
  fi
  if writable_by_others "$4" "$5"; then
    case $1:$5 in
      shared:[1357]???) ;;
      *) fail UNSAFE_DIRECTORY "$2 can be changed by others: its mode is $5 and its group number $4" ;;
    esac
  fi
}

# follow DIRECTORY: adds the directory and all above it, as far as they exist, to the list in $chain, and the symbolic
# links among them to $links
follow() {
  follow_done=
  follow_rest=${1#/}/
  while [ -n "$follow_rest" ]; do
    follow_done=$follow_done/${follow_rest%%/*}
    follow_rest=${follow_rest#*/}
    if [ -L "$follow_done" ]; then
      [ -n "$follow_rest" ] ||
        fail UNSAFE_DIRECTORY "$follow_done is a symbolic link; name the directory that it leads to"
      links=$links$follow_done$nl
    elif [ ! -e "$follow_done" ]; then
      return 0
    fi
    [ -d "$follow_done" ] || fail UNSAFE_DIRECTORY "$follow_done is not a directory"
    case $nl$chain in
      *"$nl$follow_done$nl"*) ;;
      *) chain=$chain$follow_done$nl ;;
    esac
  done
}

# judge KIND STAT-OPTION LIST: one stat for the whole list, which is one path on each line
judge() {
  judge_kind=$1
  judge_option=$2
  judge_list=$3
  IFS=$nl
  set -f
  # shellcheck disable=SC2086  # split at newlines on purpose
  set -- $3
  set +f
  IFS=" $nl"
  # shellcheck disable=SC2086  # there may be no option
  numbers $(($# * 3)) $judge_option -c '%u %g %a' "$@"
  # shellcheck disable=SC2086  # numbers
  set -- $numbers
  while [ -n "$judge_list" ]; do
    refuse_others "$judge_kind" "${judge_list%%"$nl"*}" "$1" "$2" "$3"
    shift 3
    judge_list=${judge_list#*"$nl"}
  done
}

# trusted DIRECTORY…: they, and everything above them, as far as they exist
trusted() {
  chain=/$nl
  links=
  for trusted_directory do
    follow "$trusted_directory"
  done
  [ -z "$links" ] || trusted_links
  judge shared -L "$chain"
}

# Links above a directory are the administrator's business if root made them. What they lead to is examined, too.
trusted_links() {
  trusted_rest=$links
  while [ -n "$trusted_rest" ]; do
    trusted_real=$(cd -P "${trusted_rest%%"$nl"*}" && pwd -P) || fail UNSAFE_DIRECTORY "cannot enter ${trusted_rest%%"$nl"*}"
    follow "$trusted_real"
    trusted_rest=${trusted_rest#*"$nl"}
  done
  IFS=$nl
  set -f
  # shellcheck disable=SC2086  # split at newlines on purpose
  set -- $links
  set +f
  IFS=" $nl"
  numbers $# -c %u "$@"
  for trusted_owner in $numbers; do
    [ "$trusted_owner" -eq 0 ] || [ "$trusted_owner" -eq "$me" ] ||
      fail UNSAFE_DIRECTORY "one of these links belongs to user number $trusted_owner: $links"
  done
}

# make_directory PATH UMASK: the missing ones above it get the mode 0755
make_directory() {
  [ -d "$1" ] || must DIRECTORY_NOT_WRITABLE "cannot make the directory $1" make_with_parents "$1" "$2"
}

make_with_parents() {
  umask 022
  mkdir -p "${1%/*}/" && make_one "$1" "$2"
}

# make_one PATH UMASK: mkdir -m may need two system calls, and be killed between them
make_one() {
  umask "$2"
  mkdir "$1"
}

# own_directory PATH UMASK: one of ours, made if missing; never a link. Judged later, all in one go.
own_directory() {
  [ ! -L "$1" ] || fail UNSAFE_DIRECTORY "$1 is a symbolic link; nothing is written through it"
  if [ ! -d "$1" ]; then
    [ ! -e "$1" ] || fail UNSAFE_DIRECTORY "$1 is not a directory"
    must DIRECTORY_NOT_WRITABLE "cannot make the directory $1" make_one "$1" "$2"
  fi
}
