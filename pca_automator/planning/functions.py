"""What the functions do, in simulated time: their calls of AWS, what they answer, and which errors they raise.

Each is named like its state. tests/planning holds the answers to what the definition reads, and tests/rehearsal their
calls to those that the real functions make in the local AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pca_automator.planning.errors import StateError, Unplayable
from pca_automator.planning.hosts import Command, Host
from pca_automator.planning.paths import moment

if TYPE_CHECKING:
    from simpy import Event

    from pca_automator.planning.world import FleetWorld

Answer = dict[str, Any]
Work = Generator["Event", Any, Answer]
_LEASE_SECONDS = 960
_INSTALLS_AGAIN_MAX = 3
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_EVENT_RETRIES = (60.0, 120.0)


class Functions:
    """The functions of one automation.

    Args:
        world: hosts, account and ledger.
    """

    def __init__(self, world: FleetWorld) -> None:
        self._world = world
        self._env = world.env
        self._by_name: dict[str, Callable[[Mapping[str, Any]], Work]] = {
            "CertCheck": self.cert_check,
            "CertCSR": self.cert_csr,
            "CertCSRStatus": self.cert_csr_status,
            "CertIssue": self.cert_issue,
            "CertDeploy": self.cert_deploy,
            "CertDeployStatus": self.cert_deploy_status,
            "CertFailure": self.cert_failure,
            "CertReport": self.cert_report,
        }
        self.invocations: dict[str, int] = dict.fromkeys(self._by_name, 0)

    def check(self, states: Mapping[str, Any]) -> None:
        """Every task of a machine has a function here.

        Raises:
            Unplayable: one has none.
        """
        for name, state in states.items():
            if state.kind == "Task":
                self._name(name)

    def _name(self, state: str) -> str:
        """The function of a state: they share a name, and a state may add when it is."""
        fitting = [name for name in self._by_name if state.startswith(name)]
        if not fitting:
            raise Unplayable(f"the state {state}, which is named like no function: {', '.join(self._by_name)}")
        return max(fitting, key=len)

    def invoke(self, state: str, payload: Mapping[str, Any]) -> Generator[Event, Any, Answer]:
        """One invocation by the workflow."""
        name = self._name(state)
        account = self._world.account
        if not account.enter_function():
            raise StateError("Lambda.TooManyRequestsException", "the account's concurrency is used up")
        self.invocations[name] += 1
        try:
            answer = yield from self._by_name[name](payload)
        finally:
            account.leave_function()
        return answer

    def _own_time(self) -> Event:
        return self._env.timeout(self._world.uniform(self._world.assumed.function))

    def _called(self, api: str) -> Generator[Event, Any, None]:
        """A call that fails as Throttled once the SDK's attempts are used up; the ledger's brake is told."""
        if not (yield from self._world.account.call(api)):
            self._world.starts.throttled(self._env.now)
            raise StateError("Throttled", api)

    def cert_check(self, payload: Mapping[str, Any]) -> Work:
        """List the run's hosts, reserve their starts."""
        world, run = self._world, str(payload["runId"])
        wanted = payload["input"].get("hostIDs")
        reading = 0 if wanted else world.assumed.check_per_host * len(world.hosts)
        yield self._env.timeout(world.uniform(world.assumed.check) + reading)
        due = [host for host in world.listed(wanted) if world.is_due(host, self._env.now)]
        lines: list[dict[str, Any]] = [{"hostID": host.host_id} for host in due]
        if world.paced:
            starts = world.starts.reserve(len(due), self._env.now, urgent=wanted is not None)
            for line, (lane, start) in zip(lines, starts, strict=True):
                line |= {"startAt": timestamp(start), "lane": lane}
        for host in due:
            host.run = run
        key = world.keep(run, lines)
        return {
            "runId": run,
            "bucket": "work",
            "key": key,
            "due": len(due),
            "rejected": 0,
            "total": len(world.hosts),
            "startedAt": timestamp(self._env.now),
            "revokeReplaced": False,
            "revocationReason": "SUPERSEDED",
            "byHand": False,
        }

    def cert_csr(self, payload: Mapping[str, Any]) -> Work:
        """Claim the host and ask it for a CSR, or send it back into the line."""
        world, host, run = self._world, self._host(payload), str(payload["runId"])
        yield self._own_time()
        # The workflow's retry of a host that cannot go back any more is not late.
        tried = host.requeues >= world.most_requeues and host.claimed_at != float("-inf")
        if (
            world.paced
            and not tried
            and not world.starts.goes(
                moment(payload["startAt"]), self._env.now, world.random(), int(payload["runHosts"])
            )
        ):
            return self._again(payload)
        if host.outcome == "renewed" or (host.run != run and self._env.now - host.claimed_at < _LEASE_SECONDS):
            return {"state": "SKIPPED", "reason": "BUSY"}
        host.run, host.claimed_at = run, self._env.now
        try:
            yield from self._called("SendCommand")
        except StateError:
            if world.paced and host.requeues < world.most_requeues:
                host.requeues += 1
                host.claimed_at = float("-inf")
                return self._again({**payload, "requeues": host.requeues})
            raise
        command_id = f"csr-{host.host_id}"
        world.fleet.commands[command_id] = world.fleet.make_csr()
        return {"state": "SENT", "commandId": command_id, "attempt": 0}

    def _again(self, payload: Mapping[str, Any]) -> Answer:
        start = self._world.starts.requeue(str(payload.get("lane", "bulk")), self._env.now)
        return {"state": "WAIT", "startAt": timestamp(start), "requeues": payload.get("requeues", 0)}

    def cert_csr_status(self, payload: Mapping[str, Any]) -> Work:
        """Ask once for the CSR."""
        answer, command = yield from self._poll(payload)
        return answer if command is None else {**answer, "state": "READY", "csr": "CSR"}

    def _poll(self, payload: Mapping[str, Any]) -> Generator[Event, Any, tuple[Answer, Command | None]]:
        yield self._own_time()
        attempt = int(payload["attempt"]) + 1
        pending: Answer = {"state": "PENDING", "attempt": attempt, "commandId": payload["commandId"]}
        if not (yield from self._world.account.call("GetCommandInvocation")):
            self._world.starts.throttled(self._env.now)
            if self._world.paced:  # a throttled poll is one that has not been answered yet
                return pending, None
            raise StateError("Throttled", "GetCommandInvocation")
        command = self._world.fleet.commands[payload["commandId"]]
        return pending, command if command.done <= self._env.now else None

    def cert_issue(self, payload: Mapping[str, Any]) -> Work:
        """Have the CA issue; its event invokes CertDeploy."""
        host = self._host(payload)
        yield self._own_time()
        host.token = str(payload["taskToken"])
        if not host.certificate:
            yield from self._called("IssueCertificate")
            host.certificate = True
            self._env.process(self._on_event(host))
        return {}

    def _on_event(self, host: Host) -> Generator[Event, Any, None]:
        """The CA's event, which EventBridge hands to Lambda; Lambda asks again twice."""
        world = self._world
        yield self._env.timeout(world.uniform(world.assumed.issuance_event) + world.account.queued("RuleInvocation"))
        for pause in (*_EVENT_RETRIES, None):
            while not world.account.enter_function():
                yield self._env.timeout(1 + world.random())  # Lambda keeps asking, for as long as the event may be old
            self.invocations["CertDeploy"] += 1
            try:
                yield from self._deploy(host)
            except StateError:
                if pause is None:
                    return
            else:
                if world.completes(host.token):
                    yield from world.account.call("SendTaskSuccess")
                    world.complete(host.token, {"installCommandId": f"install-{host.host_id}", "attempt": 0})
                return
            finally:
                world.account.leave_function()
            yield self._env.timeout(pause)

    def cert_deploy(self, payload: Mapping[str, Any]) -> Work:
        """Install without waiting for the event."""
        host = self._host(payload)
        yield from self._deploy(host)
        return {"installCommandId": f"install-{host.host_id}", "attempt": 0}

    def _deploy(self, host: Host) -> Generator[Event, Any, None]:
        yield self._own_time()
        if not host.installing:
            yield from self._called("GetCertificate")
            yield from self._called("SendCommand")
            host.installing = True
            self._world.fleet.commands[f"install-{host.host_id}"] = self._world.fleet.install()

    def cert_deploy_status(self, payload: Mapping[str, Any]) -> Work:
        """Ask once for the installation, record it."""
        host = self._host(payload)
        answer, command = yield from self._poll(payload)
        if command is None:
            return answer
        if command.error:
            return self._install_again(host, answer, command)
        self._world.finish(host, "renewed")
        self._env.process(self._publish())
        return {**answer, "state": "DEPLOYED"}

    def _install_again(self, host: Host, answer: Answer, command: Command) -> Answer:
        """The proof was throttled until the host had no time left: the same certificate is sent once more, later."""
        starts = self._world.starts
        if not self._world.paced or host.installs_again >= _INSTALLS_AGAIN_MAX:
            raise StateError("InstallFailed", command.error)
        host.installs_again += 1
        host.installing = False
        starts.throttled(self._env.now)
        return {**answer, "state": "AGAIN", "startAt": timestamp(starts.requeue("bulk", self._env.now))}

    def cert_failure(self, payload: Mapping[str, Any]) -> Work:
        """Record why."""
        host = self._host(payload)
        yield self._own_time()
        error = payload["error"]
        self._world.finish(host, "failed", f"{error.get('Error')}: {error.get('Cause')}")
        self._env.process(self._publish())
        return {"recorded": True, "phase": payload["phase"], "code": error.get("Error")}

    def _publish(self) -> Generator[Event, Any, None]:
        yield from self._world.account.call("PutEvents")

    def cert_report(self, payload: Mapping[str, Any]) -> Work:
        """Count."""
        yield self._env.timeout(self._world.uniform(self._world.assumed.report))
        return {"runId": payload["runId"]}

    def _host(self, payload: Mapping[str, Any]) -> Host:
        return self._world.hosts[payload["hostID"]]


def timestamp(seconds: float) -> str:
    """As the functions write times: whole seconds, in UTC."""
    return datetime.fromtimestamp(int(seconds), tz=UTC).isoformat().replace("+00:00", "Z")
