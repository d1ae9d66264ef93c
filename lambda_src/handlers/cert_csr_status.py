"""CertCSRStatus: ask once for the CSR."""

from __future__ import annotations

from functools import cache

from pca_runtime.hosts.commands import HostCommands
from pca_runtime.observability.invocation import Event, InvocationContext, lambda_function, logger, not_told
from pca_runtime.renewal.csr_generation import poll_csr
from pca_runtime.renewal.payloads import CommandRequest
from pca_runtime.renewal.settings import CertCsrStatusSettings
from pca_runtime.renewal.start_gate import StartGate
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import utc_now

made_at_init("dynamodb", "ssm")


@cache
def _commands() -> tuple[HostCommands, StartGate]:
    settings = CertCsrStatusSettings.load()
    ledger = StartLedger(client("dynamodb"), settings.starts_table_name)
    return HostCommands(client("ssm")), StartGate(ledger, utc_now, not_told)


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"hostID", "runId", "commandId", "attempt"}`` in; ``PENDING``, or ``READY`` with the CSR, out."""
    commands, gate = _commands()
    request = CommandRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    answer = poll_csr(commands, gate, request.host_id, request.run_id, request.command_id, request.attempt)
    logger.info("csr polled", state=answer["state"], attempt=answer["attempt"])
    return answer
