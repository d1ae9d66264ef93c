# What the next files get, so that who can read the present ones can read them, and nobody else: owner, group and mode,
# access control list, security context.

# find_like PATH NAME: sets $like to the file that shows who reads now, or to nothing
find_like() {
  like=
  if [ -f "$1" ] && was_examined "$1" "$2"; then
    like=$1
  elif [ -n "$live" ] && [ -f "$store/versions/$live/$2" ]; then
    like=$store/versions/$live/$2
  fi
}

# was_examined PATH NAME: whether look_at_public_paths has seen it; what came since may be anybody's, as in /tmp
was_examined() {
  if is_ours "$1" "$2"; then
    return 0
  fi
  case $nl$foreign in
    *"$nl$2$nl"*) ;;
    *) return 1 ;;
  esac
}

# rights_of PATH NAME GIVEN-MODE: sets $owner, $group, $mode and $list for the next file of that name: what the inventory
# asks for; else what is there now, so that who can read it can read the next one; else what they are set to
rights_of() {
  list=
  find_like "$1" "$2"
  if [ -n "$like" ]; then
    numbers 3 -L -c '%u %g %a' "$like"
    owner=${numbers%% *}
    group=${numbers#* }
    group=${group% *}
    mode=00${numbers##* }
    mode=${mode#"${mode%???}"}
    find_list "$like"
    case $list:$mode in
      :* | unknown:?[0-3]? | unknown:??[4-7]) ;;
      unknown:*)
        [ -n "$SSM_fileGroup" ] && [ -n "$3" ] || fail READERS_NOT_KEPT \
          "without getfacl nobody knows whether $like has an access control list: install it, or set fileGroup and the mode"
        ;;
      *) mode=${mode%??}$list_group${mode#??} ;;
    esac
    [ "$list" != unknown ] || list=
    if [ "$like" = "$public_key" ] && ! is_ours "$1" "$2" && [ -z "$SSM_fileGroup$3" ]; then
      narrow
    fi
  fi
  owner=${SSM_fileOwner:-$owner}
  group=${SSM_fileGroup:-$group}
  mode=00${3:-$mode}
  mode=${mode#"${mode%???}"}
}

# narrow: a key of somebody else, about to be shown in the store, through which everybody can go: whom its directories
# kept away must not come in
narrow() {
  chain=
  links=
  follow "${like%/*}"
  if [ -L "$like" ] && value readlink -f "$like"; then
    follow "${value%/*}"
  fi
  while [ -n "$chain" ]; do
    narrow_directory=${chain%%"$nl"*}
    chain=${chain#*"$nl"}
    numbers 3 -L -c '%u %g %a' "$narrow_directory"
    narrow_group=${numbers#* }
    case $store/ in
      "${narrow_directory%/}"/*) continue ;; # it keeps the same ones away from the store
    esac
    narrow_kept="$list $list_group"
    find_list "$narrow_directory"
    narrow_list=$list
    list=${narrow_kept% *}
    list_group=${narrow_kept##* }
    # Whom the directory's own list lets in, or keeps away, is not worked out.
    case $narrow_list:$list:$mode in
      :* | unknown:* | *::?00)
        case $list:${numbers##* }:$mode in
          *[1357]:???) continue ;;
          :*[1357]?:?[0-3]?) continue ;;
          :*[1357]?:*) [ "${narrow_group% *}" != "$group" ] || continue ;;
          :*)
            mode=${mode%??}00
            [ "$owner" = "${numbers%% *}" ] || owner=$me
            continue
            ;;
        esac
        ;;
    esac
    fail READERS_NOT_KEPT \
      "not everybody may enter $narrow_directory, where $like is: say in fileGroup and keyMode who shall read the next key"
  done
}

# give_away NAME…: those that are staged get $owner and $group, then $mode, then $list
give_away() {
  give_files=
  for give_name do
    [ ! -e "$staged/$give_name" ] || give_files=$give_files$staged/$give_name$nl
  done
  IFS=$nl
  # shellcheck disable=SC2086  # split at newlines; no path of ours has a character of patterns
  set -- $give_files
  IFS=" $nl"
  must OWNER_UNKNOWN "cannot give the files to $owner:$group" chown "$owner:$group" "$@"
  # To chown, a number is first of all a name.
  numbers 2 -c '%u %g' "$1"
  give_owner=${SSM_fileOwner:-"${numbers% *}"}
  give_group=${SSM_fileGroup:-"${numbers#* }"}
  [ "$give_owner:$give_group" = "$owner:$group" ] || fail READERS_NOT_KEPT \
    "the numbers $owner:$group are names of others on this host: say in fileOwner and fileGroup who is meant"
  must DIRECTORY_NOT_WRITABLE 'cannot set the modes of the files' chmod "$mode" "$@"
  # Some file systems take a mode, and keep their own.
  numbers 1 -c %a "$1"
  [ "$numbers" -eq "$mode" ] || fail READERS_NOT_KEPT "$1 has the mode $numbers instead of $mode"
  give_list "$@"
}

# give_list FILE…: gives them $list, and sees that they have it
give_list() {
  [ -n "$list" ] || return 0
  give_wanted=$list
  must READERS_NOT_KEPT "cannot give the files the access control list $list" setfacl -m "$list" "$@"
  find_list "$1"
  [ "$list" = "$give_wanted" ] || fail READERS_NOT_KEPT "$1 has the access control list '$list' instead of '$give_wanted'"
}

# keep_context PATH NAME: restorecon gave the files of version $settled what the policy says of their place; the readers
# may be at home with what the file before has
keep_context() {
  find_like "$1" "$2"
  [ -n "$like" ] && [ -f "$store/versions/$settled/$2" ] || return 0
  value stat -L -c %C "$like" || return 0
  context=$value
  case $context in
    *:*:*) ;;
    *) return 0 ;;
  esac
  value stat -c %C "$store/versions/$settled/$2" && [ "$value" = "$context" ] ||
    must READERS_NOT_KEPT "cannot give $2 the security context $context" chcon "$context" "$store/versions/$settled/$2"
}
