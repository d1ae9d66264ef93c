"""Small machines and worlds for the tests of the plan."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pca_automator.planning.states import Machine, Outcome

Function = Callable[[Mapping[str, Any]], Any]


@dataclass
class SmallWorld:
    """A world whose functions answer at once, unless they say how long they take."""

    env: Any
    functions: Mapping[str, Function] = field(default_factory=dict)
    lines: Sequence[Mapping[str, Any]] = ()
    lot: float = 0.5
    calls: list[tuple[float, str, Any]] = field(default_factory=list)
    children: list[tuple[str, Outcome]] = field(default_factory=list)
    running: int = 0
    most: int = 0
    tokens: list[Any] = field(default_factory=list)

    def entered(self) -> float:
        return 0.0

    def random(self) -> float:
        return self.lot

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Generator[Any, Any, Any]:
        self.calls.append((self.env.now, function, payload))
        answer = self.functions[function](payload)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            seconds, answer = answer
            yield self.env.timeout(seconds)
        return answer
        yield

    def token(self) -> tuple[str, Any]:
        self.tokens.append(self.env.event())
        return f"token-{len(self.tokens)}", self.tokens[-1]

    def items(self, _key: str) -> Sequence[Mapping[str, Any]]:
        return self.lines

    def child(self, steps: Generator[Any, Any, Any]) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        return self.env.process(steps)

    def next_child(self) -> float:
        return 0.0

    def ended(self, item: Mapping[str, Any], outcome: Outcome) -> None:
        self.running -= 1
        self.children.append((str(item["hostID"]), outcome))


def world(**given: Any) -> SmallWorld:
    """A world that begins at 0."""
    import simpy

    return SmallWorld(simpy.Environment(), **given)


def run(played: SmallWorld, states: Mapping[str, Any], data: Any = None, start: str = "") -> Outcome:
    """Play a machine to its end."""
    machine = Machine({"StartAt": start or next(iter(states)), "States": states})
    context = {"Execution": {"Name": "run"}}
    outcome: Outcome = played.env.run(played.env.process(machine.run(played, data or {}, context)))
    return outcome


def task(function: str, **more: Any) -> dict[str, Any]:
    """A Lambda task that ends the machine."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {}},
        "End": True,
        **more,
    }
