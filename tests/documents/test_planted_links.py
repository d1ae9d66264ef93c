"""A symbolic link planted at every name that a document writes: never followed, nothing written outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documents.agent import Outcome
from tests.documents.host import Host, Pair, new_request
from tests.documents.killer import Killer
from tests.members import members

# What the documents bring into being, relative to the host's root; {serial} and {request} differ from run to run. The
# first test holds this list to what they do.
WRITTEN = {
    "STORE": "directory",
    "STORE/.aside": "directory",
    "STORE/.aside/{temporary}": "file",
    "STORE/current": "file",
    "STORE/state": "file",
    "STORE/pending": "directory",
    "STORE/pending/.staged": "directory",
    "STORE/pending/.staged/{request}": "directory",
    "STORE/pending/.staged/{request}/{file}": "file",
    "STORE/pending/{request}": "directory",
    "STORE/versions": "directory",
    "STORE/versions/.staged": "directory",
    "STORE/versions/.staged/{serial}": "directory",
    "STORE/versions/.staged/{serial}/{file}": "file",
    "STORE/versions/{serial}": "directory",
    "var": "directory",
    "var/lib": "directory",
    "var/lib/pca automator": "directory",
    "etc": "directory",
    "etc/pca": "directory",
    "etc/pca/certs": "directory",
    "etc/pca/private": "directory",
    "etc/pca/certs/.{host}.new": "directory",
    "etc/pca/private/.{host}.new": "directory",
    "etc/pca/certs/.{host}.new/{file}": "file",
    "etc/pca/private/.{host}.new/{file}": "file",
    "etc/pca/certs/{host}.crt": "file",
    "etc/pca/private/{host}.key": "file",
    "etc/pca/certs/ca_chain_certificate.crt": "file",
}


# Links above the directories are the administrator's business, if they are root's: what is behind them is written to.
ABOVE = {"var", "var/lib", "etc", "etc/pca"}


def generalize(host: Host, name: str, request: str, serial: str) -> str:
    name = name.removeprefix(f"{host.root}/").replace(f"var/lib/pca automator/{host.host_id}", "STORE")
    folder = name.rpartition("/")[0]
    if folder == "STORE/.aside":
        return f"{folder}/{{temporary}}"
    if folder.endswith((".new", f"/.staged/{serial}", f"/.staged/{request}")):
        name = f"{folder}/{{file}}"
    return name.replace(request, "{request}").replace(serial, "{serial}").replace(host.host_id, "{host}")


def test_the_names_written_are_the_ones_that_links_are_planted_at(host: Host, host_folder: Path) -> None:
    """Found by looking, whenever a command starts, at everything there is."""
    killer = Killer(host_folder / "killer", watch=host.root)
    host.add_hook("10-hook", "echo said")
    host.path = killer.path
    request, certificate = host.prepare()
    host.install(request, certificate, bundle="true")
    serial = f"{certificate.serial_number:x}"
    found = {generalize(host, name, request, serial) for name in killer.seen}
    final_files = {name for name in found if name.startswith(("STORE/versions/{serial}/", "STORE/pending/{request}/"))}
    of_the_test = {name for name in found if name.startswith(("agent", "etc/pca/post-install.d", "/"))}
    assert found - final_files - of_the_test == set(WRITTEN)


class Trap:
    """Where planted links lead, and whether anything there changed."""

    def __init__(self, host: Host) -> None:
        self.folder = host.root / "elsewhere"
        self.folder.mkdir()
        (self.folder / "file").write_text("precious\n")
        self.host = host
        self.before = self.facts()
        self.shown: Pair | None = None

    def facts(self) -> list[tuple[str, int, bytes]]:
        return [
            (
                str(path),
                path.lstat().st_mode,
                os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b"",
            )
            for path in sorted(self.folder.rglob("*"))
        ] + [("", self.folder.stat().st_mode, b"")]

    def plant(self, name: Path, kind: str) -> None:
        """Where there is something already, it moves to where the link leads."""
        if os.path.lexists(name):
            name.rename(self.folder / "moved")
            name.symlink_to(self.folder / "moved")
        else:
            name.parent.mkdir(parents=True, exist_ok=True)
            name.symlink_to(self.folder if kind == "directory" else self.folder / "file")
        self.before = self.facts()
        self.shown = shown_by(self.host)


def run_both(host: Host, request: str, names: dict[str, str], pattern: str) -> tuple[Trap, list[Outcome]]:
    trap = Trap(host)
    outcomes: list[Outcome] = []
    before_csr = "pending/.staged" in pattern or "pending/{request}" in pattern
    if not before_csr:
        outcome = host.generate(request)
        certificate = host.authority.issue(outcome.csr)
        names["serial"] = f"{certificate.serial_number:x}"
    place = pattern.replace("STORE", str(host.store.relative_to(host.root))).format(**names)
    trap.plant(host.root / place, WRITTEN[pattern])
    if before_csr:
        outcome = host.generate(request)
        outcomes.append(outcome)
        if outcome.error:
            return trap, outcomes
        certificate = host.authority.issue(outcome.csr)
    outcomes.append(host.install(request, certificate))
    return trap, outcomes


def shown_by(host: Host) -> Pair | None:
    return None if host.shows_nothing() else host.shown()


@pytest.mark.parametrize("pattern", members(sorted(WRITTEN), sorted(WRITTEN)[::3]))
def test_a_planted_link_is_never_written_through(live_host: Host, pattern: str) -> None:
    host = live_host
    request = new_request()
    names = {"request": request, "host": host.host_id, "serial": "", "file": "tls.key", "temporary": "current"}
    trap, outcomes = run_both(host, request, names, pattern)
    if pattern not in ABOVE:
        assert trap.facts() == trap.before
    for outcome in outcomes:
        assert outcome.error in (None, "UNSAFE_DIRECTORY"), outcome
        if outcome.error and WRITTEN[pattern] == "directory":
            assert "is a symbolic link" in outcome.sentence
    shown = shown_by(host)
    if outcomes[-1].error:
        assert shown == trap.shown
    else:
        assert shown is not None
        assert shown.matches
        assert shown != trap.shown
