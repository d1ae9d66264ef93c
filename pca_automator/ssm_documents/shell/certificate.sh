# Reading certificates with the openssl command, the same way for OpenSSL 1.1.1 and 3.

# read_certificate FILE: sets $serial (lower hex, no leading zeros), $not_before, $not_after (ISO 8601), $common_name
# and $half; if it cannot be read, $words says why
read_certificate() {
  words='it is no file'
  [ -f "$1" ] || return 1
  value openssl x509 -in "$1" -noout -serial -startdate -enddate -subject -nameopt multiline -pubkey || return 1
  words='openssl says too little of it'
  public_half "$value" || return 1
  read_rest=$value$nl
  serial=
  not_before=
  not_after=
  common_name=
  while [ -n "$read_rest" ]; do
    read_line=${read_rest%%"$nl"*}
    read_rest=${read_rest#*"$nl"}
    case $read_line in
      serial=*) serial=$(lower_hex "${read_line#serial=}") ;;
      notBefore=*) not_before=$(iso_date "${read_line#notBefore=}") ;;
      notAfter=*) not_after=$(iso_date "${read_line#notAfter=}") ;;
      *' commonName '*=*) common_name=${common_name:+$common_name and }${read_line#*= } ;;
    esac
  done
  is_hex "$serial" && [ "${#serial}" -le 40 ] && is_moment "$not_before" && is_moment "$not_after"
}

# is_moment TEXT: whether it is a time as iso_date and clock write it
is_moment() {
  case $1 in
    *[!0-9TZ:-]*) return 1 ;;
    ????-??-??T??:??:??Z) ;;
    *) return 1 ;;
  esac
}

# lower_hex NUMBER
lower_hex() {
  lower=$(printf '%s' "$1" | tr A-F a-f)
  while [ "${lower#0}" != "$lower" ]; do
    lower=${lower#0}
  done
  printf '%s' "$lower"
}

# iso_date 'Nov  3 13:15:00 2026 GMT'
iso_date() {
  # shellcheck disable=SC2086  # words
  set -- $1
  case $1 in
    Jan) iso_month=01 ;; Feb) iso_month=02 ;; Mar) iso_month=03 ;; Apr) iso_month=04 ;;
    May) iso_month=05 ;; Jun) iso_month=06 ;; Jul) iso_month=07 ;; Aug) iso_month=08 ;;
    Sep) iso_month=09 ;; Oct) iso_month=10 ;; Nov) iso_month=11 ;; Dec) iso_month=12 ;; *) return 0 ;;
  esac
  iso_day=$2
  [ "${#iso_day}" -eq 2 ] || iso_day=0$iso_day
  printf '%s-%s-%sT%sZ' "$4" "$iso_month" "$iso_day" "$3"
}

# later A B: whether A is after B; both ISO 8601. Date and time apart: a shell may have 32-bit numbers.
later() {
  IFS='T:Z-'
  # shellcheck disable=SC2086  # year month day hour minute second, twice
  set -- $1 $2
  IFS=" $nl"
  if [ "$1$2$3" -ne "$7$8$9" ]; then
    [ "$1$2$3" -gt "$7$8$9" ]
  else
    shift 3
    [ "$1$2$3" -gt "$7$8$9" ]
  fi
}

# serial_of VERSION: prints it, or "none"
serial_of() {
  case $1 in
    '') echo none ;;
    *-*)
      read_certificate "$store/versions/$1/tls.crt" || serial=none
      echo "$serial"
      ;;
    *) echo "$1" ;;
  esac
}
