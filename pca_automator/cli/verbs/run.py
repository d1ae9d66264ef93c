"""``pca-automator run``: start a renewal run, and watch it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import break_glass
from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import USAGE, Trouble
from pca_automator.cli.output import Output, console, counted, say, show
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.completion import host_ids
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb
from pca_automator.cli.waiting import WAITING

STAGES = ("waiting", "CSR", "issue", "deploy", "done", "failed", "skipped")
"""Where a host of a run is, in this order; the last three are ends."""

_REVOCATION = {
    None: ", and revoke the present one if the deployment does so (revoke_replaced)",
    True: ", and revoke the present one",
    False: ", and do not revoke the present one unless the deployment always does",
}
_ENDS = ("done", "failed", "skipped")
_ATTRIBUTES = ("status", "runId", "lastRunId", "pending")
# 100 hosts are one request: a fleet of 10,000 is looked at with 100 of them, less as hosts are through.
_POLL_SECONDS = 2.0
# hosts list --failed has them all.
_FAILED_SHOWN = 10


@verb
def run(
    op: Operator,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", autocompletion=host_ids, help="Only these. Default: who is due."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Due or not; without ids the whole fleet.")] = False,
    revoke_replaced: Annotated[
        bool | None,
        typer.Option(
            "--revoke-replaced/--no-revoke-replaced",
            help="With --force: revoke the certificates that are replaced, or not. Default: as deployed.",
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show the progress, and wait for the end.")] = False,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Renew now: who is due, or these hosts, or with --force whether due or not."""
    wanted = list(dict.fromkeys(ids or []))
    request = _input(wanted, force, revoke_replaced)
    _check_hosts(op.deployment, wanted)
    if force and (overflow := break_glass.overflow(op.deployment, request)):
        say(overflow)
    if dry_run:
        hosts = _would_renew(op.deployment, wanted, force)
        table = [("would renew", counted(hosts, "host")), ("input", json.dumps(request))]
        show(op.output, {"stateMachine": op.deployment.state_machine, "hosts": hosts, "input": request}, table)
        return
    if force and not wanted:
        what = f"issue a new certificate for every host of {op.deployment.stack}"
        confirm(f"{what}{_REVOCATION[revoke_replaced]}?", yes=yes)
    elif revoke_replaced:
        confirm(f"revoke what {counted(len(wanted), 'host holds', 'hosts hold')} at present?", yes=yes)
    arn = start(op.deployment, request)
    if force:
        say("Forced by hand: the budget of certificates for a host and day does not hold for this run.")
    run_id = arn.rpartition(":")[2]
    if not watch:
        show(op.output, {"runId": run_id, "executionArn": arn}, [("run", run_id)])
        name = f"{arn}\n" if op.long else ""
        say(f"{name}It takes some minutes; to see it:\n{op.command(f'pca-automator runs watch {run_id}')}")
        return
    watch_run(op, arn)


def _input(wanted: list[str], force: bool, revoke_replaced: bool | None) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if wanted:
        request = {"hostIDs": wanted, **({"force": True} if force else {})}
    elif force:
        request = {"reissue": "all"}
    if revoke_replaced is not None:
        request["revokeReplaced"] = revoke_replaced
    try:
        runtime("renewal.payloads").RunInput.parse(request)
    except runtime("errors.kinds").InvalidInput as error:
        raise Trouble(error.message, USAGE) from error
    return request


def _check_hosts(deployment: Deployment, wanted: list[str]) -> None:
    if not wanted:
        fleet.refuse_empty(deployment)
        return
    fleet.check_ids(wanted)
    known = fleet.these(deployment, wanted, ("status",))
    for host_id in wanted:
        if host_id not in known:
            raise fleet.no_such_host(host_id)
        if known[host_id].status == "RETIRED":
            raise Trouble(f"{host_id} is retired, so it is not renewed")


def _would_renew(deployment: Deployment, wanted: list[str], force: bool) -> int:
    """How many hosts a run that starts at this moment would take; CertCheck judges by the same rule."""
    view = fleet.View.of(deployment)
    these = fleet.these(deployment, wanted, fleet.JUDGED).values() if wanted else fleet.hosts(deployment, fleet.JUDGED)
    return sum(item.status != "RETIRED" and (force or view.is_due(item)) for item in these)


def start(deployment: Deployment, request: Mapping[str, Any], name: str = "") -> str:
    """Start the workflow. Returns the ARN of the execution.

    Args:
        deployment: the automation.
        request: the run's input.
        name: of the execution; "": Step Functions gives it one.
    """
    named = {"name": name} if name else {}
    answer = deployment.aws.client("stepfunctions").start_execution(
        stateMachineArn=deployment.state_machine, input=json.dumps(request), **named
    )
    return str(answer["executionArn"])


