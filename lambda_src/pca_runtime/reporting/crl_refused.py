"""The message about a CRL that was not brought into force, and that cannot get better by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pca_runtime.errors.catalogue import remedy_for
from pca_runtime.errors.remedies import Place
from pca_runtime.reporting.notifications import subject_line
from pca_runtime.reporting.run_report import span

__all__ = ["message_of", "subject_of"]


def subject_of(automation: str, code: str, seconds_left: float | None = None) -> str:
    """At most 100 ASCII characters, as SNS wants it: what is wrong, and how long the CRL in force still counts."""
    left = "" if seconds_left is None else f", the one in force {_lasts(seconds_left)}"
    left = ", no revocation is enforced" if code == "CRL_DISABLED" else left
    return subject_line(automation, f"CRL refused: {code}{left}")


def _lasts(seconds: float) -> str:
    return f"ends in {span(timedelta(seconds=seconds))}" if seconds > 0 else "HAS RUN OUT"


def message_of(code: str, reason: str, place: Place, *, ca_arn: str, bucket: str, crl_ids: Sequence[str] = ()) -> str:
    """Why, and what to do.

    Args:
        code: of the error catalogue.
        reason: what was wrong, in one sentence.
        place: where the deployment is.
        ca_arn: the CA whose list it is.
        bucket: where it writes it.
        crl_ids: the CRLs at the trust anchor that it is about.
    """
    values = {"arn": ca_arn, "bucket": bucket, **({"crl": crl_ids} if crl_ids else {})}
    still = "No CRL is enforced.\n" if code == "CRL_DISABLED" else "The CRL that was in force before still is.\n"
    return (
        f"The certificate revocation list of {ca_arn} was not brought into force.\n\n"
        f"Why:        {reason}\n"
        f"Code:       {code}\n"
        f"What to do:\n{place.text(remedy_for(code, reason), values)}\n\n"
        f"{still}"
    )
