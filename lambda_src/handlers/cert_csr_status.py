"""CertCSRStatus: ask once for the CSR."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools.utilities.typing import LambdaContext
from pca_runtime.hosts.commands import HostCommands
from pca_runtime.observability.powertools import Event, lambda_function, logger
from pca_runtime.renewal.csr_generation import poll_csr
from pca_runtime.renewal.payloads import CommandRequest
from pca_runtime.shared.clients import client
from pca_runtime.shared.settings import FunctionSettings


@cache
def _commands() -> HostCommands:
    FunctionSettings.load()
    return HostCommands(client("ssm"))


@lambda_function
def handler(event: Event, _context: LambdaContext) -> Event:
    """``{"hostID", "runId", "commandId", "attempt"}`` in; ``PENDING``, or ``READY`` with the CSR, out."""
    commands = _commands()
    request = CommandRequest.parse(event)
    logger.append_keys(host_id=request.host_id, run_id=request.run_id)
    answer = poll_csr(commands, request.host_id, request.run_id, request.command_id, request.attempt)
    logger.info("csr polled", state=answer["state"], attempt=answer["attempt"])
    return answer