@dataclass
class Progress:
    """What has become of the hosts of one run. Only those that are not through are looked at again."""

    deployment: Deployment
    arn: str
    stages: dict[str, str] = field(default_factory=dict)
    listed: bool = False
    status: str = "RUNNING"
    error: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's id, which is the execution's name."""
        return self.arn.rpartition(":")[2]

    @property
    def counts(self) -> dict[str, int]:
        """How many hosts are in each stage."""
        counted = Counter(self.stages.values())
        return {stage: counted[stage] for stage in STAGES}

    def update(self) -> None:
        """Look at the execution first: hosts that are looked at after its end are through."""
        described = self.deployment.aws.client("stepfunctions").describe_execution(executionArn=self.arn)
        self.status = str(described["status"])
        self.error = ": ".join(str(described[name]) for name in ("error", "cause") if described.get(name))
        if described.get("output"):
            self.output = json.loads(described["output"])
        if not self.listed:
            self._list()
        open_hosts = [host_id for host_id, stage in self.stages.items() if stage not in _ENDS]
        found = fleet.these(self.deployment, open_hosts, _ATTRIBUTES)
        for host_id in open_hosts:
            self.stages[host_id] = stage_of(found.get(host_id), self.run_id)

    def _list(self) -> None:
        from botocore.exceptions import ClientError

        work_files = runtime("renewal.work_files")
        files = work_files.WorkFiles(self.deployment.aws.client("s3"), self.deployment.work_bucket)
        try:
            lines = files.read_lines(work_files.hosts_key(self.run_id)).lines
            # Each is looked at in a moment.
            self.stages = {str(line["hostID"]): "" for line in lines}
        except runtime("errors.kinds").PcaAutomatorError as error:
            # CertCheck has not written it yet. Without ListBucket S3 says "denied" of what is not there.
            cause = error.__cause__
            code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
            refused = self.status == "RUNNING" and code in ("AccessDenied", "403")
            if refused or code in ("NoSuchKey", "404"):
                return
            raise
        self.listed = True


def stage_of(item: Any, run_id: str) -> str:
    """How far a host has come in a run."""
    if item is None or item.status == "RETIRED":
        return "skipped"
    if item.last_run_id == run_id:
        return {"DEPLOYED": "done", "FAILED": "failed"}.get(item.status, "skipped")
    if item.run_id == run_id and item.pending is not None:
        if item.pending.install_command_id or item.pending.serial:
            return "deploy"
        return "issue" if item.pending.public_key_sha256 else "CSR"
    return "waiting"


def watch_run(op: Operator, arn: str) -> None:
    """Show how far a run has come until it is over, then who failed, and why."""
    progress = Progress(op.deployment, arn)
    try:
        for _ in _shown(progress, op.output):
            progress.update()
    finally:
        if progress.status == "RUNNING":
            # Ctrl-C, or AWS cannot be asked any more.
            again = op.command(f"pca-automator runs watch {progress.run_id}")
            say(f"run {progress.run_id} goes on without this command; to see it again:\n{again}")
    if progress.listed:
        # The run is over: who never had a turn was busy with another run, or the map stopped before.
        progress.stages = {host: "skipped" if stage == "waiting" else stage for host, stage in progress.stages.items()}
    answer = {"runId": progress.run_id, "status": progress.status, "hosts": len(progress.stages), **progress.counts}
    table = [("run", progress.run_id), ("execution", progress.status), ("hosts", len(progress.stages))]
    table += [(stage, count) for stage, count in progress.counts.items() if count]
    failed_hosts = _failed(progress)
    answer["failedHosts"] = failed_hosts
    table += [(f"  {each['hostID']}", f"{each['code']} in {each['phase']}: {each['message']}") for each in failed_hosts]
    show(op.output, answer, table)
    open_hosts = len(progress.stages) - sum(progress.counts[stage] for stage in _ENDS)
    if progress.status != "SUCCEEDED":
        raise Trouble(f"the run ended {progress.status}{': ' if progress.error else ''}{progress.error[:300]}")
    if skipped := [host_id for host_id, stage in progress.stages.items() if stage == "skipped"]:
        # A run that was stopped keeps its hosts until their lease has run out.
        say(
            f"{counted(len(skipped), 'host was', 'hosts were')} skipped: taken by another run, or retired. "
            f"Until when: pca-automator hosts show {skipped[0]}"
        )
    if failed := progress.counts["failed"] + open_hosts:
        hosts = counted(failed, "host was", "hosts were")
        first = failed_hosts[0]["hostID"] if failed_hosts else "ID"
        raise Trouble(f"{hosts} not renewed: {op.command(f'pca-automator explain {first}')}")
    if rejected := _rejected(progress.output):
        entries = counted(rejected, "entry of the inventory is no host id", "entries of the inventory are no host ids")
        raise Trouble(f"{entries}: see the run's report")


def _failed(progress: Progress) -> list[dict[str, Any]]:
    """The first hosts that failed, with the cause of each."""
    failed = [host_id for host_id, stage in progress.stages.items() if stage == "failed"][:_FAILED_SHOWN]
    found = fleet.these(progress.deployment, failed, ("lastError",))
    errors = {host_id: found[host_id].last_error if host_id in found else {} for host_id in failed}
    return [
        {"hostID": host_id, **{name: str(error.get(name, "?")) for name in ("code", "phase", "message")}}
        for host_id, error in errors.items()
    ]


def _rejected(output: Mapping[str, Any]) -> int:
    report = output.get("report", {})
    payload = report.get("Payload", report) if isinstance(report, Mapping) else {}
    return int(payload.get("rejected", 0))


def _shown(progress: Progress, output: Output) -> Iterator[None]:
    """Ask for updates until the run is over, and draw what they bring: a live line, or lines where nobody looks."""
    screen = console(error=True)
    WAITING.end()
    if output is Output.TABLE and screen.is_terminal:
        with screen.status("starting") as spinner:
            for _ in _ticks(progress):
                yield
                spinner.update(_line(progress))
        return
    before = ""
    for _ in _ticks(progress):
        yield
        line = _line(progress)
        if line != before:
            say(line)
        before = line


def _ticks(progress: Progress) -> Iterator[None]:
    while True:
        yield
        if progress.status != "RUNNING":
            return
        time.sleep(_POLL_SECONDS)


def _line(progress: Progress) -> str:
    if not progress.listed:
        return f"run {progress.run_id}: looking for hosts that are due"
    shown = ", ".join(f"{count} {stage}" for stage, count in progress.counts.items() if count)
    return f"run {progress.run_id}: {counted(len(progress.stages), 'host')}: {shown or 'none is due'}"
