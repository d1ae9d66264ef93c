"""The local AWS's shortcut for projections answers what MiniStack itself would answer."""

from __future__ import annotations

from typing import Any

import pytest
from ministack.services import dynamodb  # type: ignore[import-untyped]

from pca_automator.rehearsal.local_aws.projections import _whole_attributes_first

ITEM: dict[str, Any] = {
    "hostID": {"S": "i-1"},
    "status": {"S": "FAILED"},
    "lastError": {"M": {"code": {"S": "NO_SPACE"}, "phase": {"S": "CertCSR"}}},
    "dnsNames": {"L": [{"S": "a.example"}, {"S": "b.example"}]},
}
NAMES = {"#hostID": "hostID", "#status": "status", "#lastError": "lastError", "#code": "code", "#absent": "serial"}


@pytest.mark.parametrize(
    ("expression", "by_ministack"),
    [
        ("#hostID", 0),
        ("#hostID, #status,#lastError , #absent", 0),
        ("#lastError.#code", 1),
        ("#hostID, #lastError.#code", 1),
        ("hostID, dnsNames[1]", 1),
    ],
)
def test_a_projection_gives_what_ministack_gives(expression: str, by_ministack: int) -> None:
    asked = []

    def genuine(item: Any, expression: str, names: Any) -> Any:
        asked.append(expression)
        return dynamodb._project_item(item, expression, names)

    project = _whole_attributes_first(genuine)
    assert project(ITEM, expression, NAMES) == dynamodb._project_item(ITEM, expression, NAMES)
    assert len(asked) == by_ministack


def test_a_name_given_twice_is_left_to_ministack_to_refuse() -> None:
    project = _whole_attributes_first(dynamodb._project_item)
    with pytest.raises(ValueError, match="overlap"):
        project(ITEM, "#hostID, #other", {"#hostID": "hostID", "#other": "hostID"})
