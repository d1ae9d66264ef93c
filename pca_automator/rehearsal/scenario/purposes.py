"""What certificates are for: a TLS server and a client that accept each other, and items that ask for too much."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pca_automator.rehearsal.scenario.hostile_items import expect_nothing_outside_profiles, refuse_hostile_items
from pca_automator.rehearsal.scenario.world import World
from pca_automator.rehearsal.stage.hosts import Member

DOMAIN = "rehearsal.example"
PROFILES = {
    "web": {"dnsNames": [f"*.{DOMAIN}"], "ipAddresses": ["127.0.0.0/8"], "organization": "Rehearsal"},
    "client": {"usages": ["CLIENT_AUTH"], "validityDays": 5},
    "strong": {
        "keyAlgorithm": "EC_secp384r1",
        "uris": [f"spiffe://{DOMAIN}/host/{{hostID}}"],
        "usages": ["CLIENT_AUTH"],
    },
}
"""What the sample app is deployed with, beside its default profile."""

_SECONDS = 300.0
_HANDSHAKE_SECONDS = 30
_NAME, _ADDRESS = f"web.{DOMAIN}", "127.0.0.1"


def purposes(world: World) -> None:
    """(k) Hosts choose profiles by their items: what they get is for that, and nothing is issued outside of one."""
    report = world.report
    # Not the host that phase f gave a key of its own, for a profile that fixes the key.
    server, client, unknown, strong, greedy = world.members[1:6]
    before = {member.id: member.fingerprint() for member in (greedy, unknown)}
    asked: dict[str, dict[str, Any]] = {
        server.id: {"certificateProfile": "web", "dnsNames": [_NAME]},
        client.id: {"certificateProfile": "client"},
        strong.id: {"certificateProfile": "strong", "uris": [f"spiffe://{DOMAIN}/host/{strong.id}"]},
        # A name of somebody else's below its own profile, and one that no profile allows.
        greedy.id: {"certificateProfile": "web", "dnsNames": [_NAME, "www.bank.example"]},
        unknown.id: {"certificateProfile": "administrator"},
    }
    with world.display.part("k  what certificates are for", len(asked)) as advance:
        for host_id, values in asked.items():
            _ask(world, host_id, values)
        if world.automation.enrols:
            _ask_during_a_renewal(world, server, {"ipAddresses": [_ADDRESS]})
        else:
            _ask(world, server.id, {"ipAddresses": [_ADDRESS]})
            world.run_workflow({"hostIDs": list(asked), "force": True}, None, len(asked))
        made = {
            server.id: world.eventually(lambda: _is_served(server), _SECONDS),
            client.id: world.eventually(lambda: usages(client) == {"clientAuth"}, _SECONDS),
            strong.id: world.eventually(lambda: bool(_names(strong, x509.UniformResourceIdentifier)), _SECONDS),
        }
        advance(3)
        refused = {
            greedy.id: world.eventually(lambda: _code(world, greedy) == "PROFILE_REFUSES_NAME", _SECONDS),
            unknown.id: world.eventually(lambda: _code(world, unknown) == "PROFILE_UNKNOWN", _SECONDS),
        }
        advance(5)
        world.wait_until_idle()
    report.count("profiles_issued", sum(made.values()), 3, "each host gets what its profile says")
    report.count("profiles_refused", sum(refused.values()), 2, "what no profile allows is refused")
    kept = [member for member in (greedy, unknown) if member.fingerprint() == before[member.id]]
    report.expect("who asks for too much keeps its pair", 2, len(kept))
    for host_id, held in {**made, **refused}.items():
        if not held:
            report.trouble(f"{host_id}: {world.inventory.items()[host_id].get('lastError')}")
    _expect_tls(world, server, client, strong, greedy)
    refuse_hostile_items(world, DOMAIN)
    if world.automation.crl_bucket and world.automation.profiles == {*PROFILES, "default"}:
        expect_nothing_outside_profiles(world, DOMAIN)


def _expect_tls(world: World, server: Member, client: Member, strong: Member, other: Member) -> None:
    expect = world.report.expect
    expect("openssl takes the server's certificate for a server's", "OK", _verified(server, "sslserver"))
    expect("and for a client's", "OK", _verified(server, "sslclient"))
    expect("a client's certificate is no server's", "refused", _verified(client, "sslserver"))
    expect("and is a client's", "OK", _verified(client, "sslclient"))
    expect("a workload's certificate is no server's", "refused", _verified(strong, "sslserver"))
    expect("and is a client's", "OK", _verified(strong, "sslclient"))
    key = certificate.public_key() if (certificate := strong.live_certificate()) else None
    curve = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else None
    uris = _names(strong, x509.UniformResourceIdentifier)
    expect("a P-384 key and a URI", ("secp384r1", [f"spiffe://{DOMAIN}/host/{strong.id}"]), (curve, uris))
    for name in (_NAME, _ADDRESS):
        for peer in (client, other, strong):
            expect(f"{peer.id} and the server accept each other as {name}", "OK", handshake(server, peer, name))
    expect("under another name the server is refused", "refused", handshake(server, client, f"mail.{DOMAIN}"))
    for peer in (client, strong):
        expect("a host for clients alone is refused as a server", "refused", handshake(peer, other, peer.id))
    expect("a server is refused under the name of another host", "refused", handshake(server, client, client.id))


def _ask(world: World, host_id: str, values: Mapping[str, Any]) -> None:
    """Change an item as whoever enrols hosts can."""
    typed = {name: {"S": v} if isinstance(v, str) else {"L": [{"S": each} for each in v]} for name, v in values.items()}
    world.aws.client("dynamodb").update_item(
        TableName=world.automation.table,
        Key={"hostID": {"S": host_id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in typed),
        ExpressionAttributeNames={f"#{name}": name for name in typed},
        ExpressionAttributeValues={f":{name}": value for name, value in typed.items()},
    )


def _code(world: World, member: Member) -> str:
    return str((world.inventory.items()[member.id].get("lastError") or {}).get("code"))


def _ask_during_a_renewal(world: World, member: Member, values: Mapping[str, Any]) -> None:
    """Ask for more when the certificate is on its way to the host, and wait for the renewal that makes it good."""
    former = world.inventory.items()[member.id].get("lastRunId")
    runs: set[object] = set()

    def too_late() -> bool:
        item = world.inventory.items()[member.id]
        return "used" in item.get("pending", {}) or item.get("lastRunId") != former

    def renewed_twice() -> bool:
        runs.add(world.inventory.items()[member.id].get("lastRunId"))
        return len(runs - {former}) >= 2

    world.eventually(too_late, _SECONDS)
    _ask(world, member.id, values)
    again = world.eventually(renewed_twice, _SECONDS)
    world.report.expect("what is asked for during a renewal is made good after it", True, again)


def _is_served(server: Member) -> bool:
    return _NAME in _names(server, x509.DNSName) and _ADDRESS in _names(server, x509.IPAddress)


def _names(
    member: Member, kind: type[x509.DNSName] | type[x509.IPAddress] | type[x509.UniformResourceIdentifier]
) -> list[str]:
    certificate = member.live_certificate()
    if certificate is None:
        return []
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in found.get_values_for_type(kind)]


def usages(member: Member) -> set[str]:
    """The extended key usages of a host's live certificate."""
    certificate = member.live_certificate()
    if certificate is None:
        return set()
    return {use._name for use in certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}


