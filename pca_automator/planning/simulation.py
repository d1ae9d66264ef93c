"""Playing a scenario: a schedule's run or a fleet that is enrolled at once, beside production and single hosts."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from pca_automator.cli.runtime import runtime
from pca_automator.planning.account import Account
from pca_automator.planning.hosts import Host, session
from pca_automator.planning.scenario import Played, Scenario
from pca_automator.planning.starts import Starts
from pca_automator.planning.workflow import Workflow
from pca_automator.planning.world import FleetWorld

if TYPE_CHECKING:
    from simpy import Environment, Event

_BEGIN = 1_800_000_000  # any whole second
_CERT_ENROLL_SECONDS = (0.3, 0.6)


def play(workflow: Workflow, scenario: Scenario) -> Played:
    """Play a scenario once.

    Raises:
        Unplayable: the workflow's definition says something that this cannot play.
        InvalidInput: a quota is unknown, or its rate is not a number above 0.
    """
    import simpy  # only now: the command starts without it

    return _Play(simpy.Environment(initial_time=_BEGIN), workflow, scenario).result()


class _Play:
    def __init__(self, env: Environment, workflow: Workflow, scenario: Scenario) -> None:
        self._env = env
        self._workflow = workflow
        self._scenario = scenario
        self._random = Random(scenario.seed)  # noqa: S311 - a simulation, and one that can be repeated
        quotas = runtime("shared.quotas").with_rates(scenario.rates)
        told = quotas if scenario.told is None else runtime("shared.quotas").with_rates(scenario.told)
        pacing = runtime("renewal.pace")
        asked = scenario.production
        self._production = pacing.default_production(scenario.hosts) if asked is None else asked
        proof = scenario.proof is not None
        pace = pacing.pace_of(
            told,
            production=self._production,
            proof=proof,
            share=scenario.share,
            told_send="SendCommand" in (scenario.rates if scenario.told is None else scenario.told),
        )
        self._floor_rate = pacing.pace_of(
            quotas, production=self._production, proof=proof, told_send="SendCommand" in scenario.rates
        ).floor_rate
        self._pace = pace
        account = Account(env, quotas, scenario.assumed.depth_seconds, self._random)
        self._world = FleetWorld(
            env,
            account,
            workflow.machine,
            Starts(pace),
            scenario.assumed,
            scenario.proof,
            paced=workflow.paced,
            random=self._random,
            most_requeues=pacing.REQUEUES_MAX,
        )
        self._asked = self._throttled = 0
        self._singles: list[Host] = []

    def result(self) -> Played:
        """Play it, and count."""
        env, world, scenario = self._env, self._world, self._scenario
        count = scenario.hosts if scenario.due is None else min(scenario.due, scenario.hosts)
        main = env.process(self._enrolled(count) if scenario.enrol_at_once else self._scheduled(count))
        env.process(self._produce())
        if scenario.singles is not None:
            env.process(self._put_singles(scenario.singles, main))
        env.run(until=main)
        hosts = [host for host in world.hosts.values() if not host.single]
        last = max((host.ended_at for host in hosts if host.ended_at is not None), default=env.now)
        asked, throttled = self._asked, self._throttled
        # Single hosts that were put in shortly before the end still get their answer.
        env.run(until=env.all_of([env.timeout(600)]))
        return Played(
            seconds=last - _BEGIN,
            floor_seconds=count / self._floor_rate,
            rate=self._pace.rate,
            floor_rate=self._floor_rate,
            bound_by=self._pace.bound_by,
            renewed=sum(host.outcome == "renewed" for host in hosts),
            failed=sum(host.outcome == "failed" for host in hosts),
            lost=sum(host.outcome == "" for host in hosts),
            single_seconds=[
                host.ended_at - host.listed_at if host.outcome == "renewed" and host.ended_at else float("inf")
                for host in self._singles
            ],
            production=self._production,
            production_asked=asked,
            production_throttled=throttled,
            meters=world.account.meters,
            quotas=world.account.quotas,
            causes=world.causes,
            last_states=world.children,
            transitions=world.transitions,
            invocations=world.functions.invocations,
            runs=world.runs,
            requeues=world.starts.requeues,
            most_invocations_at_once=world.account.most_in_flight,
            began=_BEGIN,
            ended=sorted(host.ended_at for host in hosts if host.outcome == "renewed" and host.ended_at is not None),
        )

    def _put(self, number: int, *, single: bool = False) -> Host:
        host = Host(f"{'s' if single else 'i'}-{number:017x}", self._env.now, single)
        self._world.hosts[host.host_id] = host
        return host

    def _scheduled(self, count: int) -> Generator[Event, Any, None]:
        for number in range(count):
            self._put(number)
        yield self._world.start({})

    def _enrolled(self, count: int) -> Generator[Event, Any, None]:
        """Every shard of the stream gathers its hosts: a full batch, or what has come within the window."""
        enrolment, assumed = self._workflow.enrolment, self._scenario.assumed
        shards = [self._env.process(self._shard(numbers, enrolment)) for numbers in _dealt(count, assumed.shards)]
        yield self._env.all_of(shards)

    def _shard(self, numbers: range, enrolment: Any) -> Generator[Event, Any, None]:
        rate = self._scenario.assumed.put_rate / self._scenario.assumed.shards
        left, runs = iter(numbers), []
        while batch := list(islice(left, enrolment.batch)):
            due = self._env.now + min(len(batch) / rate, enrolment.window)
            hosts = [self._put(number) for number in batch]
            yield self._env.timeout(due - self._env.now if len(batch) == enrolment.batch else enrolment.window)
            yield self._env.timeout(self._world.uniform(_CERT_ENROLL_SECONDS))
            runs.append(self._world.start({"hostIDs": [host.host_id for host in hosts]}))
        if runs:
            yield self._env.all_of(runs)

    def _put_singles(self, every: float, main: Event) -> Generator[Event, Any, None]:
        """Hosts that are put in one by one, at random times, while the fleet is at it."""
        while main.is_alive:  # type: ignore[attr-defined]  # the process that it is
            yield self._env.timeout(self._random.expovariate(1 / every))
            if not main.is_alive:  # type: ignore[attr-defined]
                return
            host = self._put(len(self._singles), single=True)
            self._singles.append(host)
            self._env.process(self._enrol(host))

    def _enrol(self, host: Host) -> Generator[Event, Any, None]:
        yield self._env.timeout(self._workflow.enrolment.window + self._world.uniform(_CERT_ENROLL_SECONDS))
        yield self._world.start({"hostIDs": [host.host_id]})

    def _produce(self) -> Generator[Event, Any, None]:
        """The account's own workloads: each asks with the signing helper, whose SDK tries again."""
        if self._production <= 0:
            return
        while True:
            yield self._env.timeout(self._random.expovariate(self._production))
            self._env.process(session(self._world.account, self._random, self._note))

    def _note(self, passed: bool) -> None:
        self._asked += 1
        self._throttled += not passed


def _dealt(count: int, shards: int) -> Iterator[range]:
    for shard in range(shards):
        if numbers := range(shard, count, shards):
            yield numbers
