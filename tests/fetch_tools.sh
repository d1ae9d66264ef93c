#!/bin/sh
# Unpacks Debian's busybox and strace into DIRECTORY/bin, for a machine that lacks them and has apt; the last OpenSSL
# 1.1.1 as openssl-1.1.1, and a newer Python as python-newest. Nothing is installed and root is not needed. Where it does not work it says so, and
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
# Under names of their own: most tests are of hosts that lack them.
if download acl libacl1 && unpack acl_*.deb libacl1_*.deb; then
    library=$(dirname "$(find "$directory/root" -name 'libacl.so*' | head -n 1)")
    for tool in getfacl setfacl; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' \
            "$library" "$(find "$directory/root" -path "*/bin/$tool" | head -n 1)" >"$directory/bin/acl-$tool"
        chmod 755 "$directory/bin/acl-$tool"
    done
else
    echo "getfacl and setfacl could not be fetched: what they show is skipped" >&2
fi
# Packages of another release of Debian, unpacked into DIRECTORY/RELEASE; the mirror is the one of the machine's own.
of_release() {
    release=$1
    shift
    mirror=$(apt-get --print-uris update | sed -n "s,^'\\([^']*/debian\\)/dists/[^/']*/InRelease.*,\\1,p" | head -n 1)
    [ -n "$mirror" ] || return
    place=$directory/$release
    mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/packages"
    cd "$place/packages" || return
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$place/sources.list"
    there="-o Dir::Etc::SourceList=$place/sources.list -o Dir::Etc::SourceParts=/dev/null"
    there="$there -o Dir::State::Lists=$place/lists -o Dir::Cache=$place/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086  # the options are several words
    apt-get -qq $there update >>"$directory/apt.log" 2>&1 || return
    for package in "$@"; do # without its release, apt takes the newest version that it knows
        set -- "$@" "$package/$release"
        shift
    done
    # shellcheck disable=SC2086
    apt-get -qq $there download "$@" >>"$directory/apt.log" 2>&1 || return
    for package in *.deb; do
        dpkg -x "$package" "$place/root"
    done
}

# Debian 11 is the last release with OpenSSL 1.1.1.
if of_release bullseye openssl libssl1.1; then
    library=$(dirname "$(find "$directory/bullseye/root" -name libcrypto.so.1.1)")
    cat >"$directory/bin/openssl-1.1.1" <<SCRIPT
#!/bin/sh
LD_LIBRARY_PATH='$library' exec '$directory/bullseye/root/usr/bin/openssl' "\$@"
SCRIPT
    chmod 755 "$directory/bin/openssl-1.1.1"
else
    echo "OpenSSL 1.1.1 could not be fetched: a stand-in shows what the documents do with it" >&2
fi

# A newer Python than this machine's, with the C library that it was built for. Python finds its own files beside the
# name that it was started with, so the script below stands where it would.
if of_release trixie python3.13 python3.13-minimal libpython3.13-minimal libpython3.13-stdlib libc6 libssl3t64 zlib1g \
    libffi8 libexpat1 libbz2-1.0 liblzma5 libuuid1 libsqlite3-0 libzstd1; then
    root=$directory/trixie/root/usr
    loader=$(find "$root/lib" -name 'ld-linux*' | head -n 1)
    cat >"$root/bin/python-newest" <<SCRIPT
#!/bin/sh
exec '$loader' --argv0 "\$0" --library-path '$(dirname "$loader")' '$root/bin/python3.13' "\$@"
SCRIPT
    # Its name tells where its files are, so this is no link.
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$root/bin/python-newest" >"$directory/bin/python-newest"
    chmod 755 "$root/bin/python-newest" "$directory/bin/python-newest"
else
    echo "a newer Python could not be fetched: what it shows is skipped" >&2
fi
exit 0
