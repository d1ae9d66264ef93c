"""SELinux contexts, on a machine without SELinux: a stand-in restorecon says what it was asked for, and when."""

from __future__ import annotations

from tests.documents.host import Host


def test_contexts_are_restored_before_the_switch_and_on_new_links(live_host: Host) -> None:
    host = live_host
    old = host.live
    host.public["tls.key"].unlink()
    host.add_tool("restorecon", f"echo \"$(readlink '{host.store}/current'): $*\" >>'{host.root}/asked'; exit 1")
    request, certificate = host.prepare()
    outcome = host.install(request, certificate)
    assert outcome.status == 0  # a context that cannot be restored is noted, and no reason to keep an old certificate
    assert "restorecon -R" in outcome.stderr
    assert (host.root / "asked").read_text().splitlines() == [
        f"versions/{old}: -R {host.store}/versions/{certificate.serial_number:x}",
        f"versions/{old}: {host.public['tls.key']}",
    ]
