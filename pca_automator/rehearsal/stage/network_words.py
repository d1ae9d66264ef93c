"""What Go's network library says of a fault, for the stand-in of ``aws_signing_helper``, which is none of Go's."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

__all__ = ["words_of"]

_DIAL = {
    errno.ECONNREFUSED: "connect: connection refused",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ETIMEDOUT: "i/o timeout",
}
_TUNNEL = re.compile(r"Tunnel connection failed: \d+ (.*)")


def words_of(error: Exception, endpoint: SplitResult, proxy: str | None) -> str:
    """The cause at the end of a helper's sentence.

    Args:
        error: that Python raised.
        endpoint: of the service.
        proxy: that was to be asked, if any.
    """
    asked = urlsplit(proxy) if proxy else endpoint
    place = f"{asked.hostname}:{asked.port or (443 if asked.scheme == 'https' else 80)}"
    said = _said(error, str(asked.hostname), place)
    return f"proxyconnect tcp: {said}" if proxy and said.startswith("dial ") else said


def _said(error: Exception, name: str, place: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {name}: no such host"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    if isinstance(error, ssl.SSLEOFError):
        return "EOF"
    if isinstance(error, ssl.SSLError):
        return "tls: first record does not look like a TLS handshake"
    if isinstance(error, http.client.RemoteDisconnected):
        return "EOF"
    if isinstance(error, http.client.BadStatusLine):
        return f'net/http: HTTP/1.x transport connection broken: malformed HTTP response "{error.args[0]}"'
    if isinstance(error, TimeoutError):
        return "net/http: TLS handshake timeout" if "handshake" in str(error) else f"dial tcp {place}: i/o timeout"
    if isinstance(error, ConnectionResetError):
        return f"read tcp 127.0.0.1:51000->{place}: read: connection reset by peer"
    if tunnel := _TUNNEL.search(str(error)):
        return tunnel[1]
    number = getattr(error, "errno", None)
    return f"dial tcp {place}: {_DIAL[number]}" if number in _DIAL else f"{error}"
