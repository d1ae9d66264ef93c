"""A fleet whose runs are played as the workflow plays them, and what must hold afterwards, whatever the weather was."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from cryptography import x509
from pca_runtime.errors.kinds import PcaAutomatorError, RetryableError

from tests.chaos.weather import Weather
from tests.runtime.fakes import CrashError
from tests.runtime.membership.rig import Members, ec2_event
from tests.runtime.renewal.steps import host, issuance_event

_TRIES = 4  # an attempt and three retries, as the states have them
_POLLS = 4


class StepError(Exception):
    """A state of a host's workflow has failed for good."""


class StoppedError(Exception):
    """Somebody, or something, has stopped the execution."""


class Fleet:
    """Hosts, their runs, and the invariants.

    Args:
        members: the world, with everything that joins and leaves.
        weather: what goes wrong.
        hosts: how many.
    """

    def __init__(self, members: Members, weather: Weather, hosts: int) -> None:
        self.members = members
        self.world = members.world
        self.weather = weather
        self.hosts = [f"i-{number:017x}" for number in range(1, hosts + 1)]
        self.gone: set[str] = set()
        self.on_host: dict[str, int] = {}
        self.requests: dict[str, set[str]] = {}
        self._runs = 0
        install = members.ssm._install
        members.ssm._install = lambda parameters: self._installed(parameters, install)  # type: ignore[method-assign]
        for each in self.hosts:
            self.world.put(each)
            members.ec2.instances[each] = ("running", {})

    def _installed(self, parameters: dict[str, str], install: Any) -> str:
        leaf = x509.load_der_x509_certificate(base64.b64decode(parameters["certificate"]))
        before = self.on_host.get(parameters["hostID"])
        self.on_host[parameters["hostID"]] = leaf.serial_number
        previous = "none" if before is None or before == leaf.serial_number else f"{before:x}"
        return str(install(parameters)).replace("previous=none", f"previous={previous}")

    def run(self, **wanted: Any) -> None:
        """One run over every host, forced, as after a compromise."""
        self._runs += 1
        run_id = f"run-{self._runs}"
        alive = [each for each in self.hosts if each not in self.gone]
        try:
            given = {"hostIDs": alive, "force": True, **wanted}
            check = self._state("cert_check", {"input": given, "runId": run_id})
        except StepError:
            return
        for line in self.world.lines(f"runs/{run_id}/hosts.jsonl"):
            self._child(line["hostID"], run_id, check)
        self.world.later(minutes=30)

    def leave(self, host_id: str) -> None:
        """An instance ends; its event may be lost."""
        self.gone.add(host_id)
        self.members.ec2.instances[host_id] = ("terminated", {})
        if not self.weather.chance(5):
            self._event("cert_retire", ec2_event(host_id, "terminated"))

    def heal(self) -> None:
        """Calm: one run, and the schedules of two hours."""
        self.weather.calm = True
        self.world.later(hours=2)
        self.run()
        for _ in range(3):
            self.members.invoke("cert_retire", {"reconcile": True})
            if self.members.pca.count("create_certificate_authority_audit_report"):
                self.members.pca.write_report(self.world.s3.raw, self.world.now - timedelta(hours=2))
            self.world.later(hours=1)

    def violations(self) -> list[str]:
        """What does not hold, one line each."""
        found = []
        known = {}
        for each in self.hosts:
            entries = self.world.certificates(each)
            known |= {entry.certificate_arn: entry for entry in entries}
            for run_id in {entry.run_id for entry in entries}:
                if sum(entry.run_id == run_id for entry in entries) > 1:
                    found.append(f"{each}: two certificates of {run_id}")
            item = self.world.item(each)
            if each in self.gone:
                found += [
                    f"{each}: left, and {entry.serial} is not revoked"
                    for entry in entries
                    if entry.serial and int(entry.serial, 16) not in self.members.pca.revoked
                ]
                continue
            if item.get("status") != "DEPLOYED" or {"runId", "pending"} & item.keys():
                found.append(f"{each}: not healed: {item.get('status')} {item.get('lastError')}")
            elif int(item["serial"], 16) != self.on_host.get(each):
                found.append(f"{each}: the table says {item['serial']}, the host has {self.on_host.get(each):x}")
            if self.on_host.get(each) in self.members.pca.revoked:
                found.append(f"{each}: what it has is revoked")
        forgotten = [arn for arn in self.members.pca.certificates if arn not in known]
        return found + [f"{arn}: valid, and not in the ledger" for arn in forgotten]

    def _child(self, host_id: str, run_id: str, check: dict[str, Any]) -> None:
        """One host's execution."""
        state = {**host(run_id, host_id)}
        try:
            self._renew(state, check)
        except StepError as failed:
            failure = {"phase": str(failed.args[0]), "error": {"Error": "Failed", "Cause": str(failed)}}
            try:
                self._state("cert_failure", {**state, **failure, "startedAt": check["startedAt"]})
            except StepError:
                return
        except StoppedError:
            return

    def _renew(self, state: dict[str, Any], check: dict[str, Any]) -> None:
        sent = self._step("cert_csr", {**state, "startedAt": check["startedAt"]})
        if sent["state"] != "SENT":
            return
        ready = self._poll("cert_csr_status", {**state, "commandId": sent["commandId"]}, "READY")
        token = f"token-{state['runId']}-{state['hostID']}"
        before = set(self.members.pca.certificates)
        try:
            self._step("cert_issue", {**state, "csr": ready["csr"], "taskToken": token, "byHand": True})
        finally:
            for arn in set(self.members.pca.certificates) - before:
                if not self.weather.chance():
                    self._event("cert_deploy", issuance_event(arn))
        if token not in self.world.step_functions.outcomes:
            self.world.later(minutes=2)
            install = self._step("cert_deploy", state)["installCommandId"]
        else:
            outcome = self.world.step_functions.outcomes[token]
            if "output" not in outcome:
                raise StepError("CertIssue", outcome)
            install = self.world.item(state["hostID"])["pending"]["installCommandId"]
        decided = {name: check[name] for name in ("revokeReplaced", "revocationReason")}
        self._poll("cert_deploy_status", {**state, "commandId": install, **decided}, "DEPLOYED")

    def _poll(self, handler: str, payload: dict[str, Any], until: str) -> dict[str, Any]:
        for attempt in range(_POLLS):
            answer = self._step(handler, {**payload, "attempt": attempt})
            if answer["state"] == until:
                return answer
        raise StepError(_PHASES[handler], "timed out")

    def _step(self, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
        if self.weather.chance(0.3):
            raise StoppedError
        return self._state(handler, payload)

    def _state(self, handler: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A task with its retries."""
        for _ in range(_TRIES):
            try:
                return self.members.invoke(handler, payload)
            except (CrashError, RetryableError):
                self.world.later(seconds=2)
            except PcaAutomatorError as error:
                raise StepError(_PHASES.get(handler, "CertCSR"), str(error)) from error
        raise StepError(_PHASES.get(handler, "CertCSR"), "no attempt went through")

    def _event(self, handler: str, event: dict[str, Any]) -> None:
        """Lambda delivers an event three times at most."""
        for _ in range(3):
            try:
                self.members.invoke(handler, event)
            except (CrashError, PcaAutomatorError):
                continue
            return


_PHASES = {
    "cert_csr": "CertCSR", "cert_csr_status": "CertCSRStatus", "cert_issue": "CertIssue", "cert_deploy": "CertDeploy",
    "cert_deploy_status": "CertDeployStatus",
}  # fmt: skip
