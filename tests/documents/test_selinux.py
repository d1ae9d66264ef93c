"""SELinux contexts, on a machine without SELinux: a stand-in restorecon says what it was asked for, and when."""

from __future__ import annotations

import os

from tests.documents.host import Host


def test_contexts_are_restored_before_the_switch_and_on_new_links(live_host: Host) -> None:
    host = live_host
    old = host.live
    host.public["tls.key"].unlink()
    folder = host.root / "bin"
    folder.mkdir()
    stand_in = folder / "restorecon"
    stand_in.write_text(f"#!/bin/sh\necho \"$(readlink '{host.store}/current'): $*\" >>'{host.root}/asked'; exit 1\n")
    stand_in.chmod(0o755)
    host.path = f"{folder}:{os.environ['PATH']}"
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert outcome.status == 0  # a context that cannot be restored is noted, and no reason to keep an old certificate
    assert "restorecon -R" in outcome.stderr
    assert (host.root / "asked").read_text().splitlines() == [
        f"versions/{old}: -R {host.store}/versions/{certificate.serial_number:x}",
        f"versions/{old}: {host.public['tls.key']}",
    ]
