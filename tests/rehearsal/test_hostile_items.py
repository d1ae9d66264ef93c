"""The rehearsal's own judgement of what a profile allows: it lets through what was meant, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pca_automator.rehearsal.scenario.hostile_items import _allowed
from tests.runtime.pki import BOTH, Ca, make_csr, name, p256

HOST, DOMAIN = "i-0123456789abcdef0", "rehearsal.example"
CA = Ca()
CLIENT = BOTH[:1]
CSR = make_csr(HOST, p256())
STRONG = make_csr(HOST, ec.generate_private_key(ec.SECP384R1()))
OF_THE_WEB = name(HOST, O="Rehearsal")
URI = x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/host/{HOST}")


def dns(*names: str) -> Sequence[x509.GeneralName]:
    return [x509.DNSName(each) for each in names]


def is_allowed(csr: Any = CSR, **given: Any) -> bool:
    return any(_allowed(x509.load_pem_x509_certificate(CA.issue(csr, **given).encode()), DOMAIN))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"names": dns(HOST)},
        {"purposes": CLIENT, "validity": timedelta(days=5)},
        {"subject": OF_THE_WEB, "names": [*dns("a.rehearsal.example"), x509.IPAddress(IPv4Address("127.0.0.1"))]},
        {"csr": STRONG, "purposes": CLIENT, "names": [URI]},
    ],
)
def test_what_a_profile_allows_is_within_one(given: dict[str, Any]) -> None:
    assert is_allowed(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"names": dns("a.rehearsal.example")},
        {"subject": OF_THE_WEB, "names": dns("a.b.rehearsal.example")},
        {"subject": OF_THE_WEB, "names": dns("*.rehearsal.example")},
        {"subject": OF_THE_WEB, "names": dns("rehearsal.example")},
        {"subject": OF_THE_WEB, "names": [x509.IPAddress(IPv4Address("10.0.0.1"))]},
        {"subject": OF_THE_WEB, "names": [x509.RFC822Name("a@rehearsal.example")]},
        {"subject": OF_THE_WEB, "purposes": CLIENT},
        {"subject": name(HOST, O="Somebody")},
        {"purposes": BOTH[1:]},
        {"purposes": CLIENT, "validity": timedelta(days=6)},
        {"csr": CSR, "purposes": CLIENT, "names": [URI]},
        {"csr": STRONG, "names": [URI]},
        {"csr": STRONG, "purposes": CLIENT, "names": [x509.UniformResourceIdentifier(f"spiffe://{DOMAIN}/host/i-1")]},
    ],
)
def test_what_none_allows_is_outside(given: dict[str, Any]) -> None:
    assert not is_allowed(**given)
