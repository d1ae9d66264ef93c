"""Small functions by themselves, on files and directories that are made for each question."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.conftest import needs_root
from tests.documents.functions import answers
from tests.documents.host import Host

REFUSED = "UNSAFE_DIRECTORY"


@pytest.fixture
def place(host: Host) -> Path:
    """A directory for files; its name has a space."""
    found = host.root / "a place"
    found.mkdir()
    return found


@pytest.fixture
def ask(host: Host, place: Path) -> Callable[..., list[str]]:
    """What each line of shell says, or whether it ends well; it begins in the place."""

    def ask(document: str, *lines: str) -> list[str]:
        return answers(host, document, [("eval", line) for line in lines], [f"cd '{place}'"])

    return ask


def test_directories_are_made_with_the_modes_that_were_asked_for(ask: Callable[..., list[str]], place: Path) -> None:
    (place / "file").touch()
    (place / "there").mkdir(mode=0o750)
    (place / "link").symlink_to("there")
    base = f"'{place}'"
    assert ask(
        "InstallCertificate",
        f"make_directory {base}/a/b/c 066; stat -c %a a a/b a/b/c",
        f"make_directory {base}/there 000; stat -c %a there",
        f"make_directory {base}/file/x 022",
        f"own_directory {base}/mine 077; stat -c %a mine",
        f"own_directory {base}/there 077; stat -c %a there",
        f"own_directory {base}/link 077",
        f"own_directory {base}/file 077",
        f"own_directory {base}/no/parent 077",
    ) == [
        "755\n755\n711", "750", "DIRECTORY_NOT_WRITABLE", "700", "750", REFUSED, REFUSED, "DIRECTORY_NOT_WRITABLE",
    ]  # fmt: skip


def test_what_lies_above_a_directory_is_examined_with_all_that_links_lead_to(
    ask: Callable[..., list[str]], place: Path
) -> None:
    for name in ("good/inner", "open/inner", "real/inner"):
        (place / name).mkdir(parents=True)
    (place / "open").chmod(0o777)
    (place / "sticky").mkdir()
    (place / "sticky").chmod(0o1777)
    (place / "file").touch()
    (place / "to-real").symlink_to("real")
    (place / "to-open").symlink_to("open/inner")
    (place / "to-nothing").symlink_to("nothing")
    (place / "st*r/inner").mkdir(parents=True)  # as a pattern it would be the next one, too
    (place / "star").mkdir()
    (place / "star").chmod(0o777)
    (place / "to-star").symlink_to("st*r")
    base = f"'{place}'"
    assert ask(
        "InstallCertificate",
        *(
            f"trusted {base}/{name}"
            for name in (
                "good/inner", "missing/inner", "good/missing", "open", "open/inner", "sticky", "sticky/missing", "file",
                "to-real", "to-real/inner", "to-open/x", "to-nothing/x", "to-star/inner",
            )
        ),
        f"trusted {base}/good {base}/open",
        f"judge own '' \"{place}/sticky$nl\"",
        f"judge own '' \"{place}/good$nl{place}/sticky$nl\"",
        f"judge own '' \"{place}/good$nl{place}/missing$nl\"",
        f"judge shared '' \"{place}/good$nl{place}/sticky$nl\"",
    ) == [
        "yes", "yes", "yes", REFUSED, REFUSED, "yes", "yes", REFUSED,
        REFUSED, "yes", REFUSED, REFUSED, "yes",
        REFUSED, REFUSED, REFUSED, REFUSED, "yes",
    ]  # fmt: skip


@needs_root
def test_a_link_of_another_user_above_a_directory_is_not_followed(ask: Callable[..., list[str]], place: Path) -> None:
    (place / "real/inner").mkdir(parents=True)
    (place / "to-real").symlink_to("real")
    os.lchown(place / "to-real", 65534, 65534)
    assert ask("InstallCertificate", f"trusted '{place}/to-real/inner'") == [REFUSED]


def test_the_live_version_is_the_one_that_the_link_names(ask: Callable[..., list[str]], place: Path) -> None:
    (place / "versions/abc").mkdir(parents=True)
    (place / "versions/linked").symlink_to("abc")
    (place / "versions/dangling").symlink_to("nowhere")
    look = f"store='{place}'; live_version; echo live=$live"

    def after(change: str) -> str:
        return f"rm -rf current; {change}; {look}"

    assert ask(
        "InstallCertificate",
        after(":"),
        after("ln -s versions/abc current"),
        after("ln -s versions/gone current"),
        after("ln -s versions/linked current"),
        after("ln -s versions/dangling current"),
        after("ln -s versions/.. current"),
        after("ln -s versions/ current"),
        after("ln -s versions/a/b current"),
        after("ln -s elsewhere/abc current"),
        after("mkdir current"),
        after(": >current"),
    ) == ["live=", "live=abc", "live=", *[REFUSED] * 8]


def test_of_the_state_only_what_can_be_true_is_believed(ask: Callable[..., list[str]], place: Path) -> None:
    show = (
        'read_state; echo "$state_live|$state_previous|$state_confirmed|$state_validated|$state_proven|$state_history"'
    )
    whole = r"live=a\nprevious=b\nconfirmed=yes\nvalidated=true\nproven=yes\nwritten=x\nhistory=a b-c"

    def of(state: str) -> str:
        return f"store='{place}'; rm -f state; {state}; {show}"

    assert ask(
        "InstallCertificate",
        of(":"),
        of(rf"printf '{whole}\n' >state"),
        of(r"printf 'live=a\nhistory=a ../b\n' >state"),
        of(r"printf 'live=a\nprevious=../b\nhistory=a\n' >state"),
        of(r"printf 'live=a\n' >other; ln -s other state"),
        of(r"printf 'nonsense\nlive\n=x\n' >state"),
    ) == ["|||||", "a|b|yes|true|yes|a b-c", "a|||||", "a|||||a", "|||||", "|||||"]


def test_files_are_alike_if_both_are_files_with_the_same_content(ask: Callable[..., list[str]], place: Path) -> None:
    for name, content in (("a", "1"), ("b", "1"), ("c", "2"), ("empty", "")):
        (place / name).write_text(content)
    os.mkfifo(place / "fifo")
    pairs = [
        "a b",
        "a a",
        "a c",
        "a empty",
        "a missing",
        "missing a",
        "missing missing",
        "a fifo",
        "fifo a",
        "fifo fifo",
    ]
    said = ask("InstallCertificate", *(f"are_alike {pair}" for pair in pairs))
    assert said == ["yes", "yes", *["no"] * 8]


def test_versions_are_ordered_by_when_they_were_live_and_named_once(ask: Callable[..., list[str]], place: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (place / "versions" / name).mkdir(parents=True)
    order = f"store='{place}'; state_history='c gone b a'; order_versions"
    shown = '; echo "$ordered"'
    assert ask("InstallCertificate", f"{order} d ''{shown}", f"{order} b d{shown}", f"{order}{shown}") == [
        "d c b a", "b d c a", "c b a",
    ]  # fmt: skip


def test_what_is_no_hook_is_known_by_its_name_and_mode(ask: Callable[..., list[str]], place: Path) -> None:
    for name in ("10-a", "20_b.sh", "c.bak", "d.dpkg-new", "e f", "plain"):
        (place / name).touch(mode=0o644 if name == "plain" else 0o755)
    (place / "gone").symlink_to("nowhere")
    (place / "folder").mkdir()
    listed = f"SEALED_hooksPath='{place}'; list_hooks; cd /; echo \"$hooks|$hooks_skipped\""
    (said,) = ask("InspectCertificate", listed)
    hooks, skipped = ([Path(line).name for line in part.split("\n") if line] for part in said.split("|"))
    assert (hooks, skipped) == (["10-a", "20_b.sh"], ["c.bak", "d.dpkg-new", "e f", "folder", "gone", "plain"])


def test_lists_of_a_report_name_as_many_as_they_may_and_count_all(ask: Callable[..., list[str]], place: Path) -> None:
    for name in ("a", "b", "c", 'd"\\'):
        (place / name).touch()
    assert ask(
        "InspectCertificate",
        "describe_list 2 *; printf '%s' \"$list\"",
        "describe_list 5 *; printf '%s' \"$list\"",
        "describe_list 5 no* also; printf '%s' \"$list\"",
        'describe_lines 1 "/x/a${nl}a${nl}*${nl}"; printf \'%s\' "$list"',
        "text 'a\"b\tcdef' 5",
        "problems= problem_list=; problem A; problem B; problem A; printf '%s' \"$problems $problem_list\"",
        "truth true; truth false",
    ) == [
        '{"count":4,"names":["a","b"]}',
        '{"count":4,"names":["a","b","c","d  "]}',
        '{"count":0,"names":[]}',
        '{"count":1,"names":["a"]}',
        '"a b c"',
        'A,B "A","B"',
        "true\nfalse",
    ]


def test_paths_of_mounts_are_read_with_their_blanks(ask: Callable[..., list[str]], place: Path) -> None:
    (place / "linked").symlink_to(".")
    assert ask(
        "InspectCertificate",
        r"with_blanks '/a\040b\134c/\011'; printf '%s' \"[$blanks]\"".replace('\\"', '"'),
        "with_blanks /plain; printf '%s' \"$blanks\"",
        f"where_is '{place}/linked'; printf '%s' \"$place_path\"",
        f"is_same '{place}' '{place}/linked'",
        f"is_same '{place}' /",
        f"is_same '{place}' '{place}/missing'",
        f"is_same '{place}/missing' '{place}'",
    ) == ["[/a b\\c/\t]", "/plain", str(place.resolve()).replace(" ", r"\040"), "yes", "no", "no", "no"]


def test_of_a_certificate_only_what_can_be_true_is_believed(ask: Callable[..., list[str]], place: Path) -> None:
    for name in ("file", "key.pem", "key.der"):
        (place / name).write_text("x")
    key = "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"

    def of(serial: str = "0A", first: str = "Nov  3 13:15:00 2026 GMT", last: str = "Nov 13 13:15:00 2026 GMT") -> str:
        said = f"{key}\nserial={serial}\nnotBefore={first}\nnotAfter={last}\nsubject=\n    commonName    = a\n"
        read = 'read_certificate file && echo "$serial $not_before $not_after $common_name"'
        return f"openssl() {{ printf '%s' '{said}    commonName    = b'; }}; {read}"

    read = "2026-11-03T13:15:00Z 2026-11-13T13:15:00Z a and b"
    assert ask(
        "InstallCertificate",
        of(), of("A" * 40), of("A" * 41), of(""), of("-1"), of("00"), of(first="Bad time value"), of(last="never"),
    ) == [f"a {read}", f"{'a' * 40} {read}", *["no"] * 6]  # fmt: skip
    assert ask("InstallCertificate", of().replace(key, "no key")) == ["no"]
    digest = "openssl() {{ echo '{0} *key.der'; }}; aside=.; key_digest file && echo \"$digest\""
    sums = ["a" * 64, "a" * 63, "A" * 64, ""]
    assert ask("InstallCertificate", *(digest.format(each) for each in sums)) == ["a" * 64, "no", "no", "no"]


def test_a_serial_is_told_of_every_version_there_may_be(ask: Callable[..., list[str]], place: Path) -> None:
    (place / "versions/a-b").mkdir(parents=True)
    serial_of = f"store='{place}'; serial_of"
    assert ask("InstallCertificate", f"{serial_of} ''", f"{serial_of} abc", f"{serial_of} a-b") == [
        "none",
        "abc",
        "none",
    ]


def test_what_takes_a_list_apart_leaves_the_shell_as_it_was(ask: Callable[..., list[str]], place: Path) -> None:
    """Patterns are read, and words are parted at blanks and line ends: whatever comes later counts on it."""
    (place / "real/inner").mkdir(parents=True)
    (place / "to-real").symlink_to("real")
    (place / "file").touch(mode=0o400)
    (place / "helper").write_text("#!/bin/sh\necho 1.8.0\n")
    (place / "helper").chmod(0o755)
    calls = (
        f"trusted '{place}/to-real/inner'",
        f"judge own '' \"{place}$nl\"",
        f"later {'2026-11-27T04:05:06Z'} {'2026-11-27T04:05:05Z'}",
        "command() { return 1; }; find_list file",
        f"staged='{place}' owner=$me group=$my_group mode=400 list=; give_away file",
        f"helper='{place}/helper'; examine_helper",
    )
    as_it_was = ' && case $- in *f*) false ;; *) [ "$IFS" = " $nl" ] ;; esac'
    assert ask("InstallCertificate", *(f'IFS=" $nl"; {call}{as_it_was}' for call in calls)) == ["yes"] * len(calls)
    listed = f'IFS=" $nl"; describe_lines 1 "$nl"{as_it_was}'
    assert ask("InspectCertificate", listed) == ["yes"]


def test_a_security_context_is_given_to_files_that_are_there(ask: Callable[..., list[str]], place: Path) -> None:
    """Some files alone are taken over; a policy that knows their place has labelled the new ones already."""
    for name in ("old/tls.key", "old/tls.crt", "old/ca.crt", "new/tls.crt", "new/ca.crt"):
        (place / "versions" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "versions" / name).touch()
    stat = (
        'for f do :; done; [ -e "$f" ] || return; case $f in *new/tls.crt) echo u:r:x:s0 ;; *) echo u:r:home:s0 ;; esac'
    )
    stubs = f'stat() {{ {stat}; }}; chcon() {{ echo "$1"; }}; must() {{ shift 2; "$@"; }}'
    keep = f"store='{place}' live=old settled=new foreign=; {stubs}; keep_context none"
    names = ("tls.key", "tls.crt", "ca.crt", "bundle.pem")
    assert ask("InstallCertificate", *(f"{keep} {name}" for name in names)) == ["yes", "u:r:home:s0", "yes", "yes"]


def elf(machine: int, *, big: bool = False, size: int = 4096) -> bytes:
    """The begin of a program: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html."""
    order = "big" if big else "little"
    head = b"\x7fELF" + bytes([2, 2 if big else 1, 1]) + bytes(9) + (2).to_bytes(2, order) + machine.to_bytes(2, order)
    return head.ljust(size, b"\0")


def test_a_program_is_one_for_this_machine_that_is_whole(ask: Callable[..., list[str]], place: Path) -> None:
    x86, i386, arm, arm64, riscv, s390 = 62, 3, 40, 183, 243, 22
    table = {
        ("x86_64", elf(x86)): "yes", ("x86_64", elf(i386)): "yes", ("x86_64", elf(arm64)): "no",
        ("x86_64", elf(s390, big=True)): "no", ("x86_64", elf(x86, size=4095)): "no", ("amd64", elf(x86)): "yes",
        ("i686", elf(i386)): "yes", ("i686", elf(x86)): "no", ("aarch64", elf(arm64)): "yes",
        ("aarch64", elf(arm)): "yes", ("aarch64", elf(x86)): "no", ("armv7l", elf(arm)): "yes",
        ("armv7l", elf(arm64)): "no", ("riscv64", elf(riscv)): "yes", ("riscv64", elf(x86)): "no",
        ("s390x", elf(s390, big=True)): "yes", ("s390x", elf(s390)): "yes",
        ("x86_64", b"#!/bin/sh\n"): "yes", ("x86_64", b"#!"): "yes", ("x86_64", b"# !/bin/sh\n"): "no",
        ("x86_64", b""): "no", ("x86_64", b"#"): "no", ("x86_64", b"\x7fELF"): "no",
        ("x86_64", b"\x7fELG" * 2000): "no",
    }  # fmt: skip
    for number, (_, content) in enumerate(table):
        (place / f"program-{number}").write_bytes(content)
        (place / f"program-{number}").chmod(0o755)
    asked = (f"uname() {{ echo {m}; }}; helper=./program-{n}; is_program" for n, (m, _) in enumerate(table))
    assert ask("InstallCertificate", *asked) == list(table.values())
    (place / "program-0").chmod(0o644)
    kinds = ("program-0", "missing", "versions", "fifo")
    os.mkfifo(place / "fifo")
    (place / "versions").mkdir()
    assert ask("InstallCertificate", *(f"helper=./{kind}; is_program" for kind in kinds)) == ["no"] * 4


@pytest.mark.parametrize(
    ("body", "fault", "reason"),
    [
        ("echo 1.4.0", "", ""),
        ("echo 2.0.0", "", ""),
        ("echo 1.10.3", "", ""),
        ("echo 1.3.9", "HELPER_BROKEN", "it is version 1.3.9; 1.4.0 or newer is needed"),
        ("echo 0.9.9", "HELPER_BROKEN", "it is version 0.9.9; 1.4.0 or newer is needed"),
        ("echo 1.4", "HELPER_BROKEN", "it answers 'version' with '1.4'"),
        ("echo 1.8.0; exit 3", "HELPER_BROKEN", "'version' ends with status 3: no words"),
        ("echo why >&2; exit 3", "HELPER_BROKEN", "'version' ends with status 3: why"),
        ("exit 137", "HELPER_BROKEN", "it did not answer within 10 seconds"),
        ("exit 124", "HELPER_BROKEN", "it did not answer within 10 seconds"),
        ("echo 'Permission denied' >&2; exit 1", "HELPER_BROKEN", "it cannot be executed: Permission denied"),
        ("exit 126", "HELPER_BROKEN", "it cannot be executed: "),
    ],
)
def test_a_helper_is_known_by_its_version(
    ask: Callable[..., list[str]], place: Path, body: str, fault: str, reason: str
) -> None:
    (place / "aws_signing_helper").write_text(f'#!/bin/sh\n[ "$*" = version ] || exit 9\n{body}\n')
    (place / "aws_signing_helper").chmod(0o755)
    said = "printf '%s' \"$helper_fault|${helper_fault:+$helper_reason}\""
    asked = f"helper='{place}/aws_signing_helper'; examine_helper; {said}"
    assert ask("InstallCertificate", asked) == [f"{fault}|{reason}".strip()]
