"""Who can read, can read; nobody else can. Shown by opening the files as those users."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pca_automator.ssm_documents import DOCUMENT_NAMES, script
from tests.documents.access import Readers, has_list, set_list
from tests.documents.conftest import needs_root
from tests.documents.host import Host, new_request
from tests.members import members
from tests.tiers import need

pytestmark = needs_root

SYSTEM_PATH = "PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WHO = Readers(users=[0, 33, 34, 1001], groups=[1500, 1501])

# Lists of a key that is root:1500, and who reads it then; the mode's group digit is the mask each time.
LISTS = {
    "a user beside the owner": ["owner:6", "user:33:4", "group-of-file:0", "mask:4", "other:0"],
    "a group beside the group": ["owner:4", "group-of-file:4", "group:1501:4", "mask:4", "other:0"],
    "a user whom the mask keeps out": ["owner:6", "user:33:4", "group-of-file:4", "mask:0", "other:0"],
    "a user who is denied what his group may": ["owner:6", "user:33:0", "group-of-file:4", "mask:6", "other:0"],
    "a user who may only write": ["owner:6", "user:33:2", "group:1501:4", "group-of-file:0", "mask:6", "other:0"],
}  # fmt: skip


@pytest.fixture
def make_open_host(make_host: Callable[..., Host]) -> Callable[..., Host]:
    """Hosts whose directories others can go through, down from the root of the machine."""

    def make(**fields: Any) -> Host:
        host = make_host(**fields)
        host.root.parent.chmod(0o711)
        return host

    return make


@pytest.fixture
def open_host(make_open_host: Callable[..., Host]) -> Host:
    return without_lists(make_open_host())


def with_lists(host: Host) -> Host:
    for tool in ("getfacl", "setfacl"):
        need(f"acl-{tool}")
        host.add_tool(tool, f"exec '{shutil.which(f'acl-{tool}')}' \"$@\"")
    return host


def without_lists(host: Host) -> Host:
    """Every program of this machine but those two."""
    assert all(SYSTEM_PATH in script(name) for name in DOCUMENT_NAMES)
    folder = host.root / "all"
    folder.mkdir()
    for directory in os.environ["PATH"].split(":"):
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            if name not in ("getfacl", "setfacl") and not (folder / name).is_symlink():
                (folder / name).symlink_to(f"{directory}/{name}")
    host.path = str(folder)
    # The script adds the directories of systems to its PATH, and this machine may have both there.
    host.edit = lambda text: text.replace(SYSTEM_PATH, "")
    return host


def foreign(host: Host, pair: Host) -> None:
    """Files of another tool, which root and the group 1500 own."""
    for name, path in host.public.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pair.public[name], path)
        os.chown(path, 0, 1500)
        path.chmod(0o600 if name == "tls.key" else 0o644)


@pytest.mark.parametrize("case", members(LISTS, ["a user beside the owner", "a user who is denied what his group may"]))
@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_a_list_is_given_to_the_next_key_and_to_all_after_it(
    make_open_host: Callable[..., Host], live_host: Host, case: str, whose: str
) -> None:
    host = with_lists(make_open_host())
    if whose == "foreign":
        foreign(host, live_host)
    else:
        host.renew()
    os.chown(host.public["tls.key"], 0, 1500)
    set_list(host.public["tls.key"], LISTS[case])
    before = WHO.of(host.public.values())
    for _ in range(2):  # from what was there, and from what was made of it
        host.renew(bundle="true")
        assert WHO.of(host.public.values()) == before
    assert WHO.of([host.store / "current/bundle.pem"])["bundle.pem"] == before[f"{host.host_id}.key"]
    assert has_list(host.public["tls.key"])


@pytest.mark.parametrize("mode", ["", "0400", "0440"])
def test_a_mode_of_the_inventory_leaves_the_readers_of_the_list(make_open_host: Callable[..., Host], mode: str) -> None:
    host = with_lists(make_open_host())
    host.renew()
    os.chown(host.public["tls.key"], 0, 1500)
    set_list(host.public["tls.key"], LISTS["a user beside the owner"])
    host.renew(keyMode=mode)
    assert WHO.of([host.public["tls.key"]]) == {
        f"{host.host_id}.key": ["u0", "u33", "g1500"] if mode == "0440" else ["u0", "u33"]
    }


def test_going_back_brings_the_readers_back(make_open_host: Callable[..., Host]) -> None:
    host = with_lists(make_open_host())
    host.renew()
    set_list(host.public["tls.crt"], ["owner:6", "user:33:4", "group-of-file:0", "mask:4", "other:0"])
    before = WHO.of(host.public.values())
    host.add_hook("10-no", '[ "$PCA_AUTOMATOR_ACTION" = rollback ]')
    assert host.install(*host.prepare()).error == "HOOK_FAILED"
    assert WHO.of(host.public.values()) == before


@pytest.mark.parametrize("name", members(["tls.crt", "tls.key", "ca.crt"], ["tls.key"]))
@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_without_the_tools_a_list_is_refused_by_name_before_anything_is_asked_for(
    open_host: Host, live_host: Host, name: str, whose: str
) -> None:
    host = open_host
    if whose == "foreign":
        foreign(host, live_host)
    else:
        host.renew()
    set_list(host.public[name], ["owner:6", "group:1501:4", "group-of-file:0", "mask:4", "other:0"])
    before, shown = WHO.of(host.public.values()), host.shown()
    outcome = host.generate(new_request())
    assert outcome.error == "READERS_NOT_KEPT"
    assert str(host.public[name]) in outcome.sentence
    assert "access control list" in outcome.sentence
    assert (WHO.of(host.public.values()), host.shown()) == (before, shown)
    assert "READERS_NOT_KEPT" in host.run("InspectCertificate").result["problems"]


def test_a_list_that_comes_between_request_and_installation_is_refused_before_the_switch(open_host: Host) -> None:
    host = open_host
    host.renew()
    request, certificate = host.prepare()
    set_list(host.public["tls.key"], LISTS["a user beside the owner"])
    before, shown = WHO.of(host.public.values()), host.shown()
    assert host.install(request, certificate).error == "READERS_NOT_KEPT"
    assert (WHO.of(host.public.values()), host.shown()) == (before, shown)
    assert not host.leftovers()


def test_an_ls_that_marks_no_lists_does_not_hide_them(open_host: Host, busybox_path: str) -> None:
    host = open_host
    host.renew()
    set_list(host.public["tls.key"], LISTS["a group beside the group"])
    host.path = f"{busybox_path.split(':')[0]}:{host.path}"
    assert host.generate(new_request()).error == "READERS_NOT_KEPT"


def test_where_nobody_knows_of_lists_a_group_is_not_taken_from_the_mode(open_host: Host) -> None:
    """The group's digit may be a mask. What the inventory says of both, group and mode, needs no digit."""
    host = open_host
    host.renew(keyMode="0440")
    other_ls = Path(str(host.path)) / "ls"
    other_ls.unlink()
    other_ls.write_text(f'#!/bin/sh\n[ "$1" != --version ] || exit 1\nexec \'{shutil.which("ls")}\' "$@"\n')
    other_ls.chmod(0o755)
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert outcome.error == "READERS_NOT_KEPT"
    assert "fileGroup" in outcome.sentence
    assert host.install(request, certificate, fileGroup="root", keyMode="0440").status == 0


