"""CertCSR: claim the host and have it make a key and a CSR."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools.utilities.typing import LambdaContext
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.inventory.table import Inventory
from pca_runtime.observability.powertools import Event, lambda_function, logger
from pca_runtime.renewal.csr_generation import CsrGeneration
from pca_runtime.renewal.payloads import CsrRequest
from pca_runtime.renewal.settings import CertCsrSettings
from pca_runtime.shared.clients import client
from pca_runtime.shared.timestamps import parse_time, utc_now


@cache
def _generation() -> CsrGeneration:
    settings = CertCsrSettings.load()
    inventory = Inventory(client("dynamodb"), settings.table_name)
    return CsrGeneration(settings, inventory, HostCommands(client("ssm")), utc_now)


@lambda_function
def handler(event: Event, _context: LambdaContext) -> Event:
    """``{"hostID", "runId", "startedAt"?}`` in; ``SENT`` with a command id, or ``SKIPPED``, out."""
    generation = _generation()
    request = CsrRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    answer = generation.start(request.host_id, request.run_id, parse_time(request.started_at))
    logger.info("csr requested", **answer)
    return answer
