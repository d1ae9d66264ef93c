"""The vocabulary that the workflow's Retry and Catch match.

Step Functions sees the *class name* of an exception as the error name, so the names here are
contract. ``str(error)`` is ``CODE: sentence`` when a code of the error catalogue is known, and the
sentence alone otherwise: :func:`split_code` is the way back.
"""

# ruff: noqa: N818 - Retry and Catch match these names; "Throttled" says it, "ThrottledError" says it twice.

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "AccessRefused", "CertificateMismatch", "CertificateNotReady", "ConfigurationError", "CrlRefused",
    "CsrFailed", "CsrRejected", "HostNotInInventory", "HostUnreachable", "InstallFailed",
    "InvalidInput", "InvalidInventoryItem", "IssuanceBudgetExceeded", "IssuanceFailed", "LeaseLost",
    "PcaAutomatorError", "PermanentError", "RetryableError", "ServiceRefused", "ServiceUnavailable",
    "Throttled", "split_code",
]  # fmt: skip

_CODED = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|LOCKED|INTERNAL): (.*)", re.DOTALL)


class PcaAutomatorError(Exception):
    """Root of every error that this code raises on purpose.

    Args:
        message: one sentence for a person; never key material, a CSR body or a task token.
        code: the code of the error catalogue; default: the class name.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        self.message = message
        self.code = code or type(self).__name__
        super().__init__(f"{code}: {message}" if code else message)


def split_code(text: str) -> tuple[str | None, str]:
    """Take ``CODE: sentence`` apart; the code is ``None`` when the text carries none."""
    match = _CODED.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


class RetryableError(PcaAutomatorError):
    """Trying again later can help."""


class Throttled(RetryableError):
    """A service asked to slow down, and botocore's own retries were not enough."""


class ServiceUnavailable(RetryableError):
    """A service had an internal error or could not be reached in time."""


class CertificateNotReady(RetryableError):
    """The certificate is still being issued, or another invocation is installing it right now."""


class PermanentError(PcaAutomatorError):
    """Trying the same again cannot help."""


class ConfigurationError(PermanentError):
    """An environment variable of the function is missing or wrong."""


class InvalidInput(PermanentError):
    """The input of the execution or of the function is not what is allowed."""


class HostNotInInventory(PermanentError):
    """The inventory has no item for this host id."""


class InvalidInventoryItem(PermanentError):
    """An override of the item is not allowed; the message names attribute, value and what is allowed."""


class LeaseLost(PermanentError):
    """Another run, or a person, took the host over; nothing was written."""


class HostUnreachable(PermanentError):
    """Systems Manager does not know the host, or could not deliver the command."""


class CsrFailed(PermanentError):
    """The host could not make a key and a CSR."""


class CsrRejected(PermanentError):
    """The CSR is not one that this host may ask with."""


class IssuanceFailed(PermanentError):
    """AWS Private CA refused to issue, or did not issue, the certificate."""


class IssuanceBudgetExceeded(PermanentError):
    """The host had as many certificates within a day as it gets; nothing was issued."""


class CertificateMismatch(PermanentError):
    """The certificate that came back is not the one that was asked for."""


class InstallFailed(PermanentError):
    """The host could not put the certificate in service; the old pair is still there."""


class AccessRefused(PermanentError):
    """IAM, a resource policy or a key policy refused an API call."""


class ServiceRefused(PermanentError):
    """A service refused an API call for a reason that has no name of its own here."""


class CrlRefused(PermanentError):
    """The CRL in the bucket must not, or cannot, take the place of the one in force.

    Args:
        message: one sentence for a person.
        code: the code of the error catalogue.
        crl_ids: the CRLs at the trust anchor that it is about.
    """

    def __init__(self, message: str, *, code: str | None = None, crl_ids: Sequence[str] = ()) -> None:
        super().__init__(message, code=code)
        self.crl_ids = tuple(crl_ids)
