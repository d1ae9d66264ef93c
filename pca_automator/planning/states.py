"""Playing a workflow of the Amazon States Language in simulated time.

Task, Choice, Wait, Pass, Succeed, Fail and the Distributed Map, with Retry, Catch, timeouts, task tokens and
tolerated failures. Everything that a definition can say and that is not played is refused before the first host.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pca_automator.planning import paths
from pca_automator.planning.compiling import State, compiled, matches
from pca_automator.planning.errors import StateError, Unplayable

if TYPE_CHECKING:
    from simpy import Environment, Event

Steps = Generator["Event", Any, Any]


class World(Protocol):
    """What a workflow is played in."""

    env: Environment

    def entered(self) -> float:
        """Count a transition. Returns how long Step Functions makes it wait."""

    def random(self) -> float:
        """From 0 up to, without, 1."""

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Steps:
        """Invoke a function by the name of its state. Returns its answer, or raises a StateError."""

    def token(self) -> tuple[str, Event]:
        """A task token, and what happens when its task is completed; a StateError as its value fails the task."""

    def items(self, key: str) -> Sequence[Mapping[str, Any]]:
        """The lines of an object that a Distributed Map reads."""

    def child(self, steps: Steps) -> Event:
        """Start a child execution of a map. Returns what happens when it has ended."""

    def next_child(self) -> float:
        """Count a start of a child. Returns how long Step Functions makes it wait."""

    def ended(self, item: Mapping[str, Any], outcome: Outcome) -> None:
        """A child execution is over."""


@dataclass
class Outcome:
    """How an execution ended."""

    succeeded: bool
    output: Any = None
    error: str = ""
    last_state: str = ""
    transitions: int = 0


class Machine:
    """A state machine, or the item processor of a map.

    Args:
        definition: with ``StartAt`` and ``States``.

    Raises:
        Unplayable: it says something that a plan cannot play.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
            raise Unplayable("the query language JSONata")
        self.start_at = str(definition["StartAt"])
        self.states = {name: compiled(name, given) for name, given in definition["States"].items()}
        for state in self.states.values():
            if state.kind == "Map":
                state.children = Machine(state.given["ItemProcessor"])

    @property
    def maps(self) -> list[Machine]:
        """The item processors of this machine's maps."""
        return [state.children for state in self.states.values() if state.children is not None]

    def run(self, world: World, data: Any, context: Mapping[str, Any]) -> Generator[Event, Any, Outcome]:
        """Play one execution. Returns how it ended; a failure is an outcome, no exception."""
        name, outcome = self.start_at, Outcome(False)
        while True:
            state = self.states[name]
            outcome.transitions += 1
            outcome.last_state = name
            if delay := world.entered():
                yield world.env.timeout(delay)
            if state.kind == "Choice":
                try:
                    name = next((target for rule, target in state.choices if rule(data, context)), state.next or "")
                except StateError as error:
                    outcome.error = error.name
                    return outcome
                if not name:
                    outcome.error = "States.NoChoiceMatched"
                    return outcome
                continue
            if state.kind == "Succeed":
                return _ended(state, data, context, outcome)
            if state.kind == "Fail":
                outcome.error = str(state.given.get("Error", ""))
                return outcome
            try:
                data = yield from _played(state, world, data, context, outcome)
            except StateError as error:
                catcher = next((each for each in state.catchers if matches(each.errors, error.name)), None)
                if catcher is None:
                    outcome.error = error.name
                    return outcome
                data = catcher.write(data, {"Error": error.name, "Cause": error.cause})
                name = catcher.next
                continue
            if state.next is None:
                outcome.succeeded, outcome.output = True, data
                return outcome
            name = state.next


def _ended(state: State, data: Any, context: Mapping[str, Any], outcome: Outcome) -> Outcome:
    """An execution that ends well, with all of its data or a part of them."""
    try:
        given = data if state.read is None else state.read(data, context)
        outcome.output = given if state.end_with is None else state.end_with(given, context)
    except StateError as error:
        outcome.error = error.name
        return outcome
    outcome.succeeded = True
    return outcome


