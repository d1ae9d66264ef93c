"""``status`` asks as much of any fleet beside the table's pages, and what AWS refuses costs its own line."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from pca_automator.cli.deployed.deployment import Aws
from pca_automator.cli.runtime import runtime
from tests.cli.broken import one_of
from tests.cli.conftest import CA_ARN, FUNCTIONS, REGION, Answer, Deployed, a_crl, error, host, resources

# How often each is asked on the fakes, which have one resource of most kinds. GetFunctionConfiguration: once for each
# function, and once more for the settings of each whose settings are needed.
ASKED = {
    "BatchGetItem": 1, "DescribeAlarms": 1, "DescribeCertificateAuthority": 3, "DescribeDocument": 2,
    "DescribeExecution": 1, "DescribeKey": 1, "DescribeRule": 1, "DescribeStateMachine": 1, "DescribeTable": 3,
    "GetDocument": 2, "GetEventSourceMapping": 1, "GetFunctionConcurrency": 7, "GetFunctionConfiguration": 12,
    "GetItem": 2, "GetMetricData": 1, "GetProfile": 1, "GetQueueAttributes": 1, "GetSchedule": 2,
    "GetTopicAttributes": 1, "GetTrustAnchor": 1, "HeadObject": 1, "ListCrls": 1, "ListExecutions": 1,
    "ListStackResources": 1, "ListTargetsByRule": 1, "Scan": 1,
}  # fmt: skip
# Without the stack, and without the settings that name the table, there is nothing to look at.
NEEDED = {"ListStackResources", "GetFunctionConfiguration"}
REFUSALS = {
    "refused": (error("AccessDeniedException", "no", "Call", 403), 4),
    "unavailable": (error("ThrottlingException", "slow", "Call"), 5),
}


@pytest.fixture(autouse=True)
def _clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for every command of a test: making them takes longer than everything else."""
    shared = Aws(REGION)
    monkeypatch.setattr("pca_automator.cli.verbs.verb.Aws", lambda *_: shared)


def healthy(deployed: Deployed) -> None:
    deployed.live(1)
    a_crl(deployed, 100)


def asked(deployed: Deployed) -> Counter[str]:
    before = len(deployed.calls)
    assert deployed.invoke("status").exit_code in (0, 1)
    return Counter(operation for operation, _ in deployed.calls[before:])


def test_as_much_is_asked_of_a_small_fleet_as_of_a_large_one_beside_the_pages_of_its_table(deployed: Deployed) -> None:
    healthy(deployed)
    assert asked(deployed) == ASKED
    for number in range(2, 40):
        deployed.live(number, status="FAILED", lastError={"code": "NO_SPACE"})
    assert asked(deployed) == ASKED
    to_value = runtime("shared.expressions").to_value

    def scan(request: dict[str, dict[str, dict[str, str]]]) -> dict[str, object]:
        page = int(request.get("ExclusiveStartKey", {}).get("hostID", {}).get("S", "0"))
        items = [{"hostID": to_value(host(page * 1_000 + number)), "status": {"S": "FAILED"}} for number in range(500)]
        return {"Items": items, **({"LastEvaluatedKey": {"hostID": {"S": str(page + 1)}}} if page < 6 else {})}

    deployed.answers["Scan"] = scan  # type: ignore[assignment]
    assert asked(deployed) == ASKED | {"Scan": 7}


@pytest.mark.parametrize("state", REFUSALS)
def test_a_look_that_is_refused_costs_its_own_line(deployed: Deployed, state: str) -> None:
    healthy(deployed)
    refusal, status = REFUSALS[state]
    for operation in sorted(set(ASKED) - NEEDED):
        genuine = deployed.answers.pop(operation, None)
        deployed.answers[operation] = refusal
        done = deployed.invoke("status", "--output", "json")
        answer = json.loads(done.stdout)
        assert answer["hosts"] == (None if operation == "Scan" else 1), operation
        # Of some things there are several: each has a line.
        assert {found["state"] for found in answer["findings"]} == {state}, operation
        assert all(found["text"].startswith("could not be looked at: ") for found in answer["findings"]), operation
        assert len(answer["findings"]) <= ASKED[operation], operation
        assert (done.exit_code, done.stderr.count("\n")) == (status, 1), operation
        del deployed.answers[operation]
        deployed.answers |= {} if genuine is None else {operation: genuine}
    deployed.answers["ListCrls"] = refusal
    assert "next run" in deployed.invoke("status").stdout
    rows = json.loads(deployed.invoke("doctor", "--output", "json").stdout)
    assert sum(row["result"] == "ok" for row in rows) == len(rows) - 1


def test_settings_that_nobody_may_read_cost_the_lines_that_need_them(deployed: Deployed) -> None:
    healthy(deployed)
    genuine = deployed.answers["GetFunctionConfiguration"]
    for function in sorted(set(FUNCTIONS) - {"CertCheck"}):
        one_of("GetFunctionConfiguration", "FunctionName", function, REFUSALS["refused"][0])(deployed)
        done = deployed.invoke("status", "--output", "json")
        answer = json.loads(done.stdout)
        assert (done.exit_code, answer["hosts"]) == (4, 1), function
        assert {found["state"] for found in answer["findings"]} == {"refused"}, function
        assert f"function {named(function)}" in {found["part"] for found in answer["findings"]}
        deployed.answers["GetFunctionConfiguration"] = genuine


def named(function: str) -> str:
    """What the list calls a function."""
    (found,) = (
        each["LogicalResourceId"] for each in resources("")
        if each["ResourceType"] == "AWS::Lambda::Function" and each["PhysicalResourceId"] == function
    )  # fmt: skip
    return found[:-8]


@pytest.mark.parametrize("broken", ["Scan", "GetProfile"])
def test_an_inventory_that_cannot_be_read_hides_nothing_else(deployed: Deployed, broken: str) -> None:
    healthy(deployed)
    deployed.answers["Scan"] = REFUSALS["unavailable"][0]
    deployed.answers["GetProfile"] = {"profile": {"enabled": False}}
    done = deployed.invoke("status", "--output", "json")
    texts = " ".join(found["text"] for found in json.loads(done.stdout)["findings"])
    assert done.exit_code == 1
    assert {"Scan": "AWS throttles", "GetProfile": "the profile is disabled"}[broken] in texts


def test_a_deployment_without_hosts_is_looked_at_as_a_whole(deployed: Deployed) -> None:
    disabled: Answer = {"CertificateAuthority": {"Status": "DISABLED", "RevocationConfiguration": {}}}
    deployed.answers["DescribeCertificateAuthority"] = disabled
    done = deployed.invoke("doctor")
    assert done.exit_code == 1
    assert "the inventory is empty" in done.stdout
    assert f"  aws acm-pca update-certificate-authority --certificate-authority-arn {CA_ARN} --status ACTIVE " in (
        done.stdout
    )
