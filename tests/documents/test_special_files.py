"""FIFOs, sockets and devices where a document expects a file: it ends, says so, and the old pair stays live.

A document that opened one would wait for ever for whoever writes into it; the time-out of the run is what shows that.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.agent import Outcome
from tests.documents.host import Host, new_request


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def unix_socket(path: Path) -> None:
    """Bound by a short name: the kernel takes no path as long as those of tests."""
    here = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def endless(path: Path) -> None:
    """A link to a device that never ends."""
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path], None]] = {"fifo": fifo, "socket": unix_socket, "endless device": endless}


def places(host: Host, request: str) -> dict[str, Path]:
    live, pending = host.store / "versions" / host.live, host.store / "pending" / request
    return {
        **{f"public {name}": path for name, path in host.public.items()},
        **{f"live {name}": live / name for name in host.public},
        **{f"pending {name}": pending / name for name in ("tls.key", "tls.csr", "algorithm", "others")},
        **{name: host.store / name for name in ("state", "current", "versions", "pending", ".aside")},
        "store": host.store,
        "request": pending,
        "beside a public path": host.certs / f".{host.host_id}.new",
        "helper": host.helper,
        "hook": host.hooks / "10-hook",
        "hooks": host.hooks,
        "public directory": host.private,
    }


def replace(path: Path, make: Callable[[Path], None]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)


PLACES = (
    "public tls.crt", "public tls.key", "public ca.crt", "live tls.crt", "live tls.key", "live ca.crt",
    "pending tls.key", "pending tls.csr", "pending algorithm", "pending others", "state", "current", "versions",
    "pending", ".aside", "store", "request", "beside a public path", "helper", "hook", "hooks", "public directory",
)  # fmt: skip
# The last: a request whose files were spoilt is made anew, and the certificate was for the key before.
ERRORS = (None, "UNSAFE_DIRECTORY", "PENDING_REQUEST_MISSING", "CERTIFICATE_KEY_MISMATCH")
# Where nothing of value is lost: what is there is made anew, or not run.
NO_OBSTACLE = ("state", ".aside", "beside a public path", "helper", "hook", "live ca.crt", "pending others")


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
def test_at_a_public_path_it_is_refused_by_name_and_found_by_an_inspection(live_host: Host, name: str) -> None:
    host = live_host
    request, certificate = host.prepare()
    replace(host.public[name], fifo)
    for outcome in (host.generate(new_request()), host.install(request, certificate)):
        assert outcome.error == "UNSAFE_DIRECTORY"
        assert f"{host.public[name]} is neither a file nor a link to a file" in outcome.sentence
    assert "NOT_OUR_LINK" in host.run("InspectCertificate").result["problems"]
    host.public[name].unlink()
    assert host.install(request, certificate).status == 0
    assert host.shown().matches


def test_where_nothing_of_value_is_lost_a_renewal_goes_on(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    for place in NO_OBSTACLE:
        replace(places(host, request)[place], fifo)
    host.helper.chmod(0o755)
    (host.hooks / "10-hook").chmod(0o755)
    result = host.install(request, certificate).result
    assert result["notices"] == "HOOKS_SKIPPED,HELPER_BROKEN"
    assert host.shown().matches
    assert host.shown().serial == result["serial"]


def test_a_command_that_comes_twice_does_not_read_what_the_live_version_has_become(live_host: Host) -> None:
    host = live_host
    request, certificate = host.prepare()
    host.install(request, certificate)
    replace(host.store / "versions" / host.live / "tls.crt", fifo)
    assert host.install(request, certificate).error == "PENDING_REQUEST_MISSING"


def test_going_back_does_not_read_what_the_former_version_has_become(live_host: Host) -> None:
    host = live_host
    former = host.live
    request, certificate = host.prepare()
    replace(host.store / "versions" / former / "ca.crt", fifo)
    host.add_hook("10-hook", '[ "$PCA_AUTOMATOR_ACTION" = rollback ]')
    outcome = host.install(request, certificate)
    assert outcome.error == "VERIFY_FAILED"
    assert outcome.sentence.endswith(f"went back to {former}, but the public paths do not show it")


def test_a_takeover_copies_no_fifo_of_the_live_version(live_host: Host) -> None:
    host = live_host
    shown = host.shown()
    fifo(host.store / "versions" / host.live / "bundle.pem")
    host.public["tls.crt"].unlink()
    host.public["tls.crt"].write_bytes(shown.certificate)
    assert host.renew().result["takeover"] == "true"
    assert host.shown().matches


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_nowhere_does_a_document_wait_for_it(live_host: Host, place: str, kind: str) -> None:
    host = live_host
    host.add_helper()
    request, certificate = host.prepare()
    found = places(host, request)
    assert set(found) == set(PLACES)
    replace(found[place], KINDS[kind])
    runs: list[Callable[[], Outcome]] = [
        lambda: host.run("InspectCertificate"), lambda: host.generate(request), lambda: host.generate(new_request()),
        lambda: host.install(request, certificate), lambda: host.run("RemoveCertificate"),
    ]  # fmt: skip
    for outcome in (run() for run in runs):
        assert outcome.status in (0, 1), outcome
        assert outcome.error in ERRORS, outcome
