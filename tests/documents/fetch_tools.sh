#!/bin/sh
# Unpacks Debian's busybox and strace into DIRECTORY/bin, for a machine that lacks them and has apt. Nothing is
# installed and root is not needed. Where it does not work it says so, and the tests that need the tools are skipped.
#
# Usage: fetch_tools.sh DIRECTORY
set -u

directory=$1
mkdir -p "$directory/bin" "$directory/packages" "$directory/lists/partial" "$directory/cache/archives/partial"
cd "$directory/packages" || exit 1

download() {
    apt-get -qq download "$@" >"$directory/apt.log" 2>&1 && return
    # The machine may have no package lists yet; these are our own.
    own="-o Dir::State::Lists=$directory/lists -o Dir::Cache=$directory/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086  # the options are several words
    apt-get -qq $own update >>"$directory/apt.log" 2>&1 && apt-get -qq $own download "$@" >>"$directory/apt.log" 2>&1
}

unpack() {
    for package in "$@"; do
        dpkg -x "$package" "$directory/root"
    done
}

missing() {
    ! command -v "$1" >/dev/null
}

if missing busybox; then
    if download busybox-static && unpack busybox-static_*.deb; then
        ln -sf "$(find "$directory/root" -path "*/bin/busybox" | head -n 1)" "$directory/bin/busybox"
    else
        echo "busybox is missing and could not be fetched: what it shows is skipped" >&2
    fi
fi
if missing strace; then
    if download strace libunwind8 && unpack strace_*.deb libunwind8_*.deb; then
        library=$(dirname "$(find "$directory/root" -name 'libunwind.so*' | head -n 1)")
        # The program that is traced must not inherit the library path.
        cat >"$directory/bin/strace" <<SCRIPT
#!/bin/sh
LD_LIBRARY_PATH='$library' exec '$directory/root/usr/bin/strace' -E LD_LIBRARY_PATH "\$@"
SCRIPT
        chmod 755 "$directory/bin/strace"
    else
        echo "strace is missing and could not be fetched: what it shows is skipped" >&2
    fi
fi
exit 0
