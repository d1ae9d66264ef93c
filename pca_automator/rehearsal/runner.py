"""A whole rehearsal: start the local AWS, deploy the app, play the phases, report, and leave nothing behind."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from pca_automator.pictures import page
from pca_automator.rehearsal.display import Display
from pca_automator.rehearsal.local_aws.settings import Settings
from pca_automator.rehearsal.report import Report
from pca_automator.rehearsal.scenario import joining, pacing, phases
from pca_automator.rehearsal.scenario.crl_exchange import exchange_crls
from pca_automator.rehearsal.scenario.leaving import leave
from pca_automator.rehearsal.scenario.observing import expect_digest, expect_metrics
from pca_automator.rehearsal.scenario.on_hosts import on_hosts
from pca_automator.rehearsal.scenario.picture import Sketch
from pca_automator.rehearsal.scenario.purposes import PROFILES, purposes
from pca_automator.rehearsal.scenario.world import Inventory, Mailbox, World
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.cdk import Cdk
from pca_automator.rehearsal.stage.event_bus import EventQueue
from pca_automator.rehearsal.stage.hosts import Member, build_fleet, build_newcomers
from pca_automator.rehearsal.stage.process import LocalAws

# Waits of the workflow last a twentieth: 0.75 s for 15 s. Zero would skip them, and a poll loop would be through
# before any host has finished.
_WAIT_SCALE = 0.05
_KEPT_RUNS = 3
# One more resource policy of CloudWatch Logs fits, and no log group that the policy has to name.
_FULL_ACCOUNT = {"log_policies": 9, "log_policy_characters": 5_100}


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asked for."""

    hosts: int = 25
    app: Path = Path()
    keep: bool = False
    signing_helper: Path | None = None
    build: Path = Path("build/rehearsal")
    enforce_iam: bool = True
    other_answers: tuple[str, ...] = ()
    quotas: bool | None = None
    """Whether the account has quotas while the fleet is enrolled. Default: where the fleet is large enough."""
    limits: bool = True
    """Whether what AWS raises for nobody is enforced, in an account that others have nearly filled."""

    @property
    def with_quotas(self) -> bool:
        """Whether the account has quotas."""
        return self.hosts >= pacing.FEWEST_HOSTS if self.quotas is None else self.quotas


def rehearse(options: Options, display: Display) -> Report:
    """Play the whole life of a fleet; the report says whether every expectation held."""
    directory = _run_directory(options.build)
    report = Report()
    report.numbers["hosts"] = options.hosts
    settings = Settings(fleet=directory / "fleet", crl_seconds=0.5, other_answers=",".join(options.other_answers))
    settings.change(_FULL_ACCOUNT if options.limits else {"limits": False})
    if options.with_quotas:
        settings.change(pacing.SETTINGS)
    aws = LocalAws(directory, settings, wait_scale=_WAIT_SCALE, keep=options.keep, auth=options.enforce_iam)
    report.numbers["log"] = str(aws.log_path)
    leave_running = False
    with _interruptible():
        try:
            _play(aws, options, report, display)
            leave_running = options.keep
        finally:
            report.write(options.build / "report.json")
            _write_page(options.build, report, display)
            if leave_running:
                _say_how_to_use(aws, display)
            else:
                aws.stop()
                _tidy(directory)
    return report


def _write_page(build: Path, report: Report, display: Display) -> None:
    """The data first: what a page is drawn with may be missing, and a page can be made of them later."""
    if report.page is None:
        return
    source = build / "page.json"
    source.write_text(report.page.as_json(), encoding="utf-8")
    try:
        page.write(report.page, build / "page.html")
    except page.MissingError as error:
        display.say(f"no page: {error}; then: pca-automator report --from {source} --html FILE")


def _play(aws: LocalAws, options: Options, report: Report, display: Display) -> None:
    with report.timed("setup"), display.part("   local AWS and bootstrap", 2) as advance:
        aws.start()
        advance(1)
        cdk = Cdk(options.app, aws, options.build / "cdk.out")
        cdk.bootstrap()
    with report.timed("deploy"), display.part("   cdk deploy"):
        cdk.deploy({**joining.CONTEXT, **(pacing.context(_WAIT_SCALE) if options.with_quotas else {})})
    automation = deployed.find(aws)
    members = build_fleet(aws.directory / "fleet", options.hosts, automation, aws.endpoint, options.signing_helper)
    inventory, mailbox = Inventory(aws, automation.table), Mailbox(aws, automation.topic)
    world = World(aws, automation, members, inventory, mailbox, EventQueue(aws, automation.name), report, display)
    sketch = Sketch(world)
    _play_phases(world, options)
    report.page = sketch.page()


