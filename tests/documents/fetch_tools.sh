#!/bin/sh
# Unpacks Debian's busybox and strace into DIRECTORY/bin, for a machine that lacks them and has apt, and the last
# OpenSSL 1.1.1 as openssl-1.1.1. Nothing is installed and root is not needed. Where it does not work it says so, and
# the tests that need the tools are skipped.
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
    # Not busybox-static: its shell prefers its own applets to programs, and test_kill could not see them start.
    if download busybox && unpack busybox_*.deb; then
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
# Debian 11 is the last release with OpenSSL 1.1.1; the mirror is the one that apt uses for the machine's own release.
old_openssl() {
    mirror=$(apt-get --print-uris update | sed -n "s,^'\\([^']*/debian\\)/dists/[^/']*/InRelease.*,\\1,p" | head -n 1)
    [ -n "$mirror" ] || return
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$directory/old/lists/partial" "$directory/old/cache/archives/partial"
    echo "deb [signed-by=$keyring] $mirror bullseye main" >"$directory/old/sources.list"
    old="-o Dir::Etc::SourceList=$directory/old/sources.list -o Dir::Etc::SourceParts=/dev/null"
    old="$old -o Dir::State::Lists=$directory/old/lists -o Dir::Cache=$directory/old/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086  # the options are several words
    apt-get -qq $old update >>"$directory/apt.log" 2>&1 &&
        apt-get -qq $old download openssl/bullseye libssl1.1/bullseye >>"$directory/apt.log" 2>&1
}

if old_openssl; then
    for package in openssl_1.1.1*.deb libssl1.1_*.deb; do
        dpkg -x "$package" "$directory/old/root"
    done
    library=$(dirname "$(find "$directory/old/root" -name libcrypto.so.1.1)")
    cat >"$directory/bin/openssl-1.1.1" <<SCRIPT
#!/bin/sh
LD_LIBRARY_PATH='$library' exec '$directory/old/root/usr/bin/openssl' "\$@"
SCRIPT
    chmod 755 "$directory/bin/openssl-1.1.1"
else
    echo "OpenSSL 1.1.1 could not be fetched: a stand-in shows what the documents do with it" >&2
fi
exit 0
