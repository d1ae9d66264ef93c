"""The message about a CRL that was not brought into force, and that cannot get better by itself."""

from __future__ import annotations

from pca_runtime.errors.catalogue import lookup

__all__ = ["message_of", "subject_of"]


def subject_of(automation: str, code: str) -> str:
    """At most 100 ASCII characters, as SNS wants it."""
    return f"[{automation}] CRL refused: {code}"[:100].encode("ascii", "replace").decode()


def message_of(ca_arn: str, code: str, reason: str) -> str:
    """Why, and what to do.

    Args:
        ca_arn: the CA whose list it is.
        code: of the error catalogue.
        reason: what was wrong, in one sentence.
    """
    return (
        f"The certificate revocation list of {ca_arn} was not brought into force.\n\n"
        f"Why:        {reason}\n"
        f"Code:       {code}\n"
        f"What to do: {lookup(code).remedy}\n\n"
        "The CRL that was in force before still is.\n"
    )
