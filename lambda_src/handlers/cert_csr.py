"""CertCSR: claim the host and have it make a key and a CSR."""

from __future__ import annotations

from functools import cache

from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.gate import Gate
from pca_runtime.inventory.ledger import CertificateLedger
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.invocation import Event, InvocationContext, lambda_function, logger, not_told
from pca_runtime.renewal.csr_generation import CsrGeneration
from pca_runtime.renewal.last_issued import LastIssued
from pca_runtime.renewal.payloads import CsrRequest
from pca_runtime.renewal.settings import CertCsrSettings
from pca_runtime.renewal.start_gate import StartGate
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.shared.clients import client, made_at_init
from pca_runtime.shared.timestamps import parse_time, utc_now

made_at_init("dynamodb", "ssm")


@cache
def _generation() -> CsrGeneration:
    settings = CertCsrSettings.load()
    inventory = Inventory(client("dynamodb"), settings.table_name, Gate.of(settings, utc_now))
    gate = StartGate(StartLedger(client("dynamodb"), settings.starts_table_name), utc_now, not_told)
    ledger = CertificateLedger(client("dynamodb"), settings.ledger_table, utc_now)
    before = LastIssued(ledger, settings.ca_arn, utc_now)
    return CsrGeneration(settings, inventory, HostCommands(client("ssm")), gate, before, utc_now)


@lambda_function
def handler(event: Event, _context: InvocationContext) -> Event:
    """``{"hostID", "runId", "startedAt", "startAt", "lane", "runHosts", "requeues", "byHand"}`` in.

    Out come ``SENT`` with a command id, ``WAIT`` with another start, ``ISSUED`` where a certificate waits to be
    installed, or ``SKIPPED``.
    """
    generation = _generation()
    request = CsrRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    listed_at = parse_time(request.started_at)
    anew = request.by_hand is not False
    answer = generation.start(request.host_id, request.run_id, listed_at, request.start, anew=anew)
    logger.info("csr requested", **answer)
    return answer
