"""CertEnroll: a host that appears in the inventory, or whose overrides change, is renewed now."""

from __future__ import annotations

from functools import cache

from pca_runtime.inventory.gate import Gate
from pca_runtime.membership.enrolment import Enrolment, gather
from pca_runtime.membership.settings import CertEnrollSettings
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("stepfunctions")


@cache
def _settings() -> CertEnrollSettings:
    return CertEnrollSettings.load()


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """Records of the inventory's stream in; the runs that were started out."""
    settings = _settings()
    gathered = gather(event["Records"], Gate(utc_now))
    runs = Enrolment(client("stepfunctions"), settings.state_machine_arn).start(gathered)
    counts = {
        "enrolled": len(gathered.enrol),
        "changed": len(gathered.changed),
        "removed": len(gathered.removed),
        "unreadable": gathered.unreadable,
    }
    if gathered.unreadable:
        emit(settings.automation_name, {"RecordsUnreadable": gathered.unreadable})
    if gathered.enrol:
        emit(settings.automation_name, {"HostsEnrolled": len(gathered.enrol)})
    # A removed host needs no run: whatever was in flight ends with LeaseLost or HostNotInInventory, and nothing is
    # written any more. CertRetire reads the same records for what is to be revoked.
    logger.info("inventory changed", extra={"runs": runs, **counts})
    return {"runs": runs, **counts}
