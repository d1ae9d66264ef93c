"""What happens on single hosts: a hook that fails, files of another tool, another kind of key, a name in the SAN."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.hosts import Member

_OVERRIDE_SECONDS = 300.0


def on_hosts(world: World) -> None:
    """(f) A failing hook rolls back, existing files are taken over, an override changes key and SAN."""
    report = world.report
    hooked, occupied, changed = world.members[1:4]
    pair = hooked.fingerprint()
    hook = _failing_hook(hooked)
    former = _as_another_tool_left_it(occupied)
    with world.display.part("f  hooks, existing files, other keys", 3) as advance:
        run = world.run_workflow({"hostIDs": [hooked.id, occupied.id], "force": True}, advance, 2)
        hook.unlink()
        _override(world, changed)
        switched = world.eventually(lambda: _shows_override(changed), _OVERRIDE_SECONDS)
        world.wait_until_idle()
        advance(3)
    items = world.inventory.items()
    error = items[hooked.id].get("lastError") or {}
    back = error.get("code") == "HOOK_FAILED" and hooked.fingerprint() == pair and not hooked.troubles()
    report.count("rollbacks", int(back), 1, "a failing hook brings the old pair back")
    if not back:
        report.trouble(f"{hooked.id}: {items[hooked.id].get('status')} {error}, {hooked.troubles()}")
    taken = items[occupied.id].get("lastRunId") == run.id and _was_taken_over(occupied, former)
    report.count("takeovers", int(taken), 1, "files of another tool are taken over and kept")
    if not taken:
        report.trouble(f"{occupied.id}: {items[occupied.id].get('status')} {items[occupied.id].get('lastError')}")
    report.expect("an override gives an EC key and a name in the SAN", True, switched)
    if not switched:
        report.trouble(f"{changed.id}: {items[changed.id].get('status')} {items[changed.id].get('lastError')}")


def _failing_hook(member: Member) -> Path:
    directory = member.path("hooksPath")
    directory.mkdir(parents=True, exist_ok=True)
    hook = directory / "10-reload"
    hook.write_text("#!/bin/sh\necho 'the service did not start' >&2\nexit 3\n")
    hook.chmod(0o755)
    return hook


def _as_another_tool_left_it(member: Member) -> bytes:
    """Regular files at the public paths and no store, as on a host that this system has never seen; the certificate."""
    contents = {path: path.read_bytes() for path in (member.certificate, member.key, member.chain)}
    for path, content in contents.items():
        path.unlink()
        path.touch(mode=0o600)
        path.write_bytes(content)
    shutil.rmtree(member.path("csrPath") / member.id)
    return contents[member.certificate]


def _was_taken_over(member: Member, former: bytes) -> bool:
    versions = member.path("csrPath") / member.id / "versions"
    kept = [each / "tls.crt" for each in versions.glob("taken-over-*")]
    return (
        [file.read_bytes() for file in kept] == [former]
        and all(path.is_symlink() for path in (member.certificate, member.key, member.chain))
        and member.certificate.read_bytes() != former
    )


def _override(world: World, member: Member) -> None:
    """Change an item as an operator does, and start its renewal where no stream does."""
    # Its own id is the one name that every profile allows.
    values: dict[str, Any] = {":k": {"S": "EC_prime256v1"}, ":n": {"L": [{"S": member.id}]}}
    world.aws.client("dynamodb").update_item(
        TableName=world.automation.table,
        Key={"hostID": {"S": member.id}},
        UpdateExpression="SET keyAlgorithm = :k, dnsNames = :n",
        ExpressionAttributeValues=values,
    )
    if not world.automation.enrols:
        world.run_workflow({"hostIDs": [member.id], "force": True}, None, 1)


def _shows_override(member: Member) -> bool:
    certificate = member.live_certificate()
    if certificate is None or not isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName) == [member.id] and not member.troubles()
