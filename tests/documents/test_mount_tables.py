"""What tables of mounts mean for links, on tables that no machine has to have; ``test_mounts`` has real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from socket import AF_UNIX, socket

import pytest

from tests.documents.functions import say
from tests.documents.host import Host

# Identifier, parent, device, root in it, mount point, options:
# https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
LINE = "{number} 1 {device} {root} {point} rw - ext4 /dev/sda rw\n"
HERE, OTHER = "8:1", "8:2"


class Processes:
    """A directory ``proc`` with processes in it.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "proc"
        self._inside = folder / "inside"
        self._inside.mkdir()
        self.add("self", (HERE, "/", "/"))

    def add(self, name: str, *mounts: tuple[str, str, str], root: str | None = None, namespace: str = "") -> None:
        """A process that sees these mounts.

        Args:
            name: its number.
            mounts: device, root and mount point of each.
            root: what it has as its root; one that shows nothing of the host unless it is given.
            namespace: the process whose namespace of mounts it shares; its own unless it is given.
        """
        process = self._folder / name
        (process / "ns").mkdir(parents=True)
        if namespace:
            (process / "ns/mnt").hardlink_to(self._folder / namespace / "ns/mnt")
        else:
            (process / "ns/mnt").touch()
        self.see(name, *mounts)
        (process / "root").symlink_to(root or self._inside)

    def see(self, name: str, *mounts: tuple[str, str, str]) -> None:
        """Change the table of a process."""
        lines = [LINE.format(number=n, device=d, root=r, point=p) for n, (d, r, p) in enumerate(mounts, 1)]
        (self._folder / name / "mountinfo").write_text("".join(lines))


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path)


@pytest.fixture
def found(live_host: Host, tmp_path: Path) -> Callable[[], tuple[str, str]]:
    """What is exposed and what is pinned, for the host ``live_host``."""

    def found() -> tuple[str, str]:
        look = ["trap - EXIT", f"cd '{tmp_path}'", "find_mounts", 'printf "%s" "[$exposed][$pinned]"']
        outcome = say(live_host, "InspectCertificate", look, lambda text: text.replace("/proc/", "proc/"))
        assert outcome.status == 0, outcome
        exposed, _, pinned = outcome.stdout.removeprefix("[").removesuffix("]").partition("][")
        return exposed, pinned

    return found


def written(path: Path) -> str:
    """As in a table of mounts."""
    return str(path.resolve()).replace(" ", r"\040")


def test_a_machine_without_containers_exposes_nothing(processes: Processes, found: Callable[[], object]) -> None:
    processes.add("7", (HERE, "/", "/"), root="/", namespace="self")
    processes.add("8", (HERE, "/", "/"), root="/")
    processes.add("9", (OTHER, "/", "/"))
    assert found() == ("", "")


@pytest.mark.usefixtures("processes")
def test_where_no_table_can_be_read_nothing_is_looked_at(found: Callable[[], object], tmp_path: Path) -> None:
    (tmp_path / "proc/self/mountinfo").unlink()
    assert found() == ("", "")


@pytest.mark.parametrize("point", ["same path", "/etc/tls", "above"])
def test_a_directory_that_is_shown_without_the_store_is_exposed(
    live_host: Host, processes: Processes, found: Callable[[], tuple[str, str]], point: str
) -> None:
    certs = written(live_host.certs)
    above = written(live_host.certs.parent)
    root, there = {"same path": (certs, certs), "/etc/tls": (certs, "/etc/tls"), "above": (above, "/pki")}[point]
    processes.add("7", (OTHER, "/", "/"), (HERE, root, there))
    shown = f"{there}{certs.removeprefix(root)}".replace(r"\040", " ")
    assert found() == (f"{shown} (process 7) shows {live_host.certs} without {live_host.store}", "")


@pytest.mark.parametrize(("ended", "namespace"), [("7", ""), ("7", "7"), ("9", "")])
def test_a_process_that_ends_before_its_table_is_opened_exposes_nothing_and_hides_nothing(
    live_host: Host, processes: Processes, found: Callable[[], object], tmp_path: Path, ended: str, namespace: str
) -> None:
    """By its mode the table of such a process can be read, and it cannot be opened: a socket is like that, too."""
    processes.add(ended, (OTHER, "/", "/"))
    processes.add("8", (OTHER, "/", "/"), (HERE, written(live_host.certs), "/tls"), namespace=namespace)
    table = tmp_path / "proc" / ended / "mountinfo"
    table.unlink()
    with socket(AF_UNIX) as nothing:
        nothing.bind(os.path.relpath(table))
        assert found() == (f"/tls (process 8) shows {live_host.certs} without {live_host.store}", "")


def test_another_device_or_another_directory_exposes_nothing(
    live_host: Host, processes: Processes, found: Callable[[], tuple[str, str]]
) -> None:
    processes.add("7", (OTHER, "/", "/"), (OTHER, written(live_host.certs), "/tls"))
    processes.add("8", (OTHER, "/", "/"), (HERE, f"{written(live_host.certs)}-of-another", "/tls"))
    assert found() == ("", "")


def test_a_process_that_reaches_the_store_or_has_ended_exposes_nothing(
    live_host: Host, processes: Processes, found: Callable[[], tuple[str, str]], tmp_path: Path
) -> None:
    certs = written(live_host.certs)
    processes.add("7", (OTHER, "/", "/"), (HERE, certs, certs), root="/")
    processes.add("8", (OTHER, "/", "/"), (HERE, certs, certs), root=str(tmp_path / "ended"))
    processes.add("9", (HERE, "/", "/"), (HERE, certs, certs), root="/", namespace="self")
    assert found() == ("", "")


@pytest.mark.parametrize("what", ["version", "file of a version", "public file", "file that is gone"])
def test_what_shows_one_file_for_ever_is_pinned(
    live_host: Host, processes: Processes, found: Callable[[], tuple[str, str]], what: str
) -> None:
    version = written(live_host.store / "versions" / live_host.live)
    public = f"{written(live_host.certs)}/{live_host.public['tls.crt'].name}"
    root = {
        "version": version, "file of a version": f"{version}/tls.crt", "public file": public,
        "file that is gone": f"{version}/tls.crt//deleted",
    }[what]  # fmt: skip
    processes.add("7", (OTHER, "/", "/"), (HERE, root, "/tls.crt"))
    assert found() == ("", "/tls.crt (process 7) shows one file or version for ever")


def test_a_directory_that_is_bound_elsewhere_in_this_namespace_is_exposed(
    live_host: Host, processes: Processes, found: Callable[[], tuple[str, str]], tmp_path: Path
) -> None:
    """Such as a chroot, whose processes look for the store below its own root."""
    certs, jail = written(live_host.certs), tmp_path / "jail"
    (jail / str(live_host.certs).removeprefix("/")).mkdir(parents=True)
    processes.see("self", (HERE, "/", "/"), (HERE, certs, f"{jail}{certs}"))
    exposed, pinned = found()
    assert exposed == f"{jail}{live_host.certs} (process self) shows {live_host.certs} without {live_host.store}"
    assert pinned == ""
