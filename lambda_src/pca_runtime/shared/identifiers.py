"""Patterns of everything that comes from outside, matched in full. The same stand in the SSM documents."""

from __future__ import annotations

import hashlib
import re

__all__ = [
    "HOST_ID", "is_dns_name", "is_host_id", "is_mode", "is_owner", "is_path", "is_request_id", "is_run_id",
    "request_id",
]  # fmt: skip

HOST_ID = r"(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})"
# Absolute, no `.` or `..` segment, no segment that a tool could take for an option, no shell metacharacter.
PATH = r"(/\.?[A-Za-z0-9_][A-Za-z0-9_.@+=, -]*)+"
PATH_MAX = 200
REQUEST_ID = r"[0-9a-f]{32}"
# Directories and domains give names such as `svc.web`, `domain users` and `web@corp.example`; a number is one, too.
OWNER = r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*( [A-Za-z0-9_.@+-]+)*"
OWNER_MAX = 64
MODE = r"0?[0-7]{3}"
DNS_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DNS_NAME = rf"(\*\.)?({DNS_LABEL}\.)*{DNS_LABEL}"
# What StartExecution allows in a name: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
RUN_ID = r"[^\s/<>{}\[\]?*\"#%\\^|~`$&,;:\x00-\x1f\x7f-\x9f]{1,80}"


def _full(pattern: str, text: object, limit: int | None = None) -> bool:
    """``fullmatch``: ``$`` alone would let a trailing newline through; a limit where the pattern has none."""
    return isinstance(text, str) and (limit is None or len(text) <= limit) and re.fullmatch(pattern, text) is not None


def is_host_id(text: object) -> bool:
    """EC2 instance id (both lengths) or hybrid node id."""
    return _full(HOST_ID, text)


def is_path(text: object) -> bool:
    """An absolute directory that can never be anything but data to a shell."""
    return _full(PATH, text, PATH_MAX)


def is_request_id(text: object) -> bool:
    return _full(REQUEST_ID, text)


def is_owner(text: object) -> bool:
    """A user or group, by name or number."""
    return _full(OWNER, text, OWNER_MAX)


def is_mode(text: object) -> bool:
    """Three octal digits, optionally with a leading zero: no setuid, setgid or sticky bit."""
    return _full(MODE, text)


def is_dns_name(text: object) -> bool:
    """A host name of RFC 1123, optionally below a wildcard label."""
    return _full(DNS_NAME, text, 253)


def is_run_id(text: object) -> bool:
    """The name of an execution; it becomes part of an S3 key."""
    return _full(RUN_ID, text)


def request_id(run_id: str, host_id: str) -> str:
    """The identity of one renewal: same run, same host, same request, so every retry is idempotent.

    32 hex digits fit the 36 characters of IssueCertificate's IdempotencyToken
    (https://docs.aws.amazon.com/privateca/latest/APIReference/API_IssueCertificate.html).
    """
    return hashlib.sha256(f"{run_id}|{host_id}".encode()).hexdigest()[:32]
