"""CertDigest: one mail a day about the fleet, its CA and its CRL."""

from __future__ import annotations

from datetime import datetime
from functools import cache, partial

from pca_runtime.authority.certificate_authority import look_at
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import Gate
from pca_runtime.monitoring.finding import Finding, looked_at, ok
from pca_runtime.monitoring.fleet import ATTRIBUTES as HEALTH_ATTRIBUTES
from pca_runtime.monitoring.fleet import Fleet as Health
from pca_runtime.monitoring.trust import (
    asked_trust_anchor,
    authority,
    crl_in_force,
    crl_source,
    named_crl,
    revoked_serials,
)
from pca_runtime.observability.invocation import Event, InvocationContext, lambda_function, logger
from pca_runtime.reporting.digest import ATTRIBUTES, gather, message_of, subject_of
from pca_runtime.reporting.notifications import Notifier
from pca_runtime.reporting.settings import CertDigestSettings
from pca_runtime.revocation.anchored_crls import anchored_crls
from pca_runtime.revocation.crl_source import check_source
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("acm-pca", "dynamodb", "rolesanywhere", "sns")


@cache
def _settings() -> CertDigestSettings:
    return CertDigestSettings.load()


@lambda_function
def handler(_event: Event, _context: InvocationContext) -> Event:
    """Anything in; counts out, and one message."""
    settings, now = _settings(), utc_now()
    looks, revoked = _looks(settings, now)
    counts = Health(now, settings.next_run, revoked)
    attributes = tuple(dict.fromkeys((*ATTRIBUTES, *HEALTH_ATTRIBUTES)))
    items = Fleet(client("dynamodb"), settings.table_name, attributes, Gate.of(settings, utc_now)).segment(0, 1)
    digest = gather(settings.automation_name, counts.adding(items), now, settings.next_run)
    digest.place = settings.place
    digest.authority, digest.crl = looks[0].text, looks[1].text
    digest.troubles = [
        (look.text, [settings.place.command(command) for command in look.commands])
        for look in (*counts.findings(), *looks)
        if not look.is_ok
    ]
    Notifier(client("sns"), settings.topic_arn).publish(subject_of(digest), message_of(digest))
    numbers = {"hosts": digest.hosts, "due": digest.due, "overdue": digest.overdue, "failed": len(digest.failed)}
    logger.info("digest published", extra=numbers)
    return dict(numbers)


def _looks(settings: CertDigestSettings, now: datetime) -> tuple[list[Finding], frozenset[int]]:
    """CA, CRL, trust anchor and source of the CRL, as ``pca-automator status`` has them, and what that CRL refuses."""
    revoked: frozenset[int] = frozenset()

    def ca() -> Finding:
        return authority(look_at(client("acm-pca"), settings.ca_arn), settings.ca_arn, now)

    def crl() -> Finding:
        nonlocal revoked
        if not settings.crl_name:
            return ok("CRL", "this deployment distributes none")
        entry = named_crl(anchored_crls(client("rolesanywhere"), settings.trust_anchor_arn), settings.crl_name)
        revoked = revoked_serials(entry)
        return crl_in_force(entry, now)

    def anchor() -> Finding:
        return asked_trust_anchor(
            client("rolesanywhere"), settings.trust_anchor_arn, client("acm-pca"), settings.ca_arn
        )

    looks = [looked_at("CA", ca), looked_at("CRL", crl), looked_at("trust anchor", anchor)]
    if settings.crl_name:
        read = partial(check_source, client("acm-pca"), settings.ca_arn, settings.crl_bucket)
        looks.append(looked_at("CRL source", lambda: crl_source(read)))
    for look in looks:
        if not look.is_ok:
            logger.warning("not well", part=look.part, state=look.state, reason=look.text)
    return looks, revoked
