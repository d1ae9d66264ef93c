"""CertDeploy: install what was issued, on AWS Private CA's event or on the workflow's own call."""

from __future__ import annotations

from functools import cache

from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger, not_told
from pca_runtime.renewal.deployment import Deployment
from pca_runtime.renewal.payloads import HostRequest
from pca_runtime.renewal.settings import CertDeploySettings
from pca_runtime.renewal.task_callbacks import TaskCallbacks
from pca_runtime.renewal.throttling import noting_throttling
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("acm-pca", "dynamodb", "ssm", "stepfunctions")


@cache
def _settings() -> CertDeploySettings:
    return CertDeploySettings.load()


@cache
def _deployment() -> Deployment:
    settings = _settings()
    return Deployment(
        settings,
        Inventory(client("dynamodb"), settings.table_name, Gate.of(settings, utc_now)),
        CertificateLedger(client("dynamodb"), settings.ledger_table, utc_now),
        client("acm-pca"),
        HostCommands(client("ssm")),
        TaskCallbacks(client("stepfunctions")),
        utc_now,
    )


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """An EventBridge event, or ``{"hostID", "runId"}`` in; the install command's id out, if one was sent."""
    with noting_throttling(client("dynamodb"), _settings().starts_table_name, utc_now, not_told):
        return _handled(event)


def _handled(event: Event) -> Event:
    deployment = _deployment()
    if "detail-type" in event:
        answer = deployment.on_event(event)
        if answer["state"] == "IGNORED":
            emit(_settings().automation_name, {"IssuanceIgnored": 1})
        logger.info("issuance event", **answer)
        return answer
    request = HostRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    answer = deployment.on_request(request.host_id, request.run_id)
    logger.info("install requested", **answer)
    return answer
