"""Each call that a verb makes beyond the table can be denied or throttled: one line, and what it was."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Deployed, error, host
from tests.cli.test_failure_lines import ON_DEPLOYMENTS

BY_TAG = ("hosts", "add", "--tag", "team=web")
LIVE = ("hosts", "show", host(1), "--live")
WATCH = ("run", "--watch")
GOES_ON = [
    "run run-1 goes on without this command; to see it again:", "pca-automator runs watch run-1 --region us-east-1",
]  # fmt: skip
CALLS = [
    ("ListStackResources", ("hosts", "list")),
    ("DescribeStacks", ("hosts", "list", "--stack", "tag:team=web")),
    ("GetFunctionConfiguration", ("hosts", "list")),
    ("DescribeInstanceInformation", BY_TAG),
    ("UpdateItem", ON_DEPLOYMENTS["hosts set"]),
    ("ListCommandInvocations", ON_DEPLOYMENTS["hosts show"]),
    ("SendCommand", LIVE),
    ("GetCommandInvocation", LIVE),
    ("Invoke", ON_DEPLOYMENTS["hosts retire"]),
    ("StartExecution", ("run",)),
    ("DescribeExecution", WATCH),
    ("GetObject", WATCH),
    ("RevokeCertificate", ON_DEPLOYMENTS["revoke"]),
    ("ListExecutions", ("status",)),
    ("DescribeCertificateAuthority", ("status",)),
    ("ListCrls", ("status",)),
    ("GetSchedule", ("status",)),
    ("PutItem", ON_DEPLOYMENTS["verify"]),
    ("DeleteItem", ON_DEPLOYMENTS["verify"]),
]


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("AccessDeniedException", 4, "AWS denies"), ("ThrottlingException", 5, "AWS throttles")],
)
def test_a_call_that_is_refused_is_one_line(deployed: Deployed, code: str, status: int, words: str) -> None:
    deployed.live(1)
    deployed.answers["SendCommand"] = {"Command": {"CommandId": "11111111-2222-3333-4444-555555555555"}}
    for operation, arguments in CALLS:
        genuine = deployed.answers.get(operation)
        deployed.answers[operation] = error(code, "User is not authorized", operation)
        done = deployed.invoke(*arguments)
        if genuine is None:
            del deployed.answers[operation]
        else:
            deployed.answers[operation] = genuine
        said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert (done.exit_code, len(said)) == (status, 1), (operation, arguments, done.stderr, done.exception)
        assert words in said[0], (operation, arguments)
        assert operation in said[0]
        assert "Traceback" not in done.output


def test_a_watched_run_that_cannot_be_asked_any_more_goes_on(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.answers["DescribeExecution"] = error("ThrottlingException", "Rate exceeded", "DescribeExecution")
    done = deployed.invoke(*WATCH)
    assert done.exit_code == 5
    assert "\n".join(GOES_ON) in done.stderr


def test_ctrl_c_leaves_the_run_alone_and_says_so(deployed: Deployed) -> None:
    def interrupt(_: object) -> dict[str, object]:
        raise KeyboardInterrupt

    deployed.live(1)
    deployed.answers["DescribeExecution"] = interrupt
    done = deployed.invoke(*WATCH)
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-3:] == [*GOES_ON, "interrupted"]
    assert "StopExecution" not in {operation for operation, _ in deployed.calls}
