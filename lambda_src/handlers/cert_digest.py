"""CertDigest: once a day, how the fleet, its CA and its CRL are."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from cryptography import x509
from pca_runtime.authority.certificate_authority import look_at
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import Gate
from pca_runtime.observability.powertools import Event, lambda_function, logger
from pca_runtime.reporting.digest import ATTRIBUTES, gather, message_of, subject_of
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.reporting.settings import CertDigestSettings
from pca_runtime.revocation.anchored_crls import anchored_crls
from pca_runtime.shared.clients import client
from pca_runtime.shared.counting import counted
from pca_runtime.shared.timestamps import format_time, utc_now


@cache
def _settings() -> CertDigestSettings:
    return CertDigestSettings.load()


@lambda_function
def handler(_event: Event, _context: LambdaContext) -> Event:
    """Anything in; counts out, and one message."""
    settings = _settings()
    entries = Fleet(client("dynamodb"), settings.table_name, ATTRIBUTES, Gate.of(settings, utc_now)).segment(0, 1)
    digest = gather(settings.automation_name, entries, utc_now(), settings.next_run)
    digest.authority, digest.crl = _authority(), _crl()
    Notifier(client("sns"), settings.topic_arn).publish(subject_of(digest), message_of(digest))
    counts = {"hosts": digest.hosts, "due": digest.due, "overdue": digest.overdue, "failed": len(digest.failed)}
    logger.info("digest published", extra=counts)
    return dict(counts)


def _authority() -> str:
    """In the words of the mail; a digest without them is better than none."""
    try:
        return str(look_at(client("acm-pca"), _settings().ca_arn))
    except PcaAutomatorError as error:
        logger.warning("ca not measured", code=error.code, reason=error.message)
        return f"could not be looked at: {error.code}"


def _crl() -> str:
    settings = _settings()
    if not settings.crl_name:
        return "this deployment distributes none"
    try:
        anchored = list(anchored_crls(client("rolesanywhere"), settings.trust_anchor_arn))
    except PcaAutomatorError as error:
        logger.warning("crl not measured", code=error.code, reason=error.message)
        return f"could not be looked at: {error.code}"
    ours = [_described(entry) for entry in anchored if entry.get("name") == settings.crl_name]
    return "; ".join(ours) or "none yet: the CA writes the first one after a certificate"


def _described(entry: dict[str, Any]) -> str:
    state = "" if entry.get("enabled", True) else "DISABLED, "
    try:
        crl = x509.load_pem_x509_crl(entry["crlData"])
    except ValueError:
        return f"{state}not readable"
    end = crl.next_update_utc
    return f"{state}{counted(len(crl), 'entry', 'entries')}, next update {format_time(end) if end else 'never'}"
