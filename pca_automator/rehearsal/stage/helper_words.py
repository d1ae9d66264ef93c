"""What the real ``aws_signing_helper`` says when it fails, recorded with 1.8.0 and 1.4.0.

The stand-in speaks in these words, and tests hold the documents and the catalogue of errors against them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NETWORK", "SERVICE", "Words", "is_old", "no_answer", "refused", "unreadable"]


@dataclass(frozen=True)
class Words:
    """One way in which the helper ends with status 1.

    Args:
        version: of the helper that says so.
        text: on standard error.
        code: what the host makes of it.
        remedy: a word of the remedy that has to be given.
    """

    version: str
    text: str
    code: str
    remedy: str


_URL = "https://rolesanywhere.eu-central-1.amazonaws.com/sessions?roleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FAssumeRole"
_STAMP = "2026/11/26 09:29:10"
_OPERATION = "operation error RolesAnywhere: CreateSession"
_REQUEST = "5f1e2d3c-0000-4000-8000-000000000000"


def is_old(version: str) -> bool:
    """Whether a version is built with the first AWS SDK for Go, as those before 1.5.0 are."""
    return tuple(map(int, version.split("."))) < (1, 5, 0)


def refused(version: str, status: int, error: str, message: str, stamp: str = _STAMP) -> str:
    """What a helper says of an answer of the service that is no session.

    Args:
        version: of the helper.
        status: of HTTP.
        error: the name of the service's exception.
        message: the service's words.
        stamp: the host's local time, without its zone.
    """
    if not is_old(version):
        name = f"{error}: {message}" if error in _MODELLED else f"api error {error}: {message}"
        return f"{stamp} {_OPERATION}, https response error StatusCode: {status}, RequestID: {_REQUEST}, {name}"
    if error in _MODELLED:
        return f"{stamp} {error}: {message}"
    return f"{stamp} {error}: {message}\n\tstatus code: {status}, request id: {_REQUEST}"


def no_answer(version: str, cause: str, url: str = _URL, attempts: int = 1, stamp: str = _STAMP) -> str:
    """What a helper says when no answer has come.

    Args:
        version: of the helper.
        cause: in the words of Go's network library.
        url: that was asked.
        attempts: how often.
        stamp: the host's local time, without its zone.
    """
    if is_old(version):
        return f'{stamp} RequestError: send request failed\ncaused by: Post "{url}": {cause}'
    tried = f"exceeded maximum number of attempts, {attempts}"
    error = "https response error StatusCode: 0, RequestID: , request send failed"
    return f'{stamp} {_OPERATION}, {tried}, {error}, Post "{url}": {cause}'


def unreadable(version: str, status: int, first: str, stamp: str = _STAMP) -> str:
    """What a helper says of an answer that is no JSON, such as a proxy's page.

    Args:
        version: of the helper.
        status: of HTTP.
        first: the first character of the answer.
        stamp: the host's local time, without its zone.
    """
    cause = f"invalid character '{first}' looking for beginning of value"
    if is_old(version):
        error = f"SerializationError: failed to decode response body\n\tstatus code: {status}, request id: "
        return f"{stamp} {error}\ncaused by: {cause}"
    error = f"https response error StatusCode: {status}, RequestID: , deserialization failed"
    return f"{stamp} {_OPERATION}, {error}, failed to decode response body, {cause}"


_MODELLED = {"AccessDeniedException", "ResourceNotFoundException", "ValidationException"}

_REJECTED, _THROTTLED = "ROLES_ANYWHERE_REJECTED", "ROLES_ANYWHERE_THROTTLED"
_UNREACHABLE = "ROLES_ANYWHERE_UNREACHABLE"


def _both(status: int, error: str, message: str, code: str, remedy: str) -> tuple[Words, Words]:
    new, old = (
        Words(version, refused(version, status, error, message), code, remedy) for version in ("1.8.0", "1.4.0")
    )
    return new, old


SERVICE = (
    *_both(403, "AccessDeniedException", "Certificate revoked", _REJECTED, "on a CRL"),
    *_both(403, "AccessDeniedException", "Untrusted certificate. Insufficient certificate", _REJECTED, "trust anchor"),
    *_both(403, "AccessDeniedException", "Unable to assume role for arn:aws:iam::1:role/x", _REJECTED, "trust policy"),
    *_both(403, "AccessDeniedException", "Trust anchor disabled", _REJECTED, "enable-trust-anchor"),
    *_both(404, "ResourceNotFoundException", "Trust anchor not found", _REJECTED, "does not exist"),
    *_both(403, "InvalidSignatureException", "Signature expired: 20261126T0Z is now earlier than", _REJECTED, "clock"),
    *_both(
        403, "InvalidSignatureException", "Signature not yet current: 20261126T0Z is still later", _REJECTED, "clock"
    ),
    *_both(429, "ThrottlingException", "Rate exceeded", _THROTTLED, "quota"),
    *_both(429, "TooManyRequestsException", "Too Many Requests", _THROTTLED, "quota"),
    *_both(500, "InternalServerException", "internal", _UNREACHABLE, "Health Dashboard"),
    *_both(503, "ServiceUnavailable", "Service Unavailable", _UNREACHABLE, "Health Dashboard"),
)
"""Answers of the service."""


def _network(text: str, remedy: str = "route, proxy and DNS") -> tuple[Words, Words]:
    new, old = (Words(version, no_answer(version, text), _UNREACHABLE, remedy) for version in ("1.8.0", "1.4.0"))
    return new, old


NETWORK = (
    *_network("dial tcp 10.0.0.1:443: connect: connection refused"),
    *_network("dial tcp 10.0.0.1:443: i/o timeout"),
    *_network("dial tcp: lookup rolesanywhere.eu-central-1.amazonaws.com: no such host"),
    *_network("dial tcp 10.0.0.1:443: connect: network is unreachable"),
    *_network("read tcp 10.0.0.2:51000->10.0.0.1:443: read: connection reset by peer"),
    *_network("EOF"),
    *_network("net/http: TLS handshake timeout"),
    *_network("tls: first record does not look like a TLS handshake"),
    *_network("tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    *_network("Forbidden"),
    *_network("Proxy Authentication Required"),
    *_network("proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused"),
    Words("1.8.0", unreadable("1.8.0", 200, "<"), _UNREACHABLE, "route, proxy and DNS"),
    Words("1.4.0", unreadable("1.4.0", 200, "<"), _UNREACHABLE, "route, proxy and DNS"),
)
"""Faults on the way to it."""
