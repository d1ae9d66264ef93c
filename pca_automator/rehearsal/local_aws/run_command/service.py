"""Run Command: sending documents to simulated hosts and telling what became of them."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import datetime as dt
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import run_command as facts
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.run_command.agent import Order, run_document
from pca_automator.rehearsal.local_aws.run_command.documents import Document
from pca_automator.rehearsal.local_aws.run_command.hosts import Fleet, Host
from pca_automator.rehearsal.local_aws.run_command.script import Outcome
from pca_automator.rehearsal.local_aws.settings import Settings

log = logging.getLogger("rehearsal.run_command")

_STDOUT, _STDERR = facts.OUTPUT.value
_HOSTS_PER_COMMAND: int = facts.HOSTS_PER_COMMAND.value
_WORKERS: int = facts.AGENT_WORKERS.value
_FINAL = {"Success", "Failed", "TimedOut", "Cancelled"}
_DETAILS = {"TimedOut": "ExecutionTimedOut"}


def _iso_now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclasses.dataclass
class Invocation:
    """One command on one host."""

    host_id: str
    status: str = "Pending"
    details: str = "Pending"
    response_code: int = -1
    stdout: str = ""
    stderr: str = ""
    started: str = ""
    ended: str = ""
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    """Set when it is cancelled."""
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def begin(self) -> bool:
        """Reach the agent; nothing is to be done where it was cancelled before."""
        with self._lock:
            if self.status in _FINAL:
                return False
            self.started, self.details, self.status = _iso_now(), "InProgress", "InProgress"
            return True

    def cancel(self) -> None:
        """What has not begun does not begin; what runs is on its way to its end."""
        with self._lock:
            self.stop.set()
            if self.status == "InProgress":
                self.details = self.status = "Cancelling"
        if self.status in ("Pending", "Delayed"):
            self.finish("Cancelled", "Cancelled", None)

    def finish(self, status: str, details: str, outcome: Outcome | None) -> None:
        """Reach a final status; it is set last, because a poller that sees it reads the rest at once."""
        with self._lock:
            if self.status in _FINAL:
                return
            if outcome is not None:
                self.response_code = outcome.exit_code
                self.stdout, self.stderr = outcome.stdout[:_STDOUT], outcome.stderr[:_STDERR]
            self.ended = _iso_now()
            self.details = details
            self.status = status


@dataclasses.dataclass
class Command:
    """One SendCommand."""

    id: str
    document: Document
    requested: float
    sent_at: float
    comment: str
    timeout_seconds: int
    parameters: Mapping[str, Any]
    invocations: dict[str, Invocation]

    @property
    def status(self) -> str:
        """The invocations' statuses rolled up."""
        statuses = {invocation.status for invocation in self.invocations.values()}
        if statuses - _FINAL:
            return "InProgress" if statuses != {"Pending"} else "Pending"
        return next((status for status in ("Failed", "TimedOut", "Cancelled") if status in statuses), "Success")