def _verified(member: Member, purpose: str) -> str:
    command = ["openssl", "verify", "-purpose", purpose, "-CAfile", str(member.chain), str(member.certificate)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=_HANDSHAKE_SECONDS, check=False)
    return "OK" if run.returncode == 0 else "refused"


def handshake(server: Member, client: Member, name: str) -> str:
    """Whether a server and a client with these hosts' pairs accept each other, on loopback.

    Args:
        server: whose certificate the client must find the name in.
        client: whose certificate the server demands.
        name: the host name or address that the client means.

    Returns:
        ``OK`` where both read what the other one said, else ``refused``.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    answers: list[bytes] = []
    thread = threading.Thread(target=_serve, args=(listening, _context(server, ssl.PROTOCOL_TLS_SERVER), answers))
    thread.start()
    try:
        context = _context(client, ssl.PROTOCOL_TLS_CLIENT)
        with (
            socket.create_connection(listening.getsockname(), timeout=_HANDSHAKE_SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=name) as connection,
        ):
            connection.sendall(b"hello")
            heard = connection.recv(5)
    except (OSError, ssl.SSLError):
        heard = b""
    finally:
        thread.join()
        listening.close()
    return "OK" if heard == b"hello" and answers == [b"hello"] else "refused"


def _serve(listening: socket.socket, context: ssl.SSLContext, answers: list[bytes]) -> None:
    listening.settimeout(_HANDSHAKE_SECONDS)
    # Whoever is refused closes; that is what the client's side reports.
    with contextlib.suppress(OSError, ssl.SSLError):
        raw, _ = listening.accept()
        raw.settimeout(_HANDSHAKE_SECONDS)
        with raw, context.wrap_socket(raw, server_side=True) as connection:
            answers.append(connection.recv(5))
            connection.sendall(answers[-1])


def _context(member: Member, protocol: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(member.chain))
    context.load_cert_chain(str(member.certificate), str(member.key))
    return context