def _play_phases(world: World, options: Options) -> None:
    aws, automation, report = world.aws, world.automation, world.report
    with report.timed("a"):
        try:
            _enrol(world, options)
        except phases.TooFewHostsError as error:
            report.trouble(str(error))
            return
    if options.with_quotas:
        with report.timed("unpaced"):
            pacing.control(world, _WAIT_SCALE)
    with report.timed("b"):
        phases.run_again(world)
    with report.timed("c"):
        phases.renew_some(world)
    with report.timed("d"):
        phases.bad_run(world)
    with report.timed("e"):
        phases.revoke(world)
    with report.timed("f"):
        on_hosts(world)
    if set(PROFILES) <= automation.profiles:
        with report.timed("k"):
            purposes(world)
    _play_membership(world, options)
    if automation.digest:
        expect_digest(world)
    report.numbers["events"] = world.events.counts()
    if automation.crl_bucket:
        # Without a CRL there is no departure in the rehearsal, and some metrics have nothing to measure.
        expect_metrics(world)
    report.lean(aws.control("facts"))
    if options.limits:
        _expect_within_limits(report, aws.control("limits"))
    if options.enforce_iam:
        denials = aws.control("counters")["denials"]
        report.expect("IAM refused nothing", 0, len(denials))
        for denial in denials:
            report.trouble(f"IAM refused {denial}")


def _expect_within_limits(report: Report, limits: dict[str, dict[str, int]]) -> None:
    report.numbers["limits"] = limits
    report.expect("the limits of AWS refused nothing", 0, sum(limits["refused"].values()))
    for what, count in limits["refused"].items():
        report.trouble(f"refused {count} times: {what}")


def _enrol(world: World, options: Options) -> None:
    """Every host at once: beside production, where the account has quotas."""
    if not options.with_quotas:
        phases.enrol(world)
        return
    pacing.set_quotas(world, _WAIT_SCALE)
    with pacing.production(world) as seen:
        phases.enrol(world)
    pacing.expect_paced(world, seen, pacing.failures(world))


def _play_membership(world: World, options: Options) -> None:
    """Joining and leaving, as far as the app has them."""
    automation, report = world.automation, world.report
    fleet = world.aws.directory / "fleet"
    newcomer, tagged, plain, node = build_newcomers(
        fleet, options.hosts, automation, world.aws.endpoint, options.signing_helper
    )
    if automation.enrols:
        with report.timed("g"):
            joining.join(world, newcomer)
    if automation.crl_bucket:
        with report.timed("h"):
            exchange_crls(world)
        with report.timed("i"):
            doubled, lost, removed = _first(world, "i-", 3)
            leave(world, doubled, lost, removed, *_first(world, "mi-", 1))
    if automation.enrols and automation.register:
        with report.timed("j"):
            joining.join_by_tag(world, tagged, plain, node)


def _first(world: World, prefix: str, count: int) -> list[Member]:
    """Members of one kind, without the first of all, which was revoked."""
    return [member for member in world.members[1:] if member.id.startswith(prefix)][:count]


def _run_directory(build: Path) -> Path:
    runs = build.resolve() / "runs"
    if runs.is_dir():
        for old in sorted(runs.iterdir())[:-_KEPT_RUNS]:
            if not (old / "kept").exists():
                shutil.rmtree(old, ignore_errors=True)
    directory = runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    # Not writable by others, whatever the user's umask is: the documents refuse such directories on a host.
    os.umask(0o022)
    directory.mkdir(parents=True)
    return directory


def _tidy(directory: Path) -> None:
    """Keep the log and the hosts; the rest is large and of no use without the process."""
    for name in ("tmp", "s3", "state", "cdk-home"):
        shutil.rmtree(directory / name, ignore_errors=True)


def _say_how_to_use(aws: LocalAws, display: Display) -> None:
    (aws.directory / "kept").touch()
    display.say("The local AWS is still running. To point pca-automator and the AWS CLI at it:")
    for name, value in aws.client_environment().items():
        display.say(f"  export {name}={value}")
    display.say("Then, for example: pca-automator status")
    display.say(f"To end it and everything it started:\n  kill -KILL -- -{aws.pid}")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let what ends a command unwind the stack, so that nothing is left running, however the command was started.

    A shell script starts what it puts into the background with SIGINT ignored, and Python then leaves it ignored. A
    hang-up is another matter: who ignores it, as nohup does, wants the command to outlive the terminal. And with
    SIGCHLD ignored nobody would learn how the CDK CLI or a script on a host ended.
    """

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    handlers: dict[signal.Signals, Any] = {signal.SIGINT: interrupt, signal.SIGTERM: interrupt}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        handlers[signal.SIGHUP] = interrupt
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        handlers[signal.SIGCHLD] = signal.SIG_DFL
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