INHERITED = ["owner:7", "user:33:5", "group-of-file:5", "mask:5", "other:5"]


def test_a_default_list_of_the_store_is_refused_where_it_cannot_be_taken_away(open_host: Host) -> None:
    host = open_host
    host.store_root.mkdir(parents=True)
    set_list(host.store_root, INHERITED, default=True)
    outcome = host.generate(new_request())
    assert outcome.error == "READERS_NOT_KEPT"
    assert str(host.store_root) in outcome.sentence
    assert not list(host.store_root.rglob("tls.key"))


@pytest.mark.parametrize("mode", ["", "0440"])
def test_a_default_list_of_the_store_reaches_no_key(make_open_host: Callable[..., Host], mode: str) -> None:
    host = with_lists(make_open_host())
    host.store_root.mkdir(parents=True)
    set_list(host.store_root, INHERITED, default=True)
    request, certificate = host.prepare()
    (pending,) = host.store.glob("pending/*")
    assert stat.S_IMODE(pending.parent.stat().st_mode) == 0o700
    assert not has_list(pending / "tls.key")
    assert stat.S_IMODE((pending / "tls.key").stat().st_mode) == 0o400
    assert host.install(request, certificate, keyMode=mode).status == 0
    assert WHO.of([host.public["tls.key"]]) == {f"{host.host_id}.key": ["u0"]}


