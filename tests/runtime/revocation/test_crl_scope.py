"""A CRL that speaks of a part, or says what would have to be understood and is not, does not take effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.kinds import CrlRefused
from pca_runtime.revocation.crl import check_crl, crl_in_force, load_crl

from tests.runtime.pki import NOW, Ca, name

CA = Ca()
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
URI = x509.UniformResourceIdentifier("http://example.com/a.crl")


def refusal(data: bytes) -> str:
    with pytest.raises(CrlRefused) as refused:
        check_crl(load_crl(data), CA.pem, NOW)
    assert refused.value.code in CATALOGUE
    return refused.value.code


def point(**limits: object) -> x509.IssuingDistributionPoint:
    fields: dict[str, object] = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**(fields | limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits",
    [
        {"only_contains_user_certs": True}, {"only_contains_ca_certs": True}, {"only_contains_attribute_certs": True},
        {"indirect_crl": True}, {"only_some_reasons": frozenset([x509.ReasonFlags.key_compromise])},
        {"full_name": [URI]}, {"full_name": [URI], "only_contains_user_certs": True},
        {"relative_name": x509.RelativeDistinguishedName(list(name("part 1")))},
    ],
    ids=lambda limits: "+".join(limits),
)  # fmt: skip
@pytest.mark.parametrize("critical", [True, False])
def test_a_crl_for_a_part_of_the_certificates_is_refused(limits: dict[str, object], critical: bool) -> None:
    assert refusal(CA.crl(8, extensions=[(point(**limits), critical)])) == "CRL_PARTIAL"


@pytest.mark.parametrize(
    "extension",
    [UNKNOWN, x509.IssuerAlternativeName([URI]), x509.FreshestCRL([x509.DistributionPoint([URI], None, None, None)])],
    ids=["unknown", "known, not meant to be critical", "freshest"],
)
def test_a_critical_extension_is_refused(extension: x509.ExtensionType) -> None:
    assert refusal(CA.crl(8, extensions=[(extension, True)])) == "CRL_UNSUPPORTED"


def test_an_extension_that_may_be_ignored_is() -> None:
    check_crl(load_crl(CA.crl(8, extensions=[(UNKNOWN, False)])), CA.pem, NOW)


def with_entry(*extensions: tuple[x509.ExtensionType, bool], number: int = 8) -> bytes:
    entry = x509.RevokedCertificateBuilder().serial_number(77).revocation_date(NOW)
    for extension, critical in extensions:
        entry = entry.add_extension(extension, critical)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name(CA.common_name))
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + timedelta(days=7))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.key.public_key()), critical=False)
        .add_revoked_certificate(entry.build())
    )
    return builder.sign(CA.key, hashes.SHA256()).public_bytes(Encoding.DER)


REASON = x509.CRLReason(x509.ReasonFlags.key_compromise)


@pytest.mark.parametrize(
    ("extensions", "code"),
    [
        ([(REASON, True)], "CRL_UNSUPPORTED"),
        ([(UNKNOWN, True)], "CRL_UNSUPPORTED"),
        ([(UNKNOWN, False)], "CRL_UNSUPPORTED"),
        ([(x509.CertificateIssuer([x509.DirectoryName(name("Other CA"))]), True)], "CRL_UNSUPPORTED"),
        ([(x509.CertificateIssuer([x509.DirectoryName(name("Other CA"))]), False)], "CRL_UNSUPPORTED"),
        ([(REASON, False), (UNKNOWN, True)], "CRL_UNSUPPORTED"),
        ([(x509.CRLReason(x509.ReasonFlags.remove_from_crl), False)], "CRL_FOREIGN"),
    ],
    ids=["critical reason", "critical", "unknown", "another's", "another's, not critical", "second", "taken out"],
)
def test_an_entry_that_says_more_than_a_reason_is_refused(
    extensions: Sequence[tuple[x509.ExtensionType, bool]], code: str
) -> None:
    assert refusal(with_entry(*extensions)) == code


def test_the_reason_and_the_date_of_a_compromise_are_accepted() -> None:
    crl = load_crl(with_entry((REASON, False), (x509.InvalidityDate(NOW.replace(tzinfo=None)), False)))
    check_crl(crl, CA.pem, NOW)
    assert crl.entries == 1


@pytest.mark.parametrize("ahead", [timedelta(seconds=11), timedelta(hours=1), timedelta(days=400)])
def test_a_crl_of_the_future_is_refused(ahead: timedelta) -> None:
    made = CA.crl(8, start=NOW + timedelta(hours=1) + ahead)  # thisUpdate is an hour before
    assert refusal(made) == "CRL_FROM_THE_FUTURE"


def test_a_crl_of_this_moment_is_accepted() -> None:
    check_crl(load_crl(CA.crl(8, start=NOW + timedelta(hours=1))), CA.pem, NOW)


def test_what_is_in_force_and_partial_is_replaced_whatever_its_number() -> None:
    assert crl_in_force(CA.crl(99, extensions=[(point(only_contains_ca_certs=True), True)]), CA.pem) is None
    assert crl_in_force(with_entry((UNKNOWN, True), number=99), CA.pem) is None
