"""When the workflow looks at a host that never answers: what its definition says, state by state."""

from __future__ import annotations

import operator
from typing import Any


def looks(child: dict[str, Any], poll: str) -> list[int]:
    """Seconds from sending the command to each look, until the workflow gives up."""
    states, seconds, seen = child["States"], 0, []
    name = f"WaitFor{poll}"
    while states[name]["Type"] == "Wait":
        assert states[name]["Next"] == poll
        seconds += states[name]["Seconds"]
        seen.append(seconds)
        assert len(seen) <= 200, "it looks for ever"
        answer = states[states[poll]["Next"]]
        name = next((each["Next"] for each in answer["Choices"] if _holds(each, len(seen))), answer["Default"])
    given_up = states[name]
    assert states[given_up["Next"]]["Result"] == {"phase": poll}
    assert given_up["Result"]["Cause"] == f"the host did not finish within {seen[-1]} s"
    return seen


def _holds(choice: dict[str, Any], attempt: int) -> bool:
    """Whether a rule takes the answer that a host is not done, to so many looks."""
    if "StringEquals" in choice:
        return bool(choice["StringEquals"] == "PENDING")
    bounds = {"NumericEquals": operator.eq, "NumericGreaterThan": operator.gt, "NumericGreaterThanEquals": operator.ge}
    (name,) = bounds.keys() & choice.keys()
    return bool(bounds[name](attempt, choice[name]))
