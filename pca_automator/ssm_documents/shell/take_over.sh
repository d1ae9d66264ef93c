# Existing files at the public paths become a version, and links take their place, without an instant in which they
# show anything else.

taken_over=false

# take_over: what the three public paths show now is copied into a version, that version goes live, and only then is
# each file replaced by a link which shows the same content
take_over() {
  [ -n "$foreign" ] || return 0
  step='taking over existing files'
  taken=taken-over-$(date -u +%Y%m%dT%H%M%SZ)-$$
  staged=$store/versions/.staged/$taken
  must DIRECTORY_NOT_WRITABLE "cannot write in $store/versions" mkdir -p -m 711 "$staged"
  if [ -n "$live" ]; then
    must DIRECTORY_NOT_WRITABLE 'cannot copy the live version' cp -pR "$store/versions/$live"/* "$staged/"
  fi
  each_public_path take_over_content
  settle "$taken"
  must SWITCH_FAILED "cannot replace $store/current" point_current_at "$taken"
  live=$taken
  taken_over=true
}

# take_over_content PATH NAME: with its owner, mode and time; a link is followed, and left as it is
take_over_content() {
  case $nl$foreign in
    *"$nl$2$nl"*)
      must DIRECTORY_NOT_WRITABLE "cannot copy $1" cp -fpL "$1" "$staged/$2"
      find_list "$1"
      case $list in
        '' | unknown) ;;
        *)
          numbers 1 -c %a "$staged/$2"
          mode=000$numbers
          mode=${mode#"${mode%???}"}
          must DIRECTORY_NOT_WRITABLE "cannot set its mode" chmod "${mode%??}$list_group${mode#??}" "$staged/$2"
          give_list "$staged/$2"
          ;;
      esac
      ;;
  esac
}

# link_public_paths: a link to a file that the live version lacks shows nothing, as before
link_public_paths() {
  step='making the public links'
  each_public_path link_public_path
}

link_public_path() {
  case $nl$foreign$missing in
    *"$nl$2$nl"*) ;;
    *) return 0 ;;
  esac
  link_directory=${1%/*}
  must SWITCH_FAILED "cannot make a link in $link_directory" make_link "$1" "$2"
  clear_public_aside "$link_directory"
  restore_context "$1"
}

# make_link PATH NAME: renamed into place; the destination is given as a directory, see point_current_at
make_link() {
  mkdir "$link_directory/.$SSM_hostID.new" &&
    ln -s "$store/current/$2" "$link_directory/.$SSM_hostID.new/${1##*/}" &&
    mv -f "$link_directory/.$SSM_hostID.new/${1##*/}" "$link_directory/"
}

# drop_dangling_link PATH NAME: after going back to less than there is links for
drop_dangling_link() {
  if [ ! -e "$1" ] && is_ours "$1" "$2"; then
    rm -f "$1"
  fi
}
