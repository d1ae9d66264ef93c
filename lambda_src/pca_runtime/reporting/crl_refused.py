"""The message about a CRL that was not brought into force, and that cannot get better by itself."""

from __future__ import annotations

from pca_runtime.errors.catalogue import lookup
from pca_runtime.errors.remedies import Place

__all__ = ["message_of", "subject_of"]


def subject_of(automation: str, code: str) -> str:
    """At most 100 ASCII characters, as SNS wants it."""
    return f"[{automation}] CRL refused: {code}"[:100].encode("ascii", "replace").decode()


def message_of(ca_arn: str, code: str, reason: str, place: Place, crl_id: str = "") -> str:
    """Why, and what to do.

    Args:
        ca_arn: the CA whose list it is.
        code: of the error catalogue.
        reason: what was wrong, in one sentence.
        place: where the deployment is.
        crl_id: of the CRL at the trust anchor; "": not known.
    """
    values = {"arn": ca_arn, **({"crl": crl_id} if crl_id else {})}
    still = "No CRL is enforced.\n" if code == "CRL_DISABLED" else "The CRL that was in force before still is.\n"
    return (
        f"The certificate revocation list of {ca_arn} was not brought into force.\n\n"
        f"Why:        {reason}\n"
        f"Code:       {code}\n"
        f"What to do:\n{place.text(lookup(code).remedy, values)}\n\n"
        f"{still}"
    )
