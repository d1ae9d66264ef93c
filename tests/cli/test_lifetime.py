"""How long a CA lasts is told to each bound, and not where nobody can know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pca_automator.cli.deployed import lifetime
from tests.cli.conftest import FUNCTIONS, Deployed, deployment, resources

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def look(hosts: int, issued: int | None) -> dict[str, Any]:
    return lifetime.look(deployment(), hosts, issued, NOW)


def without(deployed: Deployed, word: str) -> None:
    deployed.answers["ListStackResources"] = {
        "StackResourceSummaries": [each for each in resources() if word not in each["LogicalResourceId"]]
    }


@pytest.mark.parametrize(
    ("hosts", "issued", "month", "used_up", "summary"),
    [
        (10_000, None, 16, "2028-03", "1,000,000 in all; used up in 2028-03, month 16 from now"),
        (10_000, 0, 16, "2028-03", "0 of 1,000,000 issued; used up in 2028-03, month 16 from now"),
        (10_000, 999_999, 1, "2026-11", "999,999 of 1,000,000 issued; used up in 2026-11, month 1 from now"),
        (10_000, 1_000_000, 1, "2026-11", "1,000,000 of 1,000,000 issued; used up in 2026-11, month 1 from now"),
        (1_302, 0, 120, "2036-11", "0 of 1,000,000 issued; used up in 2036-11, month 120 from now"),
        (1_301, 0, 121, "2036-11", "0 of 1,000,000 issued; enough for more than ten years"),
        (0, 5, None, None, "5 of 1,000,000 issued"),
        (1, 5, None, None, "5 of 1,000,000 issued"),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_the_month_in_which_a_ca_is_used_up_is_told(
    hosts: int, issued: int | None, month: int | None, used_up: str | None, summary: str
) -> None:
    """With certificates of 7 days that are replaced two to two and a half days before their end."""
    assert look(hosts, issued) == {
        "issued": issued, "allowed": 1_000_000, "month": month, "usedUp": used_up,
        "soon": issued is not None and issued >= 800_000, "summary": summary,
    }  # fmt: skip


@pytest.mark.parametrize(("issued", "soon"), [(799_999, False), (800_000, True)])
@pytest.mark.usefixtures("deployed")
def test_four_fifths_are_soon(issued: int, soon: bool) -> None:
    assert look(4, issued)["soon"] is soon


def test_a_ca_without_a_crl_of_its_own_has_no_limit(deployed: Deployed) -> None:
    without(deployed, "CRLProcessor")
    assert look(10_000, 999_999) == {
        "issued": 999_999, "allowed": None, "month": None, "usedUp": None, "soon": False, "summary": "no limit",
    }  # fmt: skip


@pytest.mark.parametrize("missing", ["CertIssue", "CertDeploy"])
def test_of_a_deployment_that_lacks_a_function_no_month_is_told(deployed: Deployed, missing: str) -> None:
    without(deployed, missing)
    assert look(10_000, 999_999) == {
        "issued": 999_999, "allowed": 1_000_000, "month": None, "usedUp": None, "soon": True,
        "summary": "999,999 of 1,000,000 issued",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["VALIDITY_DAYS", "RENEWAL_THRESHOLD_SECONDS", "RENEWAL_JITTER_SECONDS"])
@pytest.mark.parametrize("text", [None, "seven", ""])
def test_of_a_deployment_that_does_not_tell_its_times_no_month_is_told(
    deployed: Deployed, name: str, text: str | None
) -> None:
    def answer(asked: Any) -> dict[str, Any]:
        told = {key: value for key, value in FUNCTIONS[asked["FunctionName"]].items() if key != name}
        if text is not None and name in FUNCTIONS[asked["FunctionName"]]:
            told[name] = text
        return {"Environment": {"Variables": told}}

    deployed.answers["GetFunctionConfiguration"] = answer
    assert look(10_000, 5)["month"] is None


def certificates_of(deployed: Deployed, days: int, threshold: int, jitter: int) -> None:
    times = {
        "VALIDITY_DAYS": str(days), "RENEWAL_THRESHOLD_SECONDS": str(threshold), "RENEWAL_JITTER_SECONDS": str(jitter),
    }  # fmt: skip
    functions: Any = deployed.answers["GetFunctionConfiguration"]
    deployed.answers["GetFunctionConfiguration"] = lambda asked: {
        "Environment": {"Variables": {**functions(asked)["Environment"]["Variables"], **times}}
    }


def test_each_time_counts_in_its_own_unit(deployed: Deployed) -> None:
    certificates_of(deployed, 30, 864_000, 172_800)
    # A certificate lasts 19 days: 10,000 hosts take 16,009 a month.
    assert look(10_000, 0)["month"] == 63


def test_where_nobody_has_counted_nothing_was_issued(deployed: Deployed) -> None:
    """Each host takes one certificate a month: the last of a million is one more than all of them take in the first."""
    certificates_of(deployed, 60, 2_556_000, 0)
    assert [look(999_999, issued)["month"] for issued in (None, 0, 1)] == [2, 2, 1]
