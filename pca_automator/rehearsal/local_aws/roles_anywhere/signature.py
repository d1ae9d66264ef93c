"""Verifying a SigV4-X509 signature, as CreateSession does."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER, Fact

_AUTHORIZATION = re.compile(
    r"(?P<algorithm>AWS4-X509-(?:RSA|ECDSA)-SHA256) "
    r"Credential=(?P<serial>\d+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/rolesanywhere/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]+)"
)
_SMALL_SKEW = dt.timedelta(minutes=1)
_MUST_BE_SIGNED = {"host", "x-amz-date", "x-amz-x509"}
_CHAIN_DEPTH: int = facts.CHAIN_DEPTH.value


def denied(message: str, *, fact: Fact) -> ServiceError:
    """The one error of CreateSession for whoever is not let in."""
    return ServiceError("AccessDeniedException", message, 403, fact=fact)


@dataclasses.dataclass(frozen=True)
class SignedRequest:
    """One HTTP request."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True)
class Signer:
    """Who signed: the end-entity certificate and the intermediates sent along."""

    certificate: x509.Certificate
    chain: list[x509.Certificate]
    region: str


def verify(request: SignedRequest, now: dt.datetime) -> Signer:
    """Check the signature of a request with the key of the certificate it carries."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise denied("The request's Authorization header is not a SigV4-X509 signature", fact=facts.SIGNATURE)
    signed = match["headers"].split(";")
    missing = (_MUST_BE_SIGNED | ({"x-amz-x509-chain"} & set(request.headers))) - set(signed)
    if missing:
        raise denied(f"Headers must be signed: {', '.join(sorted(missing))}", fact=facts.SIGNATURE)
    date = request.headers.get("x-amz-date", "")
    _check_date(date, match["date"], now)
    certificate = _certificates(request.headers.get("x-amz-x509", ""))[0]
    if str(certificate.serial_number) != match["serial"]:
        raise denied("Credential does not name the certificate's serial number", fact=facts.SIGNATURE)
    scope = f"{match['date']}/{match['region']}/rolesanywhere/aws4_request"
    digest = hashlib.sha256(_canonical_request(request, signed).encode()).hexdigest()
    text = "\n".join([match["algorithm"], date, scope, digest]).encode()
    _check_signature(certificate, match["algorithm"], bytes.fromhex(match["signature"]), text)
    chain = request.headers.get("x-amz-x509-chain")
    return Signer(certificate, _certificates(chain) if chain else [], match["region"])


def _check_date(date: str, scope_date: str, now: dt.datetime) -> None:
    try:
        moment = dt.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise denied("X-Amz-Date is not a date", fact=facts.SIGNATURE) from error
    skew = facts.CLOCK.value if LEDGER.holds(facts.CLOCK) else _SMALL_SKEW
    if not date.startswith(scope_date) or abs(moment - now) > skew:
        raise denied("Signature expired or not yet current", fact=facts.CLOCK)


def _certificates(header: str) -> list[x509.Certificate]:
    parts = header.split(",")
    if len(parts) > _CHAIN_DEPTH:
        raise denied(f"The chain is deeper than {_CHAIN_DEPTH} certificates", fact=facts.CHAIN_DEPTH)
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(part, validate=True)) for part in parts]
    except (ValueError, binascii.Error) as error:
        raise denied("The certificate of the request cannot be read", fact=facts.SIGNATURE) from error


def _canonical_request(request: SignedRequest, signed: list[str]) -> str:
    pairs = [pair.partition("=")[::2] for pair in request.query.split("&") if pair]
    query = "&".join(f"{name}={value}" for name, value in sorted((_encoded(n), _encoded(v)) for n, v in pairs))
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed)
    payload = hashlib.sha256(request.body).hexdigest()
    path = quote(request.path, safe="/-_.~")
    return "\n".join([request.method, path, query, headers, ";".join(signed), payload])


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _check_signature(certificate: x509.Certificate, algorithm: str, signature: bytes, text: bytes) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm == "AWS4-X509-RSA-SHA256":
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "AWS4-X509-ECDSA-SHA256":
            key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        else:
            raise denied(f"{algorithm} does not fit the certificate's key", fact=facts.SIGNATURE)
    except InvalidSignature as error:
        raise denied(
            "The request signature does not verify with the certificate's key", fact=facts.SIGNATURE
        ) from error
