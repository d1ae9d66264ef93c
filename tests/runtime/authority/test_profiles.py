"""What a profile allows a host, and the last look before a certificate goes to it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pca_runtime.authority.certificates import load_leaf
from pca_runtime.authority.keys import public_key_sha256
from pca_runtime.authority.leaf import Leaf
from pca_runtime.authority.names import Names
from pca_runtime.authority.profiles import CertificateProfile, CertificateRequest, request
from pca_runtime.errors.kinds import CertificateMismatch, InvalidInventoryItem

from tests.runtime.pki import BOTH, NOW, Ca, make_csr, name, p256

HOST = "i-0123456789abcdef0"
CA = Ca()
KEY = p256()
FINGERPRINT = public_key_sha256(KEY.public_key())
CSR = make_csr(HOST, KEY)
PROFILE = CertificateProfile(usages=frozenset({"CLIENT_AUTH", "SERVER_AUTH"}), dns_names=("*.example.com",))


def asked(names: Names | None = None, **profile: Any) -> CertificateRequest:
    return CertificateRequest(HOST, "EC_prime256v1", names or Names(), PROFILE.changed(**profile), validity_days=7)


def complaint(leaf: Leaf, wanted: CertificateRequest | None = None, *, days: float = 0) -> str:
    with pytest.raises(CertificateMismatch) as wrong:
        (wanted or asked()).check(leaf, expected_key_sha256=FINGERPRINT, now=NOW + timedelta(days=days))
    assert wrong.value.code == "CERTIFICATE_NOT_AS_REQUESTED"
    return wrong.value.message


def test_accepts_the_certificate_that_was_asked_for() -> None:
    leaf = load_leaf(CA.issue(CSR))
    asked().check(leaf, expected_key_sha256=FINGERPRINT, now=NOW)
    assert leaf.not_after == NOW + timedelta(days=7)
    assert leaf.common_name == HOST


def test_accepts_every_kind_of_name_that_was_asked_for() -> None:
    names = Names(("a.example.com",), ("10.0.0.1",), ("spiffe://prod/x",), ("a@example.com",))
    leaf = load_leaf(
        CA.issue(
            CSR,
            names=[
                x509.DNSName("A.example.com"),
                x509.IPAddress(IPv4Address("10.0.0.1")),
                x509.UniformResourceIdentifier("spiffe://prod/x"),
                x509.RFC822Name("a@example.com"),
            ],
        )
    )
    asked(names).check(leaf, expected_key_sha256=FINGERPRINT, now=NOW)


def test_refuses_another_key() -> None:
    assert "key" in complaint(load_leaf(CA.issue(make_csr(HOST))))


def test_refuses_another_subject() -> None:
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=name("i-0fedcba9876543210"))))
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=name(HOST, O="Admins"))))
    two = x509.Name([*name(HOST), *name("admin")])
    assert "subject" in complaint(load_leaf(CA.issue(CSR, subject=two)))
    assert "CN=i-0123456789abcdef0, Organization=Ours" in complaint(
        load_leaf(CA.issue(CSR)), asked(organization="Ours")
    )


@pytest.mark.parametrize(
    "extra",
    [
        x509.DNSName("admin.example.com"),
        x509.IPAddress(IPv4Address("10.0.0.1")),
        x509.UniformResourceIdentifier("spiffe://prod/admin"),
        x509.RFC822Name("root@example.com"),
        x509.DirectoryName(name("admin")),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ],
)
def test_refuses_names_that_were_not_asked_for(extra: x509.GeneralName) -> None:
    leaf = load_leaf(CA.issue(CSR, names=[x509.DNSName("a.example.com"), extra]))
    assert "names" in complaint(leaf, asked(Names(("a.example.com",))))


@pytest.mark.parametrize(
    "names",
    [
        Names(("a.example.com",)),
        Names(ip_addresses=("10.0.0.1",)),
        Names(uris=("spiffe://prod/x",)),
        Names(email_addresses=("a@example.com",)),
    ],
)
def test_refuses_a_certificate_that_lacks_a_name(names: Names) -> None:
    assert "it lacks names" in complaint(load_leaf(CA.issue(CSR)), asked(names))


@pytest.mark.parametrize(
    "usages",
    [(), BOTH[:1], BOTH[1:], (*BOTH, ExtendedKeyUsageOID.CODE_SIGNING), (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)],
)
def test_refuses_other_usages(usages: tuple[x509.ObjectIdentifier, ...]) -> None:
    assert "extended key usages" in complaint(load_leaf(CA.issue(CSR, purposes=usages)))


@pytest.mark.parametrize(
    "uses",
    [(), ("digital_signature",), ("digital_signature", "key_encipherment", "key_cert_sign"), ("key_encipherment",)],
)
def test_refuses_another_key_usage(uses: tuple[str, ...]) -> None:
    assert "its key usage" in complaint(load_leaf(CA.issue(CSR, usages=uses)))


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize(
    "extension",
    [
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\5\0"),
        x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.com")], excluded_subtrees=None),
        x509.InhibitAnyPolicy(0),
    ],
)
def test_refuses_extensions_that_no_template_gives(extension: x509.ExtensionType, critical: bool) -> None:
    assert "extensions that no template" in complaint(load_leaf(CA.issue(CSR, extensions=[(extension, critical)])))


def test_refuses_what_has_not_begun() -> None:
    assert "still to come" in complaint(load_leaf(CA.issue(CSR, start=NOW + timedelta(hours=2))))


def test_refuses_a_longer_life() -> None:
    assert "more than 7 days" in complaint(load_leaf(CA.issue(CSR, validity=timedelta(days=8))))


def test_refuses_a_ca_certificate() -> None:
    assert "CA certificate" in complaint(load_leaf(CA.issue(CSR, ca=True)))


def test_refuses_what_has_expired() -> None:
    assert "expired" in complaint(load_leaf(CA.issue(CSR)), days=7)


OTHER_NAME = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x04root")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purposes": (*BOTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)}, "extended key usages"),
        ({"purposes": (*BOTH, ExtendedKeyUsageOID.OCSP_SIGNING)}, "extended key usages"),
        ({"usages": None}, "its key usage is none"),
        ({"usages": ("digital_signature", "key_encipherment", "crl_sign")}, "its key usage"),
        ({"usages": ("digital_signature", "key_encipherment", "content_commitment")}, "its key usage"),
        ({"validity": timedelta(days=7, hours=1)}, "more than 7 days"),
        ({"start": NOW - timedelta(days=3), "validity": timedelta(days=10)}, "more than 7 days"),
        ({"subject": name(HOST, O="Example")}, "its subject"),
        ({"subject": x509.Name([*name(HOST), *name("i-0fedcba9876543210")])}, "its subject"),
        ({"names": [x509.DNSName("www.example.com")]}, "not asked for"),
        ({"names": [x509.RegisteredID(x509.ObjectIdentifier("2.5.4.3"))]}, "kind that is never asked for"),
        ({"names": [x509.DirectoryName(name("root"))]}, "kind that is never asked for"),
        ({"names": [OTHER_NAME]}, "kind that is never asked for"),
        ({"extensions": [(x509.PolicyConstraints(0, None), True)]}, "no template of ours"),
        ({"extensions": [(x509.OCSPNoCheck(), False)]}, "no template of ours"),
        ({"extensions": [(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]}, "no template of ours"),
    ],
    ids=lambda each: "+".join(each) if isinstance(each, dict) else "",
)
def test_a_certificate_that_says_more_or_less_is_refused(changes: dict[str, Any], words: str) -> None:
    assert words in complaint(load_leaf(CA.issue(CSR, **changes)))


def test_a_certificate_that_does_not_say_that_it_is_no_ca_is_refused() -> None:
    """IAM Roles Anywhere takes none without, and that would be seen on the host only."""
    leaf = load_leaf(CA.issue(CSR))
    assert "no CA" in complaint(replace(leaf, extensions=leaf.extensions - {"2.5.29.19"}))


def test_a_length_of_the_path_is_a_cas_own() -> None:
    """No library makes such a certificate for a leaf, so it is put by hand."""
    der = x509.load_pem_x509_certificate(CA.issue(CSR).encode()).public_bytes(Encoding.DER)
    plain = x509.BasicConstraints(False, None).public_bytes()
    assert der.count(b"\x04\x02" + plain) == 1
    longer = _lengthened(der, b"\x04\x02" + plain, b"\x04\x05" + b"\x30\x03\x02\x01\x00")
    with pytest.raises(CertificateMismatch) as wrong:
        load_leaf(f"-----BEGIN CERTIFICATE-----\n{b64encode(longer).decode()}\n-----END CERTIFICATE-----\n")
    assert wrong.value.code == "CERTIFICATE_MALFORMED"
    same = _lengthened(der, b"\x04\x02" + plain, b"\x04\x02" + plain)
    assert same == der, "what is put by hand is malformed for its length alone"


def _lengthened(der: bytes, old: bytes, new: bytes) -> bytes:
    """Put something else into what is nested, and mend the lengths around it."""
    if der == old:
        return new
    header = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    parts, content = b"", der[header:]
    while content:
        inner = 2 + (content[1] & 0x7F if content[1] & 0x80 else 0)
        length = int.from_bytes(content[2:inner], "big") if content[1] & 0x80 else content[1]
        part, content = content[: inner + length], content[inner + length :]
        constructed = part[0] & 0x20 and old in part
        parts += _lengthened(part, old, new) if constructed or part == old else part
    octets = len(parts).to_bytes(4, "big").lstrip(b"\0")
    return bytes([der[0]]) + (bytes([0x80 | len(octets)]) + octets if len(parts) > 127 else octets) + parts


@pytest.mark.parametrize(("serial", "fits"), [("", True), (None, True), ("f" * 32, False), ("not a number", False)])
def test_its_serial_is_the_one_that_was_issued(serial: str | None, fits: bool) -> None:
    leaf = load_leaf(CA.issue(CSR))
    of_arn = f"{int(leaf.serial, 16):040x}" if serial is None else serial
    if fits:
        asked().check(leaf, expected_key_sha256=FINGERPRINT, now=NOW, serial=of_arn)
        return
    with pytest.raises(CertificateMismatch, match="its serial is") as wrong:
        asked().check(leaf, expected_key_sha256=FINGERPRINT, now=NOW, serial=of_arn)
    assert wrong.value.code == "CERTIFICATE_NOT_AS_REQUESTED"


def test_says_everything_that_is_wrong_at_once() -> None:
    leaf = load_leaf(CA.issue(make_csr("someone"), ca=True))
    assert complaint(leaf, days=8).count(";") == 3


def allowed(names: Names, **patterns: Any) -> bool:
    profile = CertificateProfile(usages=frozenset({"CLIENT_AUTH"}), **patterns)
    return not profile.refused(HOST, names)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a-1.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "a.example.com.evil.com", False),
        ("*.example.com", "aXexample.com", False),
        ("*.example.com", "*.example.com", False),
        ("Web.Example.com", "web.example.com", True),
        ("web.example.com", "webXexample.com", False),
        ("{hostID}.example.com", f"{HOST}.example.com", True),
        ("{hostID}.example.com", "i-0fedcba9876543210.example.com", False),
        ("*.*.example.com", "a.b.example.com", True),
    ],
)
def test_a_star_is_one_label_and_the_id_is_the_hosts_own(pattern: str, name: str, fits: bool) -> None:
    assert allowed(Names((name,)), dns_names=(pattern,)) is fits


def test_a_name_that_is_a_wildcard_needs_leave_of_its_own() -> None:
    names = Names(("*.example.com",))
    assert not allowed(names, dns_names=("*.example.com",))
    assert allowed(names, dns_names=("*.example.com",), wildcards=True)
    assert not allowed(Names(("*.evil.com",)), dns_names=("*.example.com",), wildcards=True)


def test_without_a_pattern_a_host_has_its_own_id_alone() -> None:
    assert allowed(Names((HOST,)))
    for names in (Names(("i-0fedcba9876543210",)), Names((), ("10.0.0.1",)), Names((), (), ("a:b",)), Names(("b.c",))):
        assert not allowed(names)


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("10.0.0.0/8", "10.255.255.255", True),
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "fd00::1", False),
        ("fd00::/8", "fd12::1", True),
        ("192.0.2.7/32", "192.0.2.7", True),
        ("192.0.2.7/32", "192.0.2.8", False),
    ],
)
def test_an_address_must_be_in_a_network(pattern: str, address: str, fits: bool) -> None:
    assert allowed(Names((), (address,)), ip_addresses=(pattern,)) is fits


@pytest.mark.parametrize(
    ("pattern", "uri", "fits"),
    [
        ("spiffe://example.com/*", "spiffe://example.com/web", True),
        ("spiffe://example.com/*", "spiffe://example.com/web/admin", False),
        ("spiffe://example.com/*", "spiffe://example.com/..", False),
        ("spiffe://example.com/*/x", "spiffe://example.com/../x", False),
        ("spiffe://example.com/*", "spiffe://example.com/", False),
        ("spiffe://example.com/*", "spiffe://example.com/%2e%2e", False),
        ("spiffe://example.com/*", "spiffe://example.comX/a", False),
        ("spiffe://example.com/*", "spiffe://EXAMPLE.com/a", False),
        ("spiffe://example.com/host/{hostID}", f"spiffe://example.com/host/{HOST}", True),
        ("spiffe://example.com/host/{hostID}", "spiffe://example.com/host/i-0fedcba9876543210", False),
    ],
)
def test_a_star_is_one_segment_of_a_path(pattern: str, uri: str, fits: bool) -> None:
    assert allowed(Names((), (), (uri,)), uris=(pattern,)) is fits


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("*@example.com", "ops@example.com", True),
        ("*@example.com", "ops@sub.example.com", False),
        ("ops@example.com", "ops@example.com", True),
        ("ops@example.com", "root@example.com", False),
    ],
)
def test_a_star_is_the_mailbox(pattern: str, address: str, fits: bool) -> None:
    assert allowed(Names((), (), (), (address,)), email_addresses=(pattern,)) is fits


def made(**given: Any) -> CertificateRequest:
    arguments: dict[str, Any] = {
        "profile_name": None,
        "key_algorithm": None,
        "names": Names(),
        "profiles": {"default": PROFILE, "strong": PROFILE.changed(key_algorithm="EC_secp384r1")},
        "default_key_algorithm": "RSA_2048",
        "default_validity_days": 7,
    }
    return request(HOST, **{**arguments, **given})


def test_the_item_the_profile_and_the_deployment_say_the_key_in_this_order() -> None:
    assert made().key_algorithm == "RSA_2048"
    assert made(key_algorithm="RSA_4096").key_algorithm == "RSA_4096"
    assert made(profile_name="strong").key_algorithm == "EC_secp384r1"
    with pytest.raises(InvalidInventoryItem, match=r"the profile strong allows EC_secp384r1 alone"):
        made(profile_name="strong", key_algorithm="RSA_4096")


def test_a_refusal_says_what_is_allowed() -> None:
    with pytest.raises(InvalidInventoryItem, match=r"certificateProfile is 'x': allowed are default, strong"):
        made(profile_name="x")
    with pytest.raises(
        InvalidInventoryItem, match=r"does not allow evil.com; it allows dnsNames: \*.example.com; ipAddresses: none"
    ):
        made(names=Names(("evil.com",)))


def test_no_certificate_has_more_names_than_a_host_can_be_sent() -> None:
    many = Names(tuple(f"h{number}.example.com" for number in range(151)))
    with pytest.raises(InvalidInventoryItem, match=r"151 names .*: allowed are 150 of 2500 together"):
        made(names=many)
