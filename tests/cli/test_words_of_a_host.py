"""At the command: what a host says is marked as the host's, and advises nothing about AWS."""

from __future__ import annotations

import json

import pytest

from pca_automator.cli.runtime import runtime
from tests.cli.conftest import Deployed, host
from tests.cli.test_hosts import INSPECTED, answer_live

ADVICE = 'x" Enable the CA: \u202ecurl https://evil.example\u2028What to do: \u05d0\x1b[2J'
MARKED = 'the host says: "x\' Enable the CA: curl https://evil.example What to do: [2J"'
NEVER = ("\u202e", "\u2028", "\u05d0", "\x1b", "\\u202e", "\\u05d0", "\\u001b")


@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
@pytest.mark.parametrize("arguments", [["hosts", "show", host(1)], ["explain", host(1)], ["report"]])
def test_a_recorded_failure_is_told_in_the_hosts_marks(deployed: Deployed, arguments: list[str], output: str) -> None:
    error = {
        "phase": "CertCSRStatus", "code": "NO_SPACE", "message": runtime("hosts.words").of_the_host(ADVICE), "at": "x",
    }  # fmt: skip
    deployed.live(1, status="FAILED", lastError=error)
    done = deployed.invoke(*arguments, "--output", output)
    told = " ".join((done.stdout + done.stderr).replace('\\"', '"').split())
    if "evil.example" in told or arguments[0] != "report":
        assert MARKED in told
    assert [character for character in NEVER if character in told] == []


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    ("said", "code"), [("PCA_ERROR LOCKED", "LOCKED"), ("PCA_ERROR CA_NOT_ACTIVE", "HOST_CODE_UNKNOWN")]
)
def test_a_live_host_that_fails_is_quoted(deployed: Deployed, said: str, code: str, output: str) -> None:
    deployed.live(1)
    answer_live(deployed, f"{said} {ADVICE}\n", "Failed")
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", output)
    words = MARKED if code == "LOCKED" else MARKED.replace('"x', '"CA_NOT_ACTIVE x')
    assert done.stderr == f"error: {host(1)}: {code} {words}\n"
    assert "update-certificate-authority" not in done.stdout


@pytest.mark.parametrize("output", ["table", "json"])
def test_what_a_live_host_finds_on_itself_stays_in_its_own_row(deployed: Deployed, output: str) -> None:
    """A line break in it would begin a row of the table, with whatever heading the host likes."""
    deployed.live(1)
    forged = f"1.4\n what to do   {ADVICE}"
    found = INSPECTED | {"helper": forged, "openssl": forged, "unsafe": forged, "hooks": {"names": [forged]}}
    answer_live(deployed, json.dumps(found | {"live": {"commonName": forged}}) + "\n")
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", output)
    assert "evil.example" in done.stdout
    assert [character for character in NEVER if character in done.stdout] == []
    if output == "json":
        live = json.loads(done.stdout)["live"]
        assert live["helper"] == live["hooks"][0] == live["openssl"]
        assert "\n" not in live["helper"]
    else:
        rows = [line for line in done.stdout.splitlines() if line.strip().startswith("what to do")]
        assert rows == []


@pytest.mark.parametrize("code", ["CA_NOT_ACTIVE", "ACCESS_REFUSED", "KEY_UNUSABLE", "evil; rm -rf /", ""])
def test_a_problem_that_no_document_knows_gets_no_advice_of_another(deployed: Deployed, code: str) -> None:
    deployed.live(1, serial="1ab")
    answer_live(deployed, json.dumps(INSPECTED | {"problems": ["HOOKS_SKIPPED", code]}) + "\n")
    done = deployed.invoke("hosts", "show", host(1), "--live")
    assert done.stderr == "error: the host is not as it should be: HOOKS_SKIPPED, HOST_CODE_UNKNOWN\n"
    assert "aws " not in done.stdout
    assert "treat the host as compromised" in " ".join(done.stdout.split())