def _played(
    state: State, world: World, data: Any, context: Mapping[str, Any], outcome: Outcome
) -> Generator[Event, Any, Any]:
    """One state, with its retries. Returns the data behind it."""
    given = data if state.read is None else state.read(data, context)
    if state.kind == "Wait":
        yield world.env.timeout(_waiting(state, world, given, context))
        return given
    if state.kind == "Pass":
        result = state.given.get("Result", given) if state.parameters is None else state.parameters(given, context)
        return state.write(data, result)
    attempts = [0] * len(state.retriers)
    while True:
        try:
            result = yield from (_task if state.kind == "Task" else _map)(state, world, given, context)
            return state.write(data, result if state.select is None else state.select(result, context))
        except StateError as error:
            number = next(
                (index for index, each in enumerate(state.retriers) if matches(each.errors, error.name)), None
            )
            if number is None or attempts[number] >= state.retriers[number].attempts:
                raise
            delay = state.retriers[number].delay(attempts[number], world.random())
            attempts[number] += 1
            outcome.transitions += 1
            yield world.env.timeout(delay + world.entered())


def _waiting(state: State, world: World, data: Any, context: Mapping[str, Any]) -> float:
    if "Seconds" in state.given:
        return float(state.given["Seconds"])
    if "SecondsPath" in state.given:
        assert state.wait_path is not None
        return max(0.0, float(state.wait_path(data, context)))
    text = state.given["Timestamp"] if state.wait_path is None else state.wait_path(data, context)
    return max(0.0, paths.moment(text) - world.env.now)


def _task(state: State, world: World, data: Any, context: Mapping[str, Any]) -> Generator[Event, Any, Any]:
    assert state.parameters is not None
    if not state.by_token:
        payload = state.parameters(data, context)["Payload"]
        answer = yield from world.invoke(state.name, payload)
        return {"Payload": answer}
    token, completed = world.token()
    payload = state.parameters(data, {**context, "Task": {"Token": token}})["Payload"]
    begin = world.env.now
    yield from world.invoke(state.name, payload)
    left = state.timeout - (world.env.now - begin)
    if not completed.triggered:
        # inf: a simulated clock has no end, so a task without a timeout waits for its token alone.
        yield completed if left == float("inf") else completed | world.env.timeout(max(0.0, left))
    if not completed.triggered:
        raise StateError("States.Timeout", "no one completed the task in time")
    if isinstance(completed.value, StateError):
        raise completed.value
    return completed.value


def _map(state: State, world: World, data: Any, context: Mapping[str, Any]) -> Generator[Event, Any, Any]:
    """A child execution for each item, no more at once than allowed, started no faster than Step Functions does."""
    assert state.items_key is not None
    assert state.parameters is not None
    assert state.children is not None
    items = world.items(state.items_key(data, context))
    run = _Run(
        state.children,
        world,
        most=int(state.given.get("MaxConcurrency") or 10_000)
        if state.concurrency is None
        else int(state.concurrency(data, context)),
        tolerated=float(state.given.get("ToleratedFailurePercentage", 0)) / 100 * len(items),
    )
    parameters = state.parameters
    inputs = ((item, parameters(data, {**context, "Map": {"Item": {"Value": item}}})) for item in items)
    yield from run.all_of(inputs, context)
    if run.failed > run.tolerated:
        raise StateError("States.ExceedToleratedFailureThreshold", f"{run.failed} children failed")
    return []


@dataclass
class _Run:
    """A map run."""

    machine: Machine
    world: World
    most: int
    tolerated: float
    active: int = 0
    failed: int = 0
    freed: Event | None = None

    def all_of(
        self, inputs: Iterable[tuple[Mapping[str, Any], Any]], context: Mapping[str, Any]
    ) -> Generator[Event, Any, None]:
        """Start every child, and wait for the last."""
        for item, given in inputs:
            while self.active >= self.most:
                yield self._next_end()
            if self.failed > self.tolerated:
                break
            if delay := self.world.next_child():
                yield self.world.env.timeout(delay)
            self.active += 1
            self.world.child(self._one(item, given, context))
        while self.active:
            yield self._next_end()

    def _next_end(self) -> Event:
        self.freed = self.world.env.event()
        return self.freed

    def _one(self, item: Mapping[str, Any], given: Any, context: Mapping[str, Any]) -> Generator[Event, Any, None]:
        outcome = yield from self.machine.run(self.world, given, context)
        self.active -= 1
        self.failed += not outcome.succeeded
        self.world.ended(item, outcome)
        if self.freed is not None and not self.freed.triggered:
            self.freed.succeed()
