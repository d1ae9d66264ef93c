# Mounts: a container, a chroot or a service may show a directory of this host without what the links in it lead to, and
# a file that is mounted alone shows for ever what it held at that time.

# find_mounts: sets $exposed to a place that shows a public directory without the store, and $pinned to one that shows a
# file for ever; else to nothing
find_mounts() {
  exposed=
  pinned=
  [ -r /proc/self/mountinfo ] || return 0
  where_is "$store"
  store_place=$place
  mounts_own=$(stat -L -c %i /proc/self/ns/mnt 2>/dev/null) || mounts_own=
  mounts_seen=" $mounts_own "
  mounts_process=self
  scan_mounts
  mounts_rest=$(stat -L -c '%i %n' /proc/[0-9]*/ns/mnt 2>/dev/null) || : # those that ended meanwhile
  mounts_rest=$mounts_rest$nl
  while [ -n "$mounts_rest" ]; do
    mounts_line=${mounts_rest%%"$nl"*}
    mounts_rest=${mounts_rest#*"$nl"}
    case $mounts_seen in
      *" ${mounts_line%% *} "*) continue ;;
    esac
    mounts_process=${mounts_line#*/proc/}
    mounts_process=${mounts_process%%/*}
    scan_mounts || continue # it has ended meanwhile; others may be there that see the same
    mounts_seen="$mounts_seen${mounts_line%% *} "
  done
  scan_roots
}

# scan_roots: those of processes that have another root in this namespace of mounts, which no mount tells of
scan_roots() {
  value stat -L -c %d:%i / || return 0
  roots_seen=" $value "
  roots_rest=$(stat -L -c '%d:%i %n' /proc/[0-9]*/root 2>/dev/null) || : # those that ended meanwhile
  roots_rest=$roots_rest$nl
  while [ -n "$roots_rest" ]; do
    roots_line=${roots_rest%%"$nl"*}
    roots_rest=${roots_rest#*"$nl"}
    roots_process=${roots_line#*/proc/}
    roots_process=${roots_process%/root}
    case $roots_seen in
      *" ${roots_line%% *} "*) continue ;;
    esac
    { value stat -L -c %i "/proc/$roots_process/ns/mnt" && [ "$value" = "$mounts_own" ]; } || continue
    roots_seen="$roots_seen${roots_line%% *} "
    value readlink "/proc/$roots_process/root" || continue
    roots_place=${value%/}
    for roots_public in "$SSM_certPath" "$SSM_keyPath" "$SSM_cacertPath"; do
      roots_path=$(cd -P "$roots_public" 2>/dev/null && pwd -P) || continue
      case $roots_path/ in
        "$roots_place"/*)
          is_same "/proc/$roots_process/root$store" "$store" || [ ! -d "/proc/$roots_process/root/" ] ||
            exposed="$roots_place (process $roots_process) shows $roots_public without $store"
          ;;
      esac
    done
  done
}

# where_is PATH: sets $place to the device that holds it, a blank, and its path there, blanks written as in mountinfo
where_is() {
  place_path=$(cd -P "$1" 2>/dev/null && pwd -P) || place_path=$1
  place_rest=$place_path/
  place_path=
  while [ -n "$place_rest" ]; do
    case $place_rest in
      *' '*) place_path=$place_path${place_rest%%' '*}\\040 && place_rest=${place_rest#*' '} ;;
      *) place_path=$place_path${place_rest%/} && place_rest= ;;
    esac
  done
  place=
  place_longest=-1
  while read -r _ _ place_device place_root place_point _; do
    place_point=${place_point%/}
    case $place_path/ in
      "$place_point"/*)
        if [ "${#place_point}" -ge "$place_longest" ]; then
          place_longest=${#place_point}
          place="$place_device ${place_root%/}${place_path#"$place_point"}"
        fi
        ;;
    esac
  done </proc/self/mountinfo
}

# scan_mounts: those of $mounts_process; fails if they cannot be read
scan_mounts() {
  for scan_public in "$public_certificate" "$public_key" "$public_chain"; do
    where_is "${scan_public%/*}"
    scan_place=$place
    scan_path=$place_path
    while read -r _ _ scan_device scan_root scan_point _; do
      scan_root=${scan_root%//deleted}
      scan_point=${scan_point%/}
      case "$scan_device $scan_root" in
        "$store_place/versions/"* | "$scan_place/${scan_public##*/}")
          pinned="$scan_point (process $mounts_process) shows one file or version for ever"
          ;;
      esac
      scan_root=${scan_root%/}
      case "$scan_place/" in
        "$scan_device $scan_root"/*) ;;
        *) continue ;;
      esac
      # this directory there, and what would be the root there
      scan_there=$scan_point${scan_place#"$scan_device $scan_root"}
      case $store_place/ in
        # At the same path, something else may lie over the store.
        "$scan_device $scan_root"/*) [ "$scan_there" = "$scan_path" ] && [ -d "$store" ] || continue ;;
      esac
      scan_root=${scan_there%"$scan_path"}
      if [ "$mounts_process" != self ]; then
        scan_root=/proc/$mounts_process/root
      elif [ "$scan_there" = "$scan_path" ]; then
        continue
      fi
      with_blanks "$scan_there"
      scan_there=$blanks
      with_blanks "$scan_root"
      # the process may have ended meanwhile
      is_same "$blanks$store" "$store" || [ ! -d "$blanks/" ] ||
        exposed="$scan_there (process $mounts_process) shows ${scan_public%/*} without $store"
    done 2>/dev/null <"/proc/$mounts_process/mountinfo" || return 1
  done
}

# with_blanks TEXT: sets $blanks to a path of mountinfo as it is: blanks and backslashes stand there as \040 and \134
with_blanks() {
  blanks_rest=$1
  blanks=
  while :; do
    case $blanks_rest in
      *\\[0-7][0-7][0-7]*)
        blanks_code=${blanks_rest#*\\}
        # shellcheck disable=SC2059  # an escape of the format
        blanks=$blanks${blanks_rest%%\\*}$(printf "\\${blanks_code%"${blanks_code#???}"}")
        blanks_rest=${blanks_code#???}
        ;;
      *) blanks=$blanks$blanks_rest && return 0 ;;
    esac
  done
}

is_same() {
  value stat -L -c %d:%i "$1" || return 1
  same=$value
  value stat -L -c %d:%i "$2" && [ "$same" = "$value" ]
}

# find_other_hosts: sets $others to the stores of other hosts that hold keys: this machine may be a copy of theirs
find_other_hosts() {
  others=
  for other in "$SEALED_csrPath"/i-* "$SEALED_csrPath"/mi-*; do
    [ "$other" != "$store" ] && [ ! -L "$other" ] || continue
    for other_key in "$other"/versions/*/tls.key "$other"/pending/*/tls.key; do
      if [ -f "$other_key" ]; then
        others="$others ${other##*/}"
        break
      fi
    done
  done
}
