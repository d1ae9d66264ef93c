#!/bin/sh
# Runs `make test`, or what is named, as on a fresh machine that is as hostile as a machine may be: a clone in a path with
# a space; no busybox, strace, node or npm; an empty environment but for how packages are fetched, and a home that does not
# exist; SIGINT ignored, as in the background of a script; umask 077; no terminal; another time zone. BUSY=4 runs so many
# busy loops beside it.
#
# It needs Linux's unshare (util-linux): as root, or where a user may have a namespace of their own.
#
# Usage: tests/fresh.sh [COMMAND...]      for example: BUSY=4 tests/fresh.sh make test
set -eu

busy=${BUSY:-0}
if [ "${1-}" != --inside ]; then
    checkout=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
    place=$(mktemp -d)
    loops=
    # shellcheck disable=SC2086  # several process ids
    trap '[ -z "$loops" ] || kill $loops; rm -rf "$place"' EXIT
    trap 'exit 130' INT TERM
    clone="$place/a fresh clone"
    (umask 077 && git clone --quiet "$checkout" "$clone")
    [ $# -gt 0 ] || set -- make test
    namespace="--mount"
    [ "$(id -u)" -eq 0 ] || namespace="--mount --map-root-user"
    while [ "$busy" -gt 0 ]; do
        (while :; do :; done) &
        loops="$loops $!"
        busy=$((busy - 1))
    done
    status=0
    # shellcheck disable=SC2086  # the options are several words
    unshare $namespace sh "$checkout/tests/fresh.sh" --inside "$clone" "$@" </dev/null || status=$?
    exit "$status"
fi

shift
clone=$1
shift
# A file of a mount of its own that is no program hides the program below it, also from who looks for it in PATH.
hidden=$(mktemp)
chmod 0 "$hidden"
for tool in busybox strace node npm; do
    while program=$(command -v "$tool"); do
        mount --bind "$hidden" "$(readlink -f "$program")"
        hash -r 2>/dev/null || :
    done
done
kept=
for name in $(env | sed -n 's/^\(PIP_[A-Z_]*\|NPM_CONFIG_[A-Za-z_]*\|[a-zA-Z_]*_proxy\|[A-Z_]*_PROXY\|SSL_CERT_[A-Z]*\|NODE_EXTRA_CA_CERTS\|REQUESTS_CA_BUNDLE\|WORKERS\)=.*/\1/p'); do
    kept="$kept $name"
done
# pip's and npm's settings of the user stand in a home that is not there any more.
settings=${XDG_CONFIG_HOME:-${HOME:-/nonexistent}/.config}/pip/pip.conf
[ ! -r "$settings" ] || set -- "PIP_CONFIG_FILE=$settings" "$@"
[ ! -r "${HOME:-/nonexistent}/.npmrc" ] || set -- "NPM_CONFIG_USERCONFIG=$HOME/.npmrc" "$@"
python=$(python3 -c 'import os, sys; print(os.path.dirname(sys._base_executable))')
for name in $kept; do
    eval "value=\$$name"
    # shellcheck disable=SC2154  # eval sets it
    set -- "$name=$value" "$@"
done
cd "$clone"
umask 077
trap '' INT QUIT
exec env -i PATH="$python:/usr/local/bin:/usr/bin:/bin" HOME="/nonexistent/home" TZ=Pacific/Kiritimati TERM=dumb "$@"
