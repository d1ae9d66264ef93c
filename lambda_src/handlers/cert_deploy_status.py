"""CertDeployStatus: ask once whether the certificate is live, and record it when it is."""

from __future__ import annotations

from functools import cache

from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger, not_told
from pca_runtime.renewal.deployment_status import DeploymentStatus
from pca_runtime.renewal.install_again import InstallAgain
from pca_runtime.renewal.payloads import DeployStatusRequest
from pca_runtime.renewal.settings import CertDeployStatusSettings
from pca_runtime.renewal.start_gate import StartGate
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.reporting.events import Events
from pca_runtime.revocation.orders import Orders
from pca_runtime.revocation.revoker import Revoker
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("acm-pca", "dynamodb", "events", "ssm")


@cache
def _status() -> DeploymentStatus:
    settings = CertDeployStatusSettings.load()
    inventory = Inventory(client("dynamodb"), settings.table_name, Gate.of(settings, utc_now))
    starts = StartLedger(client("dynamodb"), settings.starts_table_name)
    ledger = CertificateLedger(client("dynamodb"), settings.ledger_table, utc_now)
    revoker = Revoker(client("acm-pca"), settings.ca_arn, logger)
    return DeploymentStatus(
        inventory,
        ledger,
        HostCommands(client("ssm")),
        Orders(ledger, revoker, utc_now, logger),
        Events(client("events"), settings.automation_name, logger, emit),
        InstallAgain(inventory, StartGate(starts, utc_now, not_told), settings.lease_seconds),
        utc_now,
        logger,
    )


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """A poll of the install command in; ``PENDING``, ``AGAIN`` with a start, ``AFRESH``, or ``DEPLOYED`` out.

    The input is ``{"hostID", "runId", "commandId", "attempt", "revokeReplaced"?, "revocationReason"?}``.
    """
    status = _status()
    request = DeployStatusRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    reason = request.revocation_reason if request.revoke_replaced else None
    answer = status.poll(request.host_id, request.run_id, request.command_id, request.attempt, revocation_reason=reason)
    logger.info("install polled", state=answer["state"], attempt=answer["attempt"])
    return answer
