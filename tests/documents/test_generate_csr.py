"""GenerateCsr: a key that stays, and a request for a certificate."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.documents.host import Host, new_request


@pytest.mark.parametrize("style", ["env", "text"])
def test_prints_a_request_for_this_host_and_nothing_else(
    make_host: Callable[..., Host], platform: dict[str, Any], style: str
) -> None:
    host = make_host(**platform, style=style)
    request = new_request()
    outcome = host.generate(request)
    assert (outcome.status, outcome.stderr) == (0, "")
    csr = x509.load_pem_x509_csr(outcome.csr.encode())
    assert csr.is_signature_valid
    assert [(part.oid, part.value) for part in csr.subject] == [(NameOID.COMMON_NAME, host.host_id)]
    assert not list(csr.extensions)
    printed = outcome.stdout.replace(outcome.csr, "").splitlines()
    assert len(printed) == 1
    assert outcome.result["requestId"] == request
    assert outcome.result["keyAlgorithm"] == "EC_prime256v1"
    assert outcome.result["clock"].endswith("Z")
    key = host.store / "pending" / request / "tls.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    assert {path.name for path in key.parent.iterdir()} == {"tls.key", "tls.csr", "algorithm"}
    assert not host.leftovers()


@pytest.mark.parametrize(
    ("algorithm", "size"),
    [("RSA_2048", 2048), ("RSA_3072", 3072), ("RSA_4096", 4096), ("EC_prime256v1", 256), ("EC_secp384r1", 384)],
)
def test_makes_every_kind_of_key(host: Host, algorithm: str, size: int) -> None:
    request = new_request()
    outcome = host.generate(request, keyAlgorithm=algorithm)
    assert outcome.result["keyAlgorithm"] == algorithm
    key = serialization.load_pem_private_key((host.store / "pending" / request / "tls.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey if algorithm.startswith("RSA") else ec.EllipticCurvePrivateKey)
    assert key.key_size == size
    csr = x509.load_pem_x509_csr(outcome.csr.encode())
    assert csr.is_signature_valid
    assert csr.public_key() == key.public_key()


def test_the_same_request_again_prints_the_same_request_for_the_same_key(host: Host) -> None:
    request = new_request()
    first = host.generate(request)
    key = (host.store / "pending" / request / "tls.key").read_bytes()
    second = host.generate(request)
    assert second.csr == first.csr
    assert (host.store / "pending" / request / "tls.key").read_bytes() == key


def pending(host: Host) -> set[str]:
    return {path.name for path in (host.store / "pending").iterdir()}


@pytest.mark.parametrize("age", [0, 899, -899])
def test_another_request_leaves_one_alone_that_is_younger_than_the_lease(host: Host, age: int) -> None:
    """Whoever may send only this document must not be able to end a renewal with it."""
    awaited, other = new_request(), new_request()
    csr = host.generate(awaited, requestLease="960").csr
    made = time.time() - age
    os.utime(host.store / "pending" / awaited, (made, made))
    assert host.generate(other, requestLease="960").status == 0
    assert pending(host) == {awaited, other}
    assert host.install(awaited, host.authority.issue(csr)).result["switched"] == "true"


@pytest.mark.parametrize("age", [1021, 90_000, -90_000])
def test_a_request_that_nobody_waits_for_any_more_goes_with_the_next(host: Host, age: int) -> None:
    """Also one from a future far away: the clock was wrong when it was made, or is now."""
    old, new = new_request(), new_request()
    host.generate(old, requestLease="960")
    made = time.time() - age
    os.utime(host.store / "pending" / old, (made, made))
    host.generate(new, requestLease="960")
    assert pending(host) == {new}


def test_a_link_among_the_requests_goes_and_what_it_leads_to_stays(host: Host) -> None:
    host.generate(new_request())
    elsewhere = host.root / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (host.store / "pending" / ("0" * 32)).symlink_to(elsewhere)
    assert host.generate(new_request()).status == 0
    assert "0" * 32 not in pending(host)
    assert (elsewhere / "file").exists()


@pytest.mark.parametrize("broken", ["tls.key", "tls.csr", "algorithm"])
@pytest.mark.parametrize("how", ["empty", "missing"])
def test_a_pending_request_that_a_power_cut_damaged_is_made_anew(host: Host, broken: str, how: str) -> None:
    request = new_request()
    host.generate(request)
    file = host.store / "pending" / request / broken
    file.unlink()
    if how == "empty":
        file.touch(mode=0o600)
    outcome = host.generate(request)
    assert outcome.result["keyAlgorithm"] == "EC_prime256v1"
    assert x509.load_pem_x509_csr(outcome.csr.encode()).is_signature_valid


def test_a_key_that_does_not_belong_to_the_request_is_not_used(host: Host) -> None:
    one, two = new_request(), new_request()
    host.generate(one)
    foreign = (host.store / "pending" / one / "tls.key").read_bytes()
    host.generate(two)
    key = host.store / "pending" / two / "tls.key"
    key.chmod(0o600)
    key.write_bytes(foreign)
    csr = x509.load_pem_x509_csr(host.generate(two).csr.encode())
    own = serialization.load_pem_private_key(key.read_bytes(), None)
    assert own.public_key() == csr.public_key()


def test_the_hosts_own_openssl_configuration_adds_nothing(make_host: Callable[..., Host]) -> None:
    host = make_host()
    configuration = host.root / "openssl.cnf"
    configuration.write_text(
        "[req]\nreq_extensions=e\ndistinguished_name=n\nprompt=no\n"
        "[n]\nO=Somebody else\n[e]\nsubjectAltName=DNS:evil.example\n"
    )
    host.add_tool("openssl", f"OPENSSL_CONF='{configuration}' exec '{shutil.which('openssl')}' \"$@\"")
    csr = x509.load_pem_x509_csr(host.generate(new_request()).csr.encode())
    assert csr.subject.rfc4514_string() == f"CN={host.host_id}"
    assert not list(csr.extensions)


CONFIGURATIONS = {
    "a line that cannot be read": "[req\n=\n",
    "a provider that is not there": "openssl_conf=a\n[a]\nproviders=b\n[b]\nnone=c\n[c]\nactivate=1\nmodule=/none.so\n",
    "properties that no algorithm has": "openssl_conf=a\n[a]\nalg_section=b\n[b]\ndefault_properties=fips=yes\n",
    "an engine that is not there": "openssl_conf=a\n[a]\nengines=b\n[b]\nnone=c\n[c]\ndynamic_path=/none.so\ninit=1\n",
    "a refusing level": "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nCipherString=ALL@SECLEVEL=9\n",
}


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_a_configuration_of_the_host_that_breaks_openssl_stops_no_renewal(host: Host, case: str) -> None:
    configuration = host.root / "openssl.cnf"
    configuration.write_text(CONFIGURATIONS[case])
    host.keyword["prefix"] = ("env", f"OPENSSL_CONF={configuration}")
    host.renew()
    assert host.shown().matches


def test_touches_nothing_that_is_live(live_host: Host) -> None:
    host = live_host
    before = host.shown()
    host.generate(new_request())
    assert host.shown() == before