def test_a_directory_that_hands_its_group_down_does_not_let_it_read_keys(open_host: Host) -> None:
    host = open_host
    host.store_root.mkdir(parents=True)
    os.chown(host.store_root, 0, 1500)
    host.store_root.chmod(0o2755)
    host.renew(keyMode="0440", bundle="true")
    assert WHO.of([host.public["tls.key"]]) == {f"{host.host_id}.key": ["u0"]}


def test_the_chain_keeps_readers_of_its_own(open_host: Host, live_host: Host) -> None:
    host = open_host
    foreign(host, live_host)
    host.public["tls.crt"].chmod(0o640)
    before = WHO.of(host.public.values())
    host.renew()
    assert WHO.of(host.public.values()) == before
    assert before["ca_chain_certificate.crt"] == ["u0", "u33", "u34", "u1001", "g1500", "g1501"]
    assert before[f"{host.host_id}.crt"] == ["u0", "g1500"]


@pytest.mark.parametrize(
    ("directory", "owner", "mode", "readers"),
    [
        ((0, 0, 0o700), (0, 1500), 0o640, ["u0"]),
        ((0, 0, 0o700), (33, 1500), 0o640, ["u0"]),
        ((0, 1500, 0o710), (0, 1500), 0o640, ["u0", "g1500"]),
        ((0, 1501, 0o710), (0, 1500), 0o640, None),
        ((0, 1501, 0o711), (0, 1500), 0o640, ["u0", "g1500"]),
    ],
)
def test_whom_a_directory_kept_away_from_the_key_does_not_come_in_by_the_store(
    open_host: Host,
    live_host: Host,
    directory: tuple[int, int, int],
    owner: tuple[int, int],
    mode: int,
    readers: list[str] | None,
) -> None:
    host = open_host
    foreign(host, live_host)
    os.chown(host.public["tls.key"], *owner)
    host.public["tls.key"].chmod(mode)
    os.chown(host.private, *directory[:2])
    host.private.chmod(directory[2])
    outcome = host.install(*host.prepare())
    if readers is None:
        assert outcome.error == "READERS_NOT_KEPT"
        assert str(host.private) in outcome.sentence
        assert host.install(*host.prepare(), fileGroup="root", keyMode="400").status == 0
    else:
        assert outcome.status == 0
        assert WHO.of([host.store / "current/tls.key"]) == {"tls.key": readers}


DIRECTORY_LISTS = {
    # what the mode of the directory is then, its list, and whom it kept away from a key of root:1500, 0640
    "lets a user in, and its group not": ["owner:7", "user:33:1", "group-of-file:0", "mask:1", "other:0"],
    "lets a group in beside its own": ["owner:7", "group-of-file:1", "group:1501:1", "mask:1", "other:0"],
    "keeps a user away": ["owner:7", "user:33:0", "group-of-file:5", "mask:5", "other:5"],
    "keeps its group away by the mask": ["owner:7", "group-of-file:5", "group:1501:5", "mask:0", "other:5"],
}


