"""OpenSSL 1.1.1: its last release where the machine has it, and a stand-in everywhere.

The stand-in has the options of 1.1.1, https://www.openssl.org/docs/man1.1.1/man1/, and what it answers differently
from 3.x: a request whose signature is wrong is a "verify failure", and openssl ends well; the newest releases end with
an error.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from tests.documents.host import Host, new_request
from tests.documents.pki import Authority
from tests.tiers import need

OPTIONS = {
    "genpkey": "algorithm genparam out outform paramfile pass pkeyopt text",
    "pkey": "check in inform noout out outform passin passout pubcheck pubin pubout text text_pub traditional",
    "req": "addext batch config days extensions in inform key keyform keyout modulus nameopt new newkey nodes noout "
    "out outform passin passout pubkey reqexts reqopt set_serial sha256 sha384 sigopt subj subject text utf8 verbose "
    "verify x509",
    "verify": "CAfile CApath CRLfile attime check_ss_sig crl_check no-CAfile no-CApath no_check_time partial_chain "
    "policy_check purpose show_chain trusted untrusted verbose x509_strict",
    "version": "a b d f o p v",
    "x509": "certopt checkend dates email enddate ext fingerprint hash in inform issuer modulus nameopt noout out "
    "outform pubkey purpose serial startdate subject subject_hash text",
}

STAND_IN = """
command=$1
case $command in
{known}
  *) echo "Invalid command '$command'" >&2; exit 1 ;;
esac
for word do
  case $word in
    -*) case " $options " in
        *" ${{word#-}} "*) ;;
        *) echo "$command: Unrecognized flag ${{word#-}}" >&2; exit 1 ;;
      esac ;;
  esac
done
echo "$*" >>'{log}'
case " $* " in
  ' version '*) echo 'OpenSSL 1.1.1w  11 Sep 2023' ;;
  ' req '*' -verify '*)
    '{real}' req -in "$3" -noout -pubkey
    case $('{real}' "$@" 2>&1) in
      *'verify OK'*) echo 'verify OK' >&2 ;;
      *)
        echo 'verify failure' >&2
        echo '139:error:0D0C5006:asn1 encoding routines:ASN1_item_verify:EVP lib:../crypto/asn1/a_verify.c:170:' >&2
        ;;
    esac ;;
  *) exec '{real}' "$@" ;;
esac
"""


REAL = """
echo "$*" >>'{log}'
exec openssl-1.1.1 "$@"
"""


@pytest.fixture(params=["stand-in", "itself"])
def make_old(make_host: Callable[..., Host], request: pytest.FixtureRequest) -> Callable[..., Host]:
    """Hosts whose openssl is 1.1.1 or its stand-in; what it was asked is in ``openssl.log``."""
    if request.param == "itself":
        need("openssl-1.1.1")

    def make(authority: Authority | None = None) -> Host:
        host = make_host(authority=authority) if authority else make_host()
        known = "\n".join(f"  {name}) options='{options}' ;;" for name, options in OPTIONS.items())
        text = {"stand-in": STAND_IN, "itself": REAL}[request.param]
        host.add_tool("openssl", text.format(known=known, real=shutil.which("openssl"), log=host.root / "openssl.log"))
        return host

    return make


def test_a_renewal_and_an_inspection_use_only_what_it_has(make_old: Callable[..., Host]) -> None:
    host = make_old()
    host.add_helper()
    first = host.renew(bundle="true").result["serial"]
    assert host.renew().result["previous"] == first
    assert host.shown().matches
    inspected = host.run("InspectCertificate")
    assert '"openssl":"OpenSSL 1.1.1w' in inspected.stdout
    assert inspected.result["problems"] == "none"
    assert host.run("RemoveCertificate").result["removed"] == "true"
    asked = {line.split(" ", 1)[0] for line in (host.root / "openssl.log").read_text().splitlines()}
    assert asked == set(OPTIONS)


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_every_family_of_keys_is_made_with_its_options(make_old: Callable[..., Host], algorithm: str) -> None:
    outcome = make_old().generate(new_request(), keyAlgorithm=algorithm)
    assert x509.load_pem_x509_csr(outcome.csr.encode()).is_signature_valid


def test_a_request_with_a_wrong_signature_is_made_anew_although_openssl_ends_well(
    make_old: Callable[..., Host],
) -> None:
    host = make_old()
    request = new_request()
    good = host.generate(request).csr
    pending = host.store / "pending" / request / "tls.csr"
    spoil(pending)
    anew = x509.load_pem_x509_csr(host.generate(request).csr.encode())
    assert anew.is_signature_valid
    assert anew.public_key() != x509.load_pem_x509_csr(good.encode()).public_key()


def spoil(csr: Path) -> None:
    """Change the last byte of the signature."""
    lines = csr.read_text().splitlines()
    der = bytearray(base64.b64decode("".join(lines[1:-1])))
    der[-1] ^= 1
    csr.chmod(0o600)
    csr.write_text("\n".join([lines[0], base64.encodebytes(bytes(der)).decode().strip(), lines[-1], ""]))


def test_a_chain_that_does_not_verify_is_refused_with_its_words(make_old: Callable[..., Host]) -> None:
    root = Authority("Offline root")
    host = make_old(Authority("Issuing CA", parent=root))
    host.renew()
    outcome = host.install(*host.prepare(), chain=root.chain)
    assert outcome.error == "CHAIN_INVALID"
    assert outcome.sentence.endswith("with its chain: unable to get local issuer certificate")


@pytest.mark.parametrize("make_old", ["stand-in"], indirect=True)
def test_the_stand_in_refuses_what_came_later(make_old: Callable[..., Host]) -> None:
    host = make_old()
    text = host.add_tool("openssl", (host.root / "bin" / "openssl").read_text().partition("\n")[2])
    assert "Unrecognized flag" in text.read_text()
    host.keyword["text"] = f"'{text}' x509 -in /dev/null -copy_extensions copy && echo accepted"
    outcome = host.run("RemoveCertificate")
    assert outcome.status == 1
    assert outcome.stderr == "x509: Unrecognized flag copy_extensions\n"
