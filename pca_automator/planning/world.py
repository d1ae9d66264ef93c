"""One automation in one account: its hosts, its workflow's executions, and what they wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from pca_automator.planning.account import Account
from pca_automator.planning.assumed import Assumed
from pca_automator.planning.functions import Functions, timestamp
from pca_automator.planning.hosts import Fleet, Host, Proof
from pca_automator.planning.starts import Starts
from pca_automator.planning.states import Machine, Outcome, Steps

if TYPE_CHECKING:
    from simpy import Environment, Event


class FleetWorld:
    """What :class:`pca_automator.planning.states.Machine` is played in.

    Args:
        env: simulated time.
        account: quotas.
        machine: the workflow.
        starts: the ledger.
        assumed: times.
        proof: how hosts prove; None if they do not.
        paced: whether the workflow waits for reserved starts.
        random: for everything that chance decides.
        most_requeues: how often a throttled host goes back into the line.
    """

    def __init__(
        self,
        env: Environment,
        account: Account,
        machine: Machine,
        starts: Starts,
        assumed: Assumed,
        proof: Proof | None,
        *,
        paced: bool,
        random: Random,
        most_requeues: int,
    ) -> None:
        self.env = env
        self.account = account
        self.machine = machine
        self.starts = starts
        self.assumed = assumed
        self.paced = paced
        self.most_requeues = most_requeues
        self.hosts: dict[str, Host] = {}
        self.fleet = Fleet(account, assumed, proof, random)
        self.functions = Functions(self)
        self.causes: Counter[str] = Counter()
        self.children: Counter[str] = Counter()
        self.transitions = 0
        self.runs = 0
        self._random = random
        self._files: dict[str, list[dict[str, Any]]] = {}
        self._tokens: dict[str, Event] = {}
        for each in (machine, *machine.maps):
            self.functions.check(each.states)

    # What the workflow asks for.

    def entered(self) -> float:
        """Count a transition."""
        self.transitions += 1
        return self.account.queued("StateTransition")

    def random(self) -> float:
        """From 0 up to, without, 1."""
        return self._random.random()

    def uniform(self, pair: tuple[float, float]) -> float:
        """A time between two."""
        return self._random.uniform(*pair)

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Steps:
        """Invoke a function by the name of its state."""
        return self.functions.invoke(function, payload)

    def token(self) -> tuple[str, Event]:
        """A task token."""
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = self.env.event()
        return token, self._tokens[token]

    def completes(self, token: str) -> bool:
        """Whether a task still waits for its token."""
        return not self._tokens[token].triggered

    def complete(self, token: str, answer: Any) -> None:
        """Complete a task, unless it is over."""
        if not self._tokens[token].triggered:
            self._tokens[token].succeed(answer)

    def items(self, key: str) -> Sequence[Mapping[str, Any]]:
        """The hosts of a run, in the order in which its map starts them."""
        lines = self._files[key]
        if self.assumed.shuffled:
            lines = list(lines)
            self._random.shuffle(lines)
        return lines

    def child(self, steps: Steps) -> Event:
        """Start a child execution."""
        return self.env.process(steps)

    def next_child(self) -> float:
        """Count the start of a child."""
        return self.account.queued("StartChild")

    def ended(self, item: Mapping[str, Any], outcome: Outcome) -> None:
        """A child execution is over; one that failed without a record leaves its host without an outcome."""
        self.children[outcome.last_state] += 1
        if not outcome.succeeded and self.hosts[item["hostID"]].outcome == "":
            self.causes[f"not recorded: {outcome.error}"] += 1

    # What the functions ask for.

    def keep(self, run: str, lines: list[dict[str, Any]]) -> str:
        """Keep a run's list."""
        key = f"runs/{run}/hosts.jsonl"
        self._files[key] = lines
        return key

    def listed(self, wanted: Sequence[str] | None) -> list[Host]:
        """The hosts that a run looks at."""
        return list(self.hosts.values()) if wanted is None else [self.hosts[host_id] for host_id in wanted]

    def is_due(self, host: Host, now: float) -> bool:
        """Not renewed yet, put in by now, and in no open run's list."""
        return host.outcome != "renewed" and host.listed_at <= now and host.run is None

    def finish(self, host: Host, outcome: str, cause: str = "") -> None:
        """What the inventory says of a host at the end."""
        host.outcome, host.ended_at = outcome, self.env.now
        if outcome == "failed":
            host.run = None  # the next run takes it
        if cause:
            self.causes[cause] += 1

    # What starts runs.

    def start(self, given: Mapping[str, Any]) -> Event:
        """Start an execution. Returns what happens at its end."""
        self.runs += 1
        name = f"run-{self.runs}"
        context = {
            "Execution": {"Name": name, "Id": f"arn:{name}", "StartTime": timestamp(self.env.now), "Input": given}
        }
        return self.env.process(self._execution(given, context, self.account.queued("StartExecution")))

    def _execution(
        self, given: Mapping[str, Any], context: Mapping[str, Any], delay: float
    ) -> Generator[Event, Any, Outcome]:
        yield self.env.timeout(delay)
        return (yield from self.machine.run(self, given, context))
