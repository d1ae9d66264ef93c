"""One experiment for each assumed fact that can be asked of AWS from here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from pca_automator.cli.proof.laboratory import Laboratory

CONFIRMED, REFUTED, NOT_REACHED = "confirmed", "refuted", "not reached"
Finding = tuple[str, str]
"""The answer, and what was seen."""


def source_account(laboratory: Laboratory) -> Finding:
    """Whether a trust policy that demands aws:SourceAccount trusts anybody."""
    answer = laboratory.opened_in_time("account", laboratory.certificate())
    return (CONFIRMED if answer.opened else REFUTED), f"a role that demands it: {answer}"


def extended_key_usage(laboratory: Laboratory) -> Finding:
    """Whether a certificate without an extended key usage opens a session."""
    answer = laboratory.doors["anchor"].knock(laboratory.certificate(client_auth=False), laboratory.key)
    return (CONFIRMED if answer.opened else REFUTED), f"a certificate without one: {answer}"


def clock(laboratory: Laboratory) -> Finding:
    """Whether a signature may be four minutes off, and six not."""
    certificate = laboratory.certificate()
    four, six = (laboratory.doors["anchor"].knock(certificate, laboratory.key, minutes_off=-off) for off in (4, 6))
    seen = f"four minutes late: {four}; six minutes late: {six}"
    return (CONFIRMED if four.opened and not six.opened else REFUTED), seen


def crl_signed(laboratory: Laboratory) -> Finding:
    """Whether a CRL that another key has signed is taken in; it is imported disabled, and names nobody."""
    from botocore.exceptions import ClientError

    try:
        laboratory.import_crl(1, ends=dt.timedelta(days=1), foreign=True)
    except ClientError as error:
        details = error.response["Error"]
        if details["Code"] != "ValidationException":
            raise
        return CONFIRMED, f"a CRL of another key was refused: {details['Message']}"
    return REFUTED, "a CRL of another key was taken in"


def stale_crl(laboratory: Laboratory) -> Finding:
    """Whether a CRL past its nextUpdate still denies whom it names, and nobody else."""
    revoked, other = laboratory.certificate(), laboratory.certificate()
    laboratory.import_crl(revoked.serial_number, ends=-dt.timedelta(days=1))
    door = laboratory.doors["anchor"]
    named, unnamed = (door.knock(certificate, laboratory.key) for certificate in (revoked, other))
    seen = f"named in it: {named}; not named: {unnamed}"
    return (CONFIRMED if unnamed.opened and not named.opened else REFUTED), seen


EXPERIMENTS: dict[str, Callable[[Laboratory], Finding]] = {
    "roles-anywhere.source-account": source_account,
    "roles-anywhere.extended-key-usage": extended_key_usage,
    "roles-anywhere.clock": clock,
    "roles-anywhere.crl-signed": crl_signed,
    # The last: with its CRL in force some of the others would ask for two things at once.
    "roles-anywhere.stale-crl": stale_crl,
}
"""By the names of the ledger of facts, in the order in which they are made."""

NOT_ASKED = {
    "private-ca.crl-custom-path": "needs a CA with a CustomPath",
    "private-ca.crl-without-pointer": "can be seen only before the first revocation of a new CA",
    "private-ca.revoker-object": "the deployed functions' permission answers it: retire a host",
    "roles-anywhere.anchor-follows": "needs a CA whose certificate was renewed",
    "run-command.delivery": "needs a host whose agent does not answer",
    "run-command.killed-output": "needs a host whose script the agent kills",
    "workflow.map-order": "needs a run of many hosts",
}
"""What cannot be asked with things of one's own, and why."""


def finding(experiment: Callable[[Laboratory], Finding], laboratory: Laboratory) -> Finding:
    """One answer; what AWS refuses to let us ask is not reached."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return experiment(laboratory)
    except (ClientError, BotoCoreError) as error:
        return NOT_REACHED, str(error)


def rows(found: dict[str, Finding]) -> list[dict[str, Any]]:
    """A row for each assumed fact of the ledger, asked or not."""
    from pca_automator.rehearsal.local_aws.facts import Evidence, registered

    every = {**{name: (NOT_REACHED, why) for name, why in NOT_ASKED.items()}, **found}
    return [
        {"fact": fact.name, "rule": fact.rule, "answer": answer, "seen": seen}
        for fact in registered()
        if fact.evidence is Evidence.ASSUMED
        for answer, seen in [every.get(fact.name, (NOT_REACHED, "no experiment"))]
    ]
