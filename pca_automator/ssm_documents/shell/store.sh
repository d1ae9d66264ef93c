# The store of one host: pending requests, versions, and `current`, the link that makes one version live.

store=$SEALED_csrPath/$SSM_hostID
aside=$store/.aside
locked=
public_certificate=$SSM_certPath/$SSM_hostID.crt
public_key=$SSM_keyPath/$SSM_hostID.key
public_chain=$SSM_cacertPath/ca_chain_certificate.crt

open_store() {
  step="preparing $store"
  case $nl$SSM_certPath/$nl$SSM_keyPath/$nl$SSM_cacertPath/ in
    *"$nl$store/"*) fail BAD_PARAMETER "certPath, keyPath and cacertPath must not be inside the store, $store" ;;
  esac
  trusted "$SEALED_csrPath" "$SSM_certPath" "$SSM_keyPath" "$SSM_cacertPath"
  make_directory "$SEALED_csrPath" 066
  own_directory "$store" 066
  judge own '' "$store$nl"
  lock_store
  own_directory "$store/versions" 066
  own_directory "$store/pending" 077
  judge own '' "$store/versions$nl$store/pending$nl"
  # What a killed command left goes first.
  must DIRECTORY_NOT_WRITABLE "cannot write in $store" make_aside
  is_born_clean || clear_lists
}

# is_born_clean: under this umask a file has no right at all, unless a default access control list gives it some
is_born_clean() {
  must DIRECTORY_NOT_WRITABLE "cannot write in $store" give_birth
  numbers 1 -c %a "$aside/born"
  [ "$numbers" -eq 0 ]
}

give_birth() {
  umask 777
  rm -f "$aside/born" && : >"$aside/born"
}

# clear_lists: what is below would be given to others, or to nobody, whatever mode it is made with
clear_lists() {
  clear_words="$store inherits a default access control list, which decides who reads a new key"
  must READERS_NOT_KEPT "$clear_words: take it away (setfacl -k), also from $SEALED_csrPath, or install setfacl" \
    setfacl -b -k "$store" "$store/versions" "$store/pending" "$aside"
  must DIRECTORY_NOT_WRITABLE "cannot set the mode of $store" chmod 711 "$store" "$store/versions"
  must DIRECTORY_NOT_WRITABLE "cannot set the mode of $store/pending" chmod 700 "$store/pending" "$aside"
  is_born_clean || fail READERS_NOT_KEPT "$clear_words, and setfacl did not take it away"
}

make_aside() {
  rm -rf "$aside" "$store/versions/.staged" "$store/pending/.staged" && mkdir "$aside"
}

disk_is_full() {
  [ -n "$locked" ] && [ -d "$aside" ] && [ -w "$aside" ] && ! write_probe 2>/dev/null
}

write_probe() (
  head -c 16384 /dev/zero >"$aside/probe"
)

# The kernel frees this lock when the last process that holds it is gone, however it went. The directory itself is
# locked, so there is no lock file to plant, and nobody else may open the directory (0711).
lock_store() {
  [ -r "$store" ] || fail DIRECTORY_NOT_WRITABLE "cannot read $store"
  exec 9<"$store"
  lock_seconds=0
  until flock -n 9; do
    [ "$lock_seconds" -lt 30 ] || fail LOCKED "another command has been at work in $store for $lock_seconds seconds"
    sleep 1
    lock_seconds=$((lock_seconds + 1))
  done
  locked=yes
}

close_store() {
  if [ -n "$locked" ]; then
    each_public_path clear_leftover
    rm -rf "$aside" "$store/versions/.staged" "$store/pending/.staged"
  fi
}