@pytest.mark.parametrize("case", members(DIRECTORY_LISTS, ["keeps a user away", "keeps its group away by the mask"]))
@pytest.mark.parametrize("tools", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_key_in_a_directory_whose_list_decides_who_comes_in_is_refused_by_name(
    make_open_host: Callable[..., Host], live_host: Host, case: str, tools: bool
) -> None:
    """Through the store everybody comes in: who could not reach the key in its directory would read the next one."""
    host = with_lists(make_open_host()) if tools else without_lists(make_open_host())
    foreign(host, live_host)
    host.public["tls.key"].chmod(0o640)
    os.chown(host.private, 0, 1500)
    set_list(host.private, DIRECTORY_LISTS[case])
    before = WHO.of(host.public.values())
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert outcome.error == "READERS_NOT_KEPT"
    assert str(host.private) in outcome.sentence
    assert WHO.of(host.public.values()) == before
    assert not host.public["tls.key"].is_symlink()
    assert host.install(request, certificate, fileGroup="root", keyMode="400").status == 0


def test_without_the_tools_a_directory_with_a_list_is_found_too(
    make_open_host: Callable[..., Host], live_host: Host
) -> None:
    host = without_lists(make_open_host())
    foreign(host, live_host)
    host.public["tls.key"].chmod(0o640)
    set_list(host.private, DIRECTORY_LISTS["keeps a user away"])
    assert host.install(*host.prepare()).error == "READERS_NOT_KEPT"


def test_a_list_of_a_directory_is_no_obstacle_where_nobody_else_reads_the_key(
    make_open_host: Callable[..., Host], live_host: Host
) -> None:
    host = with_lists(make_open_host())
    foreign(host, live_host)
    set_list(host.private, DIRECTORY_LISTS["keeps a user away"])
    host.renew()
    assert WHO.of([host.public["tls.key"]]) == {f"{host.host_id}.key": ["u0"]}


@pytest.mark.parametrize(
    "given", [{}, *(pytest.param({name: "1500"}, marks=pytest.mark.long) for name in ("fileOwner", "fileGroup"))]
)
def test_a_number_that_is_somebody_elses_name_gets_no_key(open_host: Host, given: dict[str, str]) -> None:
    """To chown 1001 is first of all a name. Where the inventory says it, it may be meant so."""
    host = open_host
    host.renew()
    os.chown(host.public["tls.key"], 1001, 1500)
    before, shown = WHO.of(host.public.values()), host.shown()
    chown = host.root / "all" / "chown"
    chown.unlink()
    chown.write_text(f'#!/bin/sh\nwhose=$1; shift\nexec \'{shutil.which("chown")}\' "34:1501" "$@"\n')
    chown.chmod(0o755)
    outcome = host.install(*host.prepare(), **given)
    assert outcome.error == "READERS_NOT_KEPT"
    assert "fileOwner" in outcome.sentence
    assert (WHO.of(host.public.values()), host.shown()) == (before, shown)
    assert not host.leftovers()


@pytest.mark.parametrize(
    "name",
    members(
        ["svc.web", "domain users", "1500", "Web-Admins", "user@corp.example", "svc+tls"],
        ["domain users", "1500", "user@corp.example"],
    ),
)
def test_owners_and_groups_may_have_any_name_that_systems_use(open_host: Host, name: str) -> None:
    host = open_host
    with_tool = host.root / "all" / "chown"
    with_tool.unlink()
    with_tool.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{host.root}/asked'\n")
    with_tool.chmod(0o755)
    host.renew(fileOwner=name, fileGroup=name)
    assert set((host.root / "asked").read_text().splitlines()) == {f"{name}:{name}"}


def test_the_security_context_of_the_present_files_is_given_to_the_next_ones(live_host: Host) -> None:
    """A stand-in for what SELinux has: a context for each file, and what the policy says of the store."""
    host = live_host
    labels, policy = host.root / "labels", "system_u:object_r:var_lib_t:s0"
    labels.write_text(f"{host.store}/versions/{host.live}/tls.key=system_u:object_r:cert_t:s0\n")
    for path in ("tls.crt", "ca.crt"):
        labels.write_text(labels.read_text() + f"{host.store}/versions/{host.live}/{path}={policy}\n")
    real = shutil.which("stat")
    host.add_tool("restorecon", "exit 0")
    host.add_tool(
        "stat",
        f'case " $* " in *" -c %C "*) for file; do :; done; file=$(readlink -f "$file")\n'
        f"while IFS='=' read -r name label; do [ \"$name\" != \"$file\" ] || found=$label; done <'{labels}'\n"
        f'echo "${{found:-{policy}}}"; exit 0 ;; esac\nexec \'{real}\' "$@"',
    )
    host.add_tool("chcon", f"printf '%s\\n' \"$*\" >>'{host.root}/asked'")
    serial = host.renew().result["serial"]
    assert (host.root / "asked").read_text().splitlines() == [
        f"system_u:object_r:cert_t:s0 {host.store}/versions/{serial}/tls.key"
    ]
    host.add_tool("chcon", "echo 'chcon: Permission denied' >&2; exit 1")
    before = host.shown()
    labels.write_text(labels.read_text() + f"{host.store}/versions/{serial}/tls.key=system_u:object_r:cert_t:s0\n")
    outcome = host.install(*host.prepare())
    assert outcome.status == 1
    assert "chcon: Permission denied" in outcome.sentence
    assert host.shown() == before
