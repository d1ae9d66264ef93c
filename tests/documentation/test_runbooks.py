"""Each alarm of a deployment has a runbook: what it means, and what to type."""

from __future__ import annotations

import re

import pytest

from pca_automator.cli.runtime import runtime
from tests.cli.day import TO_LOOK
from tests.documentation.said import alarms
from tests.documentation.test_commands import NAME, ROOT, typed_on

OPERATIONS, *_OTHERS = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("operations", "authority", "renewal")
)
PROCEDURES = (
    "The CA is about to expire",
    "Issuing a new certificate to the whole fleet",
    "One host is compromised",
    "Restoring the table",
    "Upgrade and rollback",
)


def sections(level: int, page: str = OPERATIONS) -> dict[str, str]:
    """Headings of a level and the text below each, up to the next heading of the same or a higher level."""
    mark = rf"^#{{2,{level}}} "
    parts = re.split(rf"^({'#' * level} .*)$", page, flags=re.MULTILINE)
    bodies = zip(parts[1::2], parts[2::2], strict=True)
    return {head.lstrip("# "): re.split(mark, body, maxsplit=1, flags=re.MULTILINE)[0] for head, body in bodies}


def runbooks() -> dict[str, str]:
    """The runbook of each alarm; one section may be about two."""
    inside = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    found = {head: text for head, text in sections(3).items() if f"### {head}" in inside}
    return {name: text for head, text in found.items() for name in head.split(" and ")}


def test_each_alarm_has_a_runbook_and_each_runbook_an_alarm() -> None:
    assert len(alarms()) >= 8
    for logical_id in alarms():
        assert sum(logical_id.endswith(name) for name in runbooks()) == 1, logical_id
    for name in runbooks():
        assert any(logical_id.endswith(name) for logical_id in alarms()), name


def test_each_runbook_says_what_it_means_and_what_to_type() -> None:
    for name, text in runbooks().items():
        assert re.search(r"^\*[A-Z][^*]{20,}\*", text.strip()), f"{name} begins with its meaning"
        assert f"{NAME} " in text, name


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_each_procedure_has_its_steps(procedure: str) -> None:
    text = sections(2, "\n".join([OPERATIONS, *_OTHERS]))[procedure]
    assert NAME in text
    assert re.search(r"^(1\.|```sh)", text, re.MULTILINE)


def test_each_code_that_a_runbook_names_is_in_the_catalogue() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", OPERATIONS)) - {"PCA_AUTOMATOR_STACK", "AWS_ACM_PCA"}
    assert len(named) > 3
    assert named <= set(runtime("errors.catalogue").CATALOGUE)


def test_what_is_enough_to_look_is_what_the_local_aws_was_asked_with() -> None:
    (said,) = re.findall(r"^To look at a fleet .*?\bno more than\n(.*?), and use", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert tuple(re.findall(r"`([a-z\d-]+:\w+)`", said)) == TO_LOOK


def test_the_table_of_exit_statuses_is_the_commands() -> None:
    from pca_automator.cli import errors

    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", OPERATIONS, re.MULTILINE))
    statuses = (0, errors.FAILED, errors.USAGE, errors.NO_DEPLOYMENT, errors.REFUSED, errors.UNAVAILABLE)
    assert [int(each) for each in rows] == [*statuses, errors.INTERRUPTED]


def test_the_runbooks_have_more_than_one_command() -> None:
    assert len(list(typed_on("docs/operations.md"))) > 25