class RunCommand:
    """All documents and commands of the local AWS; ``scope`` gives account and region of the request being served."""

    def __init__(self, settings: Settings, scope: Callable[[], tuple[str, str]]) -> None:
        self._settings = settings
        self._scope = scope
        self._lock = threading.Lock()
        self._agents = concurrent.futures.ThreadPoolExecutor(settings.host_processes, thread_name_prefix="host")
        self._busy: collections.Counter[str] = collections.Counter()
        self._workers: dict[str, threading.BoundedSemaphore] = {}
        self.documents: dict[str, Document] = {}
        self.commands: dict[str, Command] = {}

    @property
    def fleet(self) -> Fleet:
        """The hosts, wherever the settings say they are."""
        return Fleet(self._settings.fleet)

    def close(self) -> None:
        """Wait for the hosts at work, and take no more commands."""
        self._agents.shutdown()

    def put_document(self, name: str, content: str | Mapping[str, Any]) -> Document:
        """Create a document, or a new default version of it."""
        with self._lock:
            former = self.documents.get(name)
            document = Document.parse(name, former.version + 1 if former else 1, content)
            self.documents[name] = document
        return document

    def find_document(self, name: str) -> Document:
        """A document by its name or ARN."""
        document = self.documents.get(name.rpartition("document/")[2])
        if document is None:
            # The AWS-* documents are not here on purpose: their commands name paths of this machine, not of a host.
            raise ServiceError(
                "InvalidDocument", f"Document with name {name} does not exist.", fact=facts.DOCUMENT_KNOWN
            )
        return document

    def send(self, request: Mapping[str, Any]) -> Command:
        """SendCommand."""
        document = self.find_document(request["DocumentName"])
        version = str(request.get("DocumentVersion", "$DEFAULT"))
        if version not in ("$DEFAULT", "$LATEST", str(document.version)):
            raise ServiceError(
                "InvalidDocumentVersion",
                f"Version {version} of {document.name} does not exist",
                fact=facts.DOCUMENT_KNOWN,
            )
        values = document.values(request.get("Parameters") or {})
        hosts = self._hosts(request)
        command = Command(
            str(uuid.uuid4()),
            document,
            time.time(),
            time.monotonic(),
            request.get("Comment", ""),
            int(request.get("TimeoutSeconds", 3600)),
            request.get("Parameters") or {},
            {host.id: Invocation(host.id) for host in hosts},
        )
        self.commands[command.id] = command
        for host in hosts:
            if host.faults.never_answers:
                threading.Thread(target=self._never_delivered, args=(command, host), daemon=True).start()
            else:
                self._note(host.id, 1)
                self._agents.submit(self._deliver, command, host, values, self._scope()[1])
        return command

    def busy_hosts(self) -> set[str]:
        """Hosts that have been sent a command and have not ended it, or wait for a core to run it on."""
        with self._lock:
            return {host_id for host_id, count in self._busy.items() if count > 0}

    def _note(self, host_id: str, change: int) -> None:
        with self._lock:
            self._busy[host_id] += change

    def _hosts(self, request: Mapping[str, Any]) -> list[Host]:
        named = list(request.get("InstanceIds") or [])
        if len(named) > _HOSTS_PER_COMMAND:
            raise ServiceError(
                "ValidationException",
                f"InstanceIds has more than {_HOSTS_PER_COMMAND} members",
                fact=facts.HOSTS_PER_COMMAND,
            )
        if len(set(named)) != len(named):
            raise ServiceError("DuplicateInstanceId", "InstanceIds names a host twice", fact=facts.HOSTS)
        found = {host_id: self.fleet.find(host_id) for host_id in named}
        unknown = [host_id for host_id, host in found.items() if host is None]
        if unknown:
            account = self._scope()[0]
            raise ServiceError(
                "InvalidInstanceId",
                f"Instances [[{', '.join(unknown)}]] not in a valid state for account {account}",
                fact=facts.HOSTS,
            )
        hosts = [host for host in found.values() if host is not None] + self._targeted(request.get("Targets") or [])
        if not hosts and not request.get("Targets"):
            raise ServiceError("ValidationException", "InstanceIds or Targets is required", fact=facts.HOSTS)
        return hosts

    def _targeted(self, targets: Sequence[Mapping[str, Any]]) -> list[Host]:
        """Hosts by target; an id that SSM does not know is left out without a word, as on AWS."""
        chosen = self.fleet.all() if targets else []
        for target in targets:
            key, values = str(target["Key"]), set(target.get("Values") or [])
            if key.lower() == "instanceids":
                chosen = [host for host in chosen if host.id in values]
            elif key.startswith("tag:"):
                chosen = [host for host in chosen if host.tags.get(key[4:]) in values]
            else:
                raise ServiceError("InvalidTarget", f"Target key {key} is not supported here", fact=facts.HOSTS)
        return chosen

    def _deliver(self, command: Command, host: Host, values: Mapping[str, str], region: str) -> None:
        try:
            LEDGER.lean(facts.AGENT_WORKERS)
            with self._workers_of(host.id):
                self._execute(command, host, values, region)
        finally:
            self._note(host.id, -1)

    def _workers_of(self, host_id: str) -> threading.BoundedSemaphore:
        with self._lock:
            return self._workers.setdefault(host_id, threading.BoundedSemaphore(_WORKERS))

    def _execute(self, command: Command, host: Host, values: Mapping[str, str], region: str) -> None:
        invocation = command.invocations[host.id]
        if not invocation.begin():
            return
        try:
            outcome = run_document(host, Order(command.id, command.document, values, region, invocation.stop))
        except Exception as error:  # a broken simulation must reach the caller as a failed command, and the log
            log.exception("the simulated agent of %s failed", host.id)
            outcome = Outcome(255, "", f"simulated agent: {error}", "Failed")
        invocation.finish(outcome.ending, _DETAILS.get(outcome.ending, outcome.ending), outcome)

    def _never_delivered(self, command: Command, host: Host) -> None:
        invocation = command.invocations[host.id]
        time.sleep(self._settings.delivery_seconds / 3)
        if LEDGER.holds(facts.DELIVERY):
            invocation.details = invocation.status = "Delayed"
        time.sleep(self._settings.delivery_seconds * 2 / 3)
        invocation.finish("TimedOut", "DeliveryTimedOut", None)

    def invocation(self, command_id: str, host_id: str, plugin: str | None = None) -> dict[str, Any]:
        """GetCommandInvocation, which knows nothing of an invocation for a moment after SendCommand."""
        command = self.commands.get(command_id)
        fresh = command is not None and time.monotonic() - command.sent_at < self._settings.invocation_seconds
        if command is None or fresh or host_id not in command.invocations:
            raise ServiceError(
                "InvocationDoesNotExist",
                f"Invocation not found for {command_id}, {host_id}",
                fact=facts.INVOCATION_LATE,
            )
        steps = [step.name for step in command.document.steps]
        if plugin is not None and plugin not in (*steps, "aws:runShellScript"):
            raise ServiceError("InvalidPluginName", f"The plugin {plugin} does not exist", fact=facts.PLUGIN)
        if plugin is None and len(steps) > 1:
            raise ServiceError("InvalidPluginName", "A document of several steps needs PluginName", fact=facts.PLUGIN)
        return self._shown(command, command.invocations[host_id], plugin or steps[0])

    def _shown(self, command: Command, invocation: Invocation, plugin: str) -> dict[str, Any]:
        status = invocation.status  # read first: what it says is then complete
        return {
            "CommandId": command.id,
            "InstanceId": invocation.host_id,
            "Comment": command.comment,
            "DocumentName": command.document.name,
            "DocumentVersion": str(command.document.version),
            "PluginName": plugin,
            "ResponseCode": invocation.response_code,
            "ExecutionStartDateTime": invocation.started,
            "ExecutionEndDateTime": invocation.ended,
            "Status": status,
            "StatusDetails": invocation.details if status != "Pending" else "Pending",
            "StandardOutputContent": invocation.stdout,
            "StandardErrorContent": invocation.stderr,
        }

    def cancel(self, command_id: str) -> None:
        """CancelCommand: what has not started will not, and what runs is killed."""
        LEDGER.lean(facts.CANCEL)
        command = self.commands.get(command_id)
        if command is None:
            raise ServiceError("InvalidCommandId", f"Command {command_id} does not exist", fact=facts.COMMAND_KNOWN)
        for invocation in command.invocations.values():
            invocation.cancel()

    def describe(self, command: Command) -> dict[str, Any]:
        """The Command structure."""
        finished = [i for i in command.invocations.values() if i.status in _FINAL]
        return {
            "CommandId": command.id,
            "DocumentName": command.document.name,
            "DocumentVersion": str(command.document.version),
            "Comment": command.comment,
            "Parameters": json.loads(json.dumps(command.parameters)),
            "InstanceIds": list(command.invocations),
            "RequestedDateTime": command.requested,
            "ExpiresAfter": command.requested + command.timeout_seconds,
            "Status": command.status,
            "StatusDetails": command.status,
            "TimeoutSeconds": command.timeout_seconds,
            "TargetCount": len(command.invocations),
            "CompletedCount": len(finished),
            "ErrorCount": sum(i.status == "Failed" for i in finished),
            "DeliveryTimedOutCount": sum(i.details == "DeliveryTimedOut" for i in finished),
        }


HOST_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")