# live_version: sets $live to the name of the version that is live, or to nothing
live_version() {
  live=
  if [ ! -L "$store/current" ]; then
    [ ! -e "$store/current" ] || fail UNSAFE_DIRECTORY "$store/current is not a symbolic link; move it away"
    return 0
  fi
  live=$(readlink "$store/current")
  case $live in
    versions/*) live=${live#versions/} ;;
    *) fail UNSAFE_DIRECTORY "$store/current leads to $live, which is no version; make it lead to one, or remove it" ;;
  esac
  case $live in
    '' | *[!A-Za-z0-9-]*) fail UNSAFE_DIRECTORY "$store/current leads to $live, which is no version" ;;
  esac
  [ ! -L "$store/versions/$live" ] || fail UNSAFE_DIRECTORY "$store/versions/$live is a symbolic link"
  [ -d "$store/versions/$live" ] || live=
}

# read_state: believed only if it speaks of the version that is live
read_state() {
  state_live=
  state_previous=
  state_confirmed=
  state_validated=
  state_proven=
  state_history=
  if [ ! -f "$store/state" ] || [ -L "$store/state" ]; then
    return 0
  fi
  while IFS='=' read -r state_name state_value; do
    case $state_name in
      live) state_live=$state_value ;;
      previous) state_previous=$state_value ;;
      confirmed) state_confirmed=$state_value ;;
      validated) state_validated=$state_value ;;
      proven) state_proven=$state_value ;;
      history) state_history=$state_value ;;
    esac
  done <"$store/state"
  case $state_history in
    *[!A-Za-z0-9\ -]*) state_history= ;;
  esac
  case $state_previous in
    *[!A-Za-z0-9-]*) state_previous= ;;
  esac
}

# point_current_at VERSION: the one atomic switch. A link is made aside and renamed over `current`. The destination is
# given as a directory, because `mv new current` would move into the directory that `current` leads to, and not every
# mv knows -T.
point_current_at() {
  ln -s "versions/$1" "$aside/current" && mv -f "$aside/current" "$store/"
}

# The three public paths, each with the name that its content has in a version.
each_public_path() {
  "$1" "$public_certificate" tls.crt
  "$1" "$public_key" tls.key
  "$1" "$public_chain" ca.crt
}

# is_ours PATH NAME: whether PATH is a link into the live version of this store
is_ours() {
  [ -L "$1" ] && [ "$(readlink "$1")" = "$store/current/$2" ]
}

# look_at_public_path PATH NAME: counts in $foreign what has to be taken over and in $missing what has no link yet
look_at_public_path() {
  know_list "$1"
  if is_ours "$1" "$2"; then
    return 0
  fi
  public_directories=$public_directories${1%/*}$nl
  if [ -e "$1" ]; then
    [ -f "$1" ] || fail UNSAFE_DIRECTORY "$1 is neither a file nor a link to a file; move it away"
    refuse_planted "$1"
    foreign=$foreign$2$nl
  else
    missing=$missing$2$nl
  fi
}

# is_ours_to_change PATH: whether it belongs to root or to who runs this; sets $planted_by
is_ours_to_change() {
  numbers 1 -c %u "$1"
  planted_by=$numbers
  [ "$planted_by" -eq 0 ] || [ "$planted_by" -eq "$me" ]
}

# refuse_planted PATH: in a sticky directory such as /tmp anybody could have put it there
refuse_planted() {
  if is_ours_to_change "$1"; then
    return 0
  fi
  numbers 2 -c '%g %a' "${1%/*}"
  # shellcheck disable=SC2086  # two numbers
  if writable_by_others $numbers; then
    fail UNSAFE_DIRECTORY "$1 belongs to user number $planted_by, in a directory that others can write to"
  fi
}

# look_at_public_paths: refuses what cannot be replaced, before anything is changed
look_at_public_paths() {
  step='examining the public paths'
  foreign=
  missing=
  public_directories=
  each_public_path look_at_public_path
  look_rest=$public_directories
  while [ -n "$look_rest" ]; do
    look_directory=${look_rest%%"$nl"*}
    look_rest=${look_rest#*"$nl"}
    case $nl$look_rest in
      *"$nl$look_directory$nl"*) continue ;;
    esac
    make_directory "$look_directory" 022
    must DIRECTORY_NOT_WRITABLE "cannot remove anything from $look_directory" clear_public_aside "$look_directory"
    if [ -e "$look_directory/.$SSM_hostID.new" ] || [ -L "$look_directory/.$SSM_hostID.new" ]; then
      refuse_planted "$look_directory/.$SSM_hostID.new"
    fi
    must DIRECTORY_NOT_WRITABLE "cannot write in $look_directory" mkdir "$look_directory/.$SSM_hostID.new"
    must DIRECTORY_NOT_WRITABLE "cannot remove anything from $look_directory" clear_public_aside "$look_directory"
  done
}

# clear_public_aside DIRECTORY: the directory in which a link is made before it is renamed into place. Where somebody
# else could plant it, it is left alone: they could lead an rm -rf that is not as careful as GNU's to other directories.
clear_public_aside() {
  if [ ! -e "$1/.$SSM_hostID.new" ] && [ ! -L "$1/.$SSM_hostID.new" ]; then
    return 0
  fi
  if is_ours_to_change "$1/.$SSM_hostID.new"; then
    rm -rf "$1/.$SSM_hostID.new"
  fi
}

# clear_leftover PATH NAME: of a command that was killed, or failed
clear_leftover() {
  clear_public_aside "${1%/*}"
}
