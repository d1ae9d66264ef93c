"""Items that ask for more than a profile allows, and everything that the CA has issued in spite of them."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pca_automator.rehearsal.scenario.world import World

_SECONDS = 300.0
_CLIENT, _SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
# A certificate begins an hour before it is issued; see local_aws/private_ca.
_FIVE_DAYS = timedelta(days=5, hours=2)


def _items(domain: str) -> list[tuple[str, dict[str, Any]]]:
    """The code with which each is refused, and what it asks for."""
    web, strong = {"certificateProfile": "web"}, {"certificateProfile": "strong"}
    spiffe = f"spiffe://{domain}/host/"
    return [
        ("PROFILE_REFUSES_NAME", {"dnsNames": [f"web.{domain}"]}),
        ("PROFILE_REFUSES_NAME", {"certificateProfile": "client", "dnsNames": [f"web.{domain}"]}),
        ("PROFILE_REFUSES_NAME", {**web, "dnsNames": [f"*.{domain}"]}),
        ("PROFILE_REFUSES_NAME", {**web, "dnsNames": [f"a.b.{domain}"]}),
        ("PROFILE_REFUSES_NAME", {**web, "dnsNames": [domain]}),
        ("PROFILE_REFUSES_NAME", {**web, "dnsNames": [f"www.{domain}.evil.example"]}),
        ("PROFILE_REFUSES_NAME", {**web, "ipAddresses": ["128.0.0.1"]}),
        ("PROFILE_REFUSES_NAME", {**web, "ipAddresses": ["::1"]}),
        ("PROFILE_REFUSES_NAME", {**web, "uris": [f"{spiffe}i-0123456789abcdef0"]}),
        ("PROFILE_REFUSES_NAME", {**web, "emailAddresses": [f"root@{domain}"]}),
        ("PROFILE_REFUSES_NAME", {**strong, "uris": [f"{spiffe}i-0123456789abcdef0"]}),
        ("PROFILE_REFUSES_NAME", {**strong, "uris": [f"{spiffe}x/../admin"]}),
        ("PROFILE_REFUSES_KEY", {**strong, "keyAlgorithm": "RSA_2048"}),
        ("PROFILE_UNKNOWN", {"certificateProfile": "Web"}),
        ("PROFILE_UNKNOWN", {"certificateProfile": "root"}),
        ("INVENTORY_ATTRIBUTE_INVALID", {"certificateProfile": "web,default"}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "dnsNames": ["127.0.0.1"]}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "dnsNames": [f"web.{domain}\n.evil.example"]}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "dnsNames": [f"ẉeb.{domain}"]}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "ipAddresses": ["127.0.0.0/8"]}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "dnsNames": [f"{n}.{domain}" for n in range(200)]}),
        # Sets of texts, and texts where lists belong, are how other tools write them.
        ("PROFILE_REFUSES_NAME", {**web, "dnsNames": {"www.bank.example", f"web.{domain}"}}),
        ("INVENTORY_ATTRIBUTE_INVALID", {**web, "dnsNames": f"web.{domain}"}),
    ]


def refuse_hostile_items(world: World, domain: str) -> None:
    """Put items for hosts that do not exist; nothing is sent for any of them, and then they are taken away again.

    Args:
        world: the rehearsal's.
        domain: that of the profiles.
    """
    from boto3.dynamodb.types import TypeSerializer

    plain = TypeSerializer()
    asked = {f"i-bad{number:014x}": each for number, each in enumerate(_items(domain))}
    before = _commands(world)
    for host_id, (_, attributes) in asked.items():
        item = {name: plain.serialize(value) for name, value in attributes.items()}
        world.inventory.put({"hostID": {"S": host_id}, **item})
    if not world.automation.enrols:
        world.run_workflow({"hostIDs": list(asked)}, None, len(asked))
    world.eventually(lambda: all(_code(world, host_id) for host_id in asked), _SECONDS)
    world.wait_until_idle()
    found = {host_id: _code(world, host_id) for host_id in asked}
    wrong = [host_id for host_id, (code, _) in asked.items() if found[host_id] != code]
    world.report.count(
        "hostile_items", len(asked) - len(wrong), len(asked), "each hostile item is refused with its code"
    )
    for host_id in wrong:
        world.report.trouble(f"{asked[host_id]} was answered by {found[host_id] or 'nothing'}")
    world.report.expect("no command was sent for them", before, _commands(world))
    for host_id in asked:
        world.inventory.remove(host_id)


def _commands(world: World) -> int:
    calls = world.aws.control("counters")["api_calls"]
    return sum(int(call["count"]) for call in calls if call["operation"] == "SendCommand")


def _code(world: World, host_id: str) -> str:
    return str((world.inventory.items()[host_id].get("lastError") or {}).get("code") or "")


def expect_nothing_outside_profiles(world: World, domain: str) -> None:
    """State of every certificate that the CA has issued that one of the rehearsal's profiles allows it.

    The CA is asked, not the inventory: what nobody has recorded counts as well.

    Args:
        world: the rehearsal's.
        domain: that of the profiles.
    """
    outside = []
    certificates = list(_issued(world))
    for certificate in certificates:
        if not any(_allowed(certificate, domain)):
            outside.append(f"{certificate.subject.rfc4514_string()}: {_names(certificate)}")
    world.report.expect("the CA says what it has issued", True, len(certificates) >= len(world.members))
    world.report.expect("nothing was issued outside a profile", [], outside)


def _issued(world: World) -> Iterable[x509.Certificate]:
    """Every end-entity certificate in the CA's own audit report."""
    authority, bucket = world.automation.authority, world.automation.crl_bucket
    pca, s3 = world.aws.client("acm-pca"), world.aws.client("s3")
    place = {"CertificateAuthorityArn": authority}
    report = pca.create_certificate_authority_audit_report(
        **place, S3BucketName=bucket, AuditReportResponseFormat="CSV"
    )
    asked = {**place, "AuditReportId": report["AuditReportId"]}
    world.eventually(
        lambda: pca.describe_certificate_authority_audit_report(**asked)["AuditReportStatus"] != "CREATING", _SECONDS
    )
    text = s3.get_object(Bucket=bucket, Key=report["S3Key"])["Body"].read().decode()
    for line in csv.DictReader(text.splitlines()):
        answer = pca.get_certificate(**place, CertificateArn=line["certificateArn"])
        certificate = x509.load_pem_x509_certificate(answer["Certificate"].encode())
        if not _is_ca(certificate):
            yield certificate


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _allowed(certificate: x509.Certificate, domain: str) -> Iterable[bool]:
    """By each of the profiles, judged without the code that is rehearsed."""
    usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    subject = {each.oid: str(each.value) for each in certificate.subject}
    host_id = subject.pop(NameOID.COMMON_NAME)
    names = [name for name in _names(certificate) if name != x509.DNSName(host_id)]
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    key = certificate.public_key()
    yield usages == {_CLIENT, _SERVER} and not subject and not names
    yield usages == {_CLIENT} and not subject and not names and life <= _FIVE_DAYS
    yield (
        usages == {_CLIENT, _SERVER}
        and subject == {NameOID.ORGANIZATION_NAME: "Rehearsal"}
        and all(_of_the_web(name, domain) for name in names)
    )
    yield (
        usages == {_CLIENT}
        and not subject
        and isinstance(key, ec.EllipticCurvePublicKey)
        and key.curve.name == "secp384r1"
        and set(names) <= {x509.UniformResourceIdentifier(f"spiffe://{domain}/host/{host_id}")}
    )


def _of_the_web(name: x509.GeneralName, domain: str) -> bool:
    if isinstance(name, x509.IPAddress):
        return name.value in ipaddress.ip_network("127.0.0.0/8")
    if not isinstance(name, x509.DNSName):
        return False
    label, dot, rest = name.value.partition(".")
    return label.isalnum() and dot == "." and rest == domain
