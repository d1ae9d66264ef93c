"""The chain that comes with a certificate leads to a CA that the deployment names, or nothing is installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.agent import run_document
from tests.documents.host import Host, new_request
from tests.documents.pki import DAY, Authority, key_sha256, one_line, pem
from tests.documents.test_parameters import load_document_with
from tests.members import members


def pinned(*authorities: Authority) -> dict[str, str]:
    return {"caKeys": " ".join(key_sha256(each.certificate) for each in authorities)}


@pytest.fixture
def root() -> Authority:
    return Authority("Offline root")


def test_a_chain_of_pinned_keys_is_installed(
    make_host: Callable[..., Host], platform: dict[str, Any], root: Authority
) -> None:
    host = make_host(**platform, authority=Authority("Issuing CA", parent=root))
    host.renew(**pinned(host.authority, root))
    assert host.shown().chain.decode() == host.authority.chain


def test_a_certificate_in_the_text_pins_its_key(make_host: Callable[..., Host], platform: dict[str, Any]) -> None:
    """Of a CA that is made with the documents: CloudFormation puts its certificate there."""
    host = make_host(**platform)
    host.renew(caCertificates=host.authority.chain)
    other = Authority("Test Root CA")
    request, _ = host.prepare()
    before = host.shown()
    refused = host.install(
        request, other.issue(host.generate(request).csr), other.chain, caCertificates=host.authority.chain
    )
    assert refused.error == "CHAIN_NOT_PINNED"
    assert host.shown() == before


def test_a_ca_with_a_renewed_certificate_keeps_its_pin(make_host: Callable[..., Host]) -> None:
    host = make_host(authority=Authority("CA"))
    former = host.authority
    host.authority = Authority("CA", key=former.key)
    host.renew(caCertificates=former.chain)
    host.renew(**pinned(former))
    assert host.shown().chain.decode() == host.authority.chain


def test_while_a_ca_is_exchanged_both_are_accepted_and_afterwards_one(make_host: Callable[..., Host]) -> None:
    host = make_host(authority=Authority("Old CA"))
    old, new = host.authority, Authority("New CA")
    both = {"caCertificates": old.chain, **pinned(new)}
    host.renew(**both)
    host.authority = new
    host.renew(**both)
    host.renew(caCertificates=new.chain)
    host.authority = old
    request, certificate = host.prepare()
    assert host.install(request, certificate, caCertificates=new.chain).error == "CHAIN_NOT_PINNED"


def attacks(own: Authority) -> dict[str, tuple[Callable[[str], tuple[Any, str]], str]]:
    """What somebody sends who has a CSR of the host, and a CA of his own."""
    his = Authority(own.common_name)
    below_his = Authority("Below", parent=his)
    # A certificate of his that shows our public key: he cannot sign with it, but he can write it down.
    crossed = Authority(own.common_name, parent=his, key=own.key)
    return {
        "his own CA under our name": (lambda csr: (his.issue(csr), his.chain), "CHAIN_NOT_PINNED"),
        "his intermediate": (lambda csr: (below_his.issue(csr), below_his.chain), "CHAIN_NOT_PINNED"),
        "our CA's chain for his leaf": (lambda csr: (his.issue(csr), own.chain), "CHAIN_INVALID"),
        "his root behind ours": (lambda csr: (own.issue(csr), own.chain + his.chain), "CHAIN_NOT_PINNED"),
        "his root before ours": (lambda csr: (own.issue(csr), his.chain + own.chain), "CHAIN_NOT_PINNED"),
        "our name and key, crossed by his root": (
            lambda csr: (own.issue(csr), pem(crossed.certificate) + his.chain), "CHAIN_INVALID",
        ),
        "our key under another name, crossed by his root": (
            lambda csr: (own.issue(csr), own.chain + Authority("Other", parent=his, key=own.key).chain),
            "CHAIN_NOT_PINNED",
        ),
        "our key in his words beside ours": (
            lambda csr: (own.issue(csr), own.chain + pem(crossed.certificate)), "CHAIN_INVALID",
        ),
        "our key in a certificate that signs itself wrongly": (
            lambda csr: (own.issue(csr), own.chain + pem(forged(own, his))), "CHAIN_INVALID",
        ),
    }  # fmt: skip


def forged(own: Authority, his: Authority) -> Any:
    """Self-issued, with our public key, signed by his."""
    signed = Authority("Anything", parent=Authority("Anything", key=his.key), key=own.key)
    return signed.certificate


CASES = sorted(attacks(Authority("CA")))


@pytest.mark.parametrize("case", members(CASES, CASES[::3]))
def test_who_may_only_send_documents_cannot_bring_a_ca_of_his_own(make_host: Callable[..., Host], case: str) -> None:
    host = make_host(authority=Authority("CA"))
    pins = {"caCertificates": host.authority.chain}
    host.renew(**pins)
    before = host.shown()
    attack, code = attacks(host.authority)[case]
    request = new_request()
    certificate, chain = attack(host.generate(request).csr)
    outcome = host.install(
        request, certificate, chain, **pins, cacertPath=str(host.root / "usr/local/share/ca-certificates")
    )
    assert outcome.error == code, outcome
    assert host.shown() == before
    assert not list((host.root / "usr/local/share").rglob("*.crt"))
    assert not host.leftovers()


def test_the_live_certificate_again_with_another_chain_changes_nothing(make_host: Callable[..., Host]) -> None:
    """Its certificate is no secret, and a repeated command has nothing to prove."""
    host = make_host(authority=Authority("CA"))
    pins = {"caCertificates": host.authority.chain}
    request, certificate = host.prepare()
    assert host.install(request, certificate, **pins).status == 0
    before = host.shown()
    chain = host.authority.chain + Authority("His").chain
    assert host.install(request, certificate, chain, **pins).error == "CHAIN_NOT_PINNED"
    assert host.shown() == before


@pytest.mark.parametrize("text", ["'no certificate'", "'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'"])
def test_a_pin_that_cannot_be_read_accepts_nothing(host: Host, text: str) -> None:
    request, certificate = host.prepare()
    params = host.params(
        "InstallCertificate", requestId=request, certificate=one_line(pem(certificate)),
        chain=one_line(host.authority.chain),
    )  # fmt: skip
    script = load_document_with("InstallCertificate", "caCertificates", text)
    outcome = run_document("InstallCertificate", params, work=host.work, text=script)
    assert outcome.error == "BAD_PARAMETER"
    assert "caCertificates" in outcome.sentence
    assert host.shows_nothing()


@pytest.mark.parametrize("command", ["x509", "pkey", "dgst"])
def test_an_openssl_that_says_nothing_of_a_key_does_not_make_every_key_a_pinned_one(
    make_host: Callable[..., Host], command: str
) -> None:
    """Two empty answers are equal."""
    host = make_host(authority=Authority("CA"))
    other = Authority("CA", key=ec.generate_private_key(ec.SECP384R1()))
    request, _ = host.prepare()
    certificate = other.issue(host.generate(request).csr)
    real = shutil.which("openssl")
    silent = "-pubkey" if command == "x509" else command
    host.add_tool("openssl", f'case " $* " in *\' {silent} \'*) exit 0 ;; esac\nexec {real} "$@"')
    outcome = host.install(request, certificate, other.chain, caCertificates=host.authority.chain)
    assert outcome.error in ("BAD_PARAMETER", "CHAIN_INVALID", "CHAIN_NOT_PINNED")
    assert host.shows_nothing()


def test_an_expired_certificate_beside_the_path_is_no_reason_to_refuse(make_host: Callable[..., Host]) -> None:
    """AWS returns what was imported: a certificate of the same CA may have run out, with a key that is ours."""
    host = make_host(authority=Authority("CA"))
    request, certificate = host.prepare()
    former = Authority("CA", key=host.authority.key, ends=-DAY / 2)
    assert host.install(request, certificate, host.authority.chain + former.chain, **pinned(former)).status == 0
