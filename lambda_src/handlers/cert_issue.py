"""CertIssue: verify the CSR and have AWS Private CA issue; the task waits for CertDeploy."""

from __future__ import annotations

from functools import cache

from pca_runtime.errors.kinds import IssuanceBudgetExceeded
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.invocation import Event, InvocationContext, emit, lambda_function, logger, not_told
from pca_runtime.renewal.issuance import Issuance
from pca_runtime.renewal.payloads import IssueRequest
from pca_runtime.renewal.settings import CertIssueSettings
from pca_runtime.renewal.task_callbacks import TaskCallbacks
from pca_runtime.renewal.throttling import noting_throttling
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("acm-pca", "dynamodb", "stepfunctions")


@cache
def _settings() -> CertIssueSettings:
    return CertIssueSettings.load()


@cache
def _issuance() -> Issuance:
    inventory = Inventory(client("dynamodb"), _settings().table_name, Gate.of(_settings(), utc_now))
    ledger = CertificateLedger(client("dynamodb"), _settings().ledger_table, utc_now)
    return Issuance(_settings(), inventory, ledger, client("acm-pca"), TaskCallbacks(client("stepfunctions")), utc_now)


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"hostID", "runId", "csr", "taskToken"}`` in. The task's output comes from SendTaskSuccess."""
    issuance = _issuance()
    request = IssueRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    with noting_throttling(client("dynamodb"), _settings().starts_table_name, utc_now, not_told):
        try:
            issued = issuance.request(
                request.host_id, request.run_id, request.csr, request.task_token, by_hand=request.by_hand
            )
        except IssuanceBudgetExceeded:
            emit(_settings().automation_name, {"IssuanceBudgetExceeded": 1})
            raise
    if issued:
        # The other is measured with each certificate, so that its alarm knows what silence means.
        emit(_settings().automation_name, {"CertificatesIssued": 1, "IssuanceBudgetExceeded": 0})
    logger.info("issuance requested", issued=issued)
    return {"issued": issued}
