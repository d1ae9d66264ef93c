"""Reading a definition of the Amazon States Language: each state is made ready to be played, or refused.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pca_automator.planning import paths
from pca_automator.planning.errors import Unplayable

if TYPE_CHECKING:
    from pca_automator.planning.states import Machine

_NEVER_CAUGHT_BY_WILDCARDS = ("States.Runtime", "States.DataLimitExceeded")
_LAMBDA = "arn:aws:states:::lambda:invoke"
_BY_TOKEN = ".waitForTaskToken"  # noqa: S105 - the end of a resource
_COMMON = {"Type", "Comment", "Next", "End", "InputPath", "OutputPath", "ResultPath", "QueryLanguage"}
_ALLOWED = {
    "Task": {"Resource", "Parameters", "ResultSelector", "Retry", "Catch", "TimeoutSeconds"},
    "Choice": {"Choices", "Default"},
    "Wait": {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Pass": {"Result", "Parameters"},
    "Succeed": set[str](),
    "Fail": {"Error", "Cause"},
    "Map": {
        "ItemReader", "ItemSelector", "ItemProcessor", "ResultWriter", "MaxConcurrency", "MaxConcurrencyPath", "Label",
        "ToleratedFailurePercentage", "Retry", "Catch",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Retrier:
    """One entry of Retry."""

    errors: tuple[str, ...]
    interval: float
    attempts: int
    backoff: float
    most: float
    jitter: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Retrier:
        """As the definition has it, with the defaults of the language."""
        return cls(
            tuple(given["ErrorEquals"]),
            float(given.get("IntervalSeconds", 1)),
            int(given.get("MaxAttempts", 3)),
            float(given.get("BackoffRate", 2)),
            float(given.get("MaxDelaySeconds", float("inf"))),
            given.get("JitterStrategy") == "FULL",
        )

    def delay(self, attempt: int, lot: float) -> float:
        """Seconds before the next attempt."""
        whole = min(self.interval * self.backoff**attempt, self.most)
        return whole * lot if self.jitter else whole


@dataclass(frozen=True)
class Catcher:
    """One entry of Catch."""

    errors: tuple[str, ...]
    write: paths.Writer
    next: str


def matches(errors: Sequence[str], name: str) -> bool:
    """Whether ``ErrorEquals`` means an error."""
    if name in errors:
        return True
    if name in _NEVER_CAUGHT_BY_WILDCARDS:
        return False
    return "States.ALL" in errors or ("States.TaskFailed" in errors and name != "States.Timeout")


@dataclass
class State:
    """One state, ready to be played."""

    name: str
    kind: str
    next: str | None
    read: paths.Reader | None
    parameters: paths.Reader | None
    select: paths.Reader | None
    write: paths.Writer
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    choices: tuple[tuple[paths.Rule, str], ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = float("inf")
    by_token: bool = False
    children: Machine | None = None
    wait_path: paths.Reader | None = None
    items_key: paths.Reader | None = None
    concurrency: paths.Reader | None = None
    end_with: paths.Reader | None = None


def compiled(name: str, given: Mapping[str, Any]) -> State:
    """A state, ready to be played; a map's children are the player's to add.

    Raises:
        Unplayable: it says something that a plan cannot play.
    """
    kind = str(given["Type"])
    if kind not in _ALLOWED:
        raise Unplayable(f"a state of type {kind} ({name})")
    if unknown := sorted(given.keys() - _COMMON - _ALLOWED[kind]):
        raise Unplayable(f"{', '.join(unknown)} of the {kind} state {name}")
    output = given.get("OutputPath", "$")
    if given.get("QueryLanguage", "JSONPath") != "JSONPath" or (output != "$" and kind != "Succeed"):
        raise Unplayable(f"JSONata, or an OutputPath, of the {kind} state {name}")
    state = State(
        name,
        kind,
        given.get("Default") if kind == "Choice" else given.get("Next"),
        paths.reader(given["InputPath"]) if given.get("InputPath", "$") != "$" else None,
        paths.template(given["Parameters"]) if "Parameters" in given else None,
        paths.template(given["ResultSelector"]) if "ResultSelector" in given else None,
        paths.writer(given.get("ResultPath", "$")),
        tuple(Retrier.of(each) for each in given.get("Retry", ())),
        tuple(
            Catcher(tuple(each["ErrorEquals"]), paths.writer(each.get("ResultPath", "$")), each["Next"])
            for each in given.get("Catch", ())
        ),
        tuple((paths.rule(each), each["Next"]) for each in given.get("Choices", ())),
        given,
        float(given.get("TimeoutSeconds", float("inf"))),
        end_with=paths.reader(output) if output != "$" else None,
    )
    if kind == "Task":
        resource = str(given["Resource"]).replace(":aws-cn:", ":aws:").replace(":aws-us-gov:", ":aws:")
        if resource.removesuffix(_BY_TOKEN) != _LAMBDA or state.parameters is None:
            raise Unplayable(f"the resource {resource} of the state {name}")
        state.by_token = resource.endswith(_BY_TOKEN)
    if kind == "Wait":
        path = given.get("SecondsPath") or given.get("TimestampPath")
        state.wait_path = paths.reader(path) if path else None
    if kind == "Map":
        _compile_map(state)
    return state


def _compile_map(state: State) -> None:
    given = state.given
    if given["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
        raise Unplayable(f"the inline map {state.name}")
    arguments = given.get("ItemReader", {}).get("Parameters", {})
    if "Key.$" not in arguments:
        raise Unplayable(f"the map {state.name}, which reads no object named by its input")
    state.items_key = paths.reader(arguments["Key.$"])
    state.parameters = paths.template(given.get("ItemSelector", {}))
    if "MaxConcurrencyPath" in given:
        state.concurrency = paths.reader(given["MaxConcurrencyPath"])
