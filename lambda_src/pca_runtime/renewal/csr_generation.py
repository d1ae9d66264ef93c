"""CertCSR and CertCSRStatus: the host makes a key and a CSR."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from pca_runtime.errors.kinds import CsrFailed, Throttled
from pca_runtime.hosts.commands import HostCommands, Order
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.lease import IssuedBefore, Lease
from pca_runtime.inventory.table import Inventory
from pca_runtime.renewal.last_issued import LastIssued
from pca_runtime.renewal.pace import REQUEUES_MAX
from pca_runtime.renewal.settings import CertCsrSettings
from pca_runtime.renewal.start import Start
from pca_runtime.renewal.start_gate import StartGate
from pca_runtime.shared.identifiers import request_id
from pca_runtime.shared.timestamps import Clock, format_time

__all__ = ["CsrGeneration", "poll_csr"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE REQUEST-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE REQUEST-----")


class CsrGeneration:
    """Claims a host and sends the CSR document, once for each claim.

    Args:
        settings: the function's environment.
        inventory: the table.
        commands: Run Command.
        gate: judges whether the host's start has come.
        before: knows the certificates that earlier runs had issued.
        clock: the current time.
    """

    def __init__(
        self,
        settings: CertCsrSettings,
        inventory: Inventory,
        commands: HostCommands,
        gate: StartGate,
        before: LastIssued,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._commands = commands
        self._gate = gate
        self._before = before
        self._clock = clock

    def start(
        self,
        host_id: str,
        run_id: str,
        listed_at: datetime | None = None,
        start: Start | None = None,
        *,
        anew: bool = True,
    ) -> dict[str, Any]:
        """Claim, send, remember. A retry at any point goes on where the last attempt stopped.

        A host that comes late, or whose command cannot be sent because AWS throttles, goes back into the line and
        is nobody's while it waits.

        Between SendCommand and the write that remembers it a crash makes the retry send a second time; the
        document then finds the key of the same request and answers with the same CSR.

        Args:
            host_id: the host.
            run_id: of the run that renews it.
            listed_at: when the run chose its hosts.
            start: what the host has reserved; None: it goes on at once.
            anew: make a new key whatever there is, as where a person has forced the run: the old one may be known.

        Returns:
            ``{"state": "SENT", "commandId", "attempt": 0}``, ``{"state": "WAIT", "startAt", "requeues"}``,
            ``{"state": "SKIPPED", "reason"}``, or ``{"state": "ISSUED", "startAt", "requeues"}`` where an earlier run
            had a certificate issued that only has to be installed.

        Raises:
            Throttled: SendCommand was throttled more often than a host goes back for it.
        """
        if start is not None and not self._is_tried_again(host_id, run_id, start):
            later = self._gate.later(run_id, start)
            if later is not None:
                return _wait(later.at, later.requeues)
        lease = Lease(host_id, run_id)
        duration = timedelta(seconds=self._settings.lease_seconds)
        claim = self._inventory.claim(lease, self._clock(), duration, listed_at)
        if claim.outcome != "CLAIMED":
            return {"state": "SKIPPED", "reason": claim.outcome}
        pending = claim.item.pending
        command_id = pending.csr_command_id if pending else None
        if command_id is None and start is not None and not anew and self._has_one(lease, claim.item):
            return {"state": "ISSUED", "startAt": format_time(start.at), "requeues": start.requeues}
        if command_id is None:
            order = self._order(lease, claim.item)
            try:
                sent = self._commands.send(order)
            except Throttled:
                if start is None or start.requeues >= REQUEUES_MAX:
                    raise
                after = self._gate.after_throttling(start)
                self._inventory.let_go(lease)
                return _wait(after, start.requeues + 1)
            command_id = self._inventory.store_csr_command(lease, sent, order.parameters["keyAlgorithm"])
        return {"state": "SENT", "commandId": command_id, "attempt": 0}

    def _has_one(self, lease: Lease, item: HostItem) -> bool:
        """Whether a certificate is there for what the item asks for; if so, the run goes on with that."""
        found = self._before.find(self._settings.request_for(lease.host_id, item.overrides()))
        if found is None:
            return False
        before = IssuedBefore(found.certificate_request, found.public_key_sha256, str(found.certificate_arn))
        self._inventory.install_issued(lease, before)
        return True

    def _is_tried_again(self, host_id: str, run_id: str, start: Start) -> bool:
        """Whether an attempt that could not go back any more has had its start: the workflow's retry is not late.

        It would go back without end, for each place in the line has retries of its own.
        """
        if start.requeues < REQUEUES_MAX:
            return False
        item = self._inventory.get(host_id)
        return item is not None and item.holds_lease(run_id)

    def _order(self, lease: Lease, item: HostItem) -> Order:
        overrides = item.overrides()
        settings = self._settings
        return Order(
            document=settings.generate_csr_document,
            host_id=lease.host_id,
            purpose=f"csr {lease.run_id}",
            delivery_seconds=settings.command_timeout_seconds,
            parameters={
                "hostID": lease.host_id,
                "requestId": lease.request_id,
                **overrides.directories(settings),
                "keyAlgorithm": settings.request_for(lease.host_id, overrides).key_algorithm,
            },
        )


def _wait(until: datetime, requeues: int) -> dict[str, Any]:
    return {"state": "WAIT", "startAt": format_time(until), "requeues": requeues}


def poll_csr(
    commands: HostCommands, gate: StartGate, host_id: str, run_id: str, command_id: str, attempt: int
) -> dict[str, Any]:
    """Ask once for the CSR. Where AWS throttles, the answer is that it is not there yet.

    Returns:
        ``{"state": "PENDING"|"READY", "attempt", "commandId"}``, and ``csr`` (PEM) when ready.

    Raises:
        CsrFailed: the host could not make it, with the host's own code and words.
        HostUnreachable: the command never reached the host.
    """
    answer: dict[str, Any] = {"state": "PENDING", "attempt": attempt + 1, "commandId": command_id}
    try:
        invocation = commands.poll(command_id, host_id, CsrFailed)
    except Throttled:
        gate.note()
        return answer
    if not invocation.finished:
        return answer
    if invocation.result.get("requestId") != request_id(run_id, host_id):
        raise CsrFailed(f"{host_id} answered another request than this run's", code="HOST_RESULT_FOREIGN")
    blocks = _PEM.findall(invocation.output)
    if len(blocks) != 1:
        raise CsrFailed(f"{host_id} gave {len(blocks)} CSRs instead of one", code="HOST_RESULT_MISSING")
    return {**answer, "state": "READY", "csr": blocks[0] + "\n"}
