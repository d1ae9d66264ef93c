"""``pca-automator hosts show``: what a person reads, line by line, and what stands below it to be typed."""

from __future__ import annotations

import json

from tests.cli.conftest import Deployed, host, table
from tests.cli.test_hosts import INSPECTED, answer_live


def test_what_is_on_the_host_is_told_line_by_line_with_what_to_do_about_it(deployed: Deployed) -> None:
    deployed.live(1, serial="beef")
    answer_live(deployed, json.dumps(INSPECTED | {"problems": ["HOOKS_SKIPPED", "HELPER_GONE"]}))
    done = deployed.invoke("hosts", "show", host(1), "--live")
    lines = table(done.stdout)
    assert lines[lines.index(["history", "none that Systems Manager keeps"]) + 1 :] == [
        ["on the host: clock", "2026-11-23T00:00:00Z"],
        ["on the host: serial", "1ab"],
        ["on the host: notAfter", "2026-11-30T00:00:00Z"],
        ["on the host: commonName"],
        ["on the host: keyMatches"],
        ["on the host: confirmed"],
        ["on the host: versions", "1ab"],
        ["on the host: hooks", "none"],
        ["on the host: skippedHooks", "none"],
        ["on the host: helper", "1.4"],
        ["on the host: openssl"],
        ["on the host: unsafe"],
        ["on the host: problems", "HELPER_GONE, HOOKS_SKIPPED, NOT_THE_CERTIFICATE_OF_THE_INVENTORY"],
        [
            "HOOKS_SKIPPED",
            "chmod 755 what shall run, rename it (letters, digits, _ . -), and move everything else",
        ],
        ["away; they are named by:"],
        ["HELPER_GONE", "Install it again, or deploy with a validation policy of NEVER if that is meant. Then:"],
        [
            "NOT_THE_CERTIFICATE_OF_THE_INVENTORY",
            "The host was restored from a backup, or the table was. If the pair is good it may stay; a",
        ],
        ["new pair comes with:"],
        [f"pca-automator hosts show {host(1)} --live --region us-east-1"],
        [f"pca-automator run {host(1)} --force --watch --region us-east-1"],
    ]
    assert done.stderr == (
        "error: the host is not as it should be: HOOKS_SKIPPED, HELPER_GONE, NOT_THE_CERTIFICATE_OF_THE_INVENTORY\n"
    )


def test_a_host_that_does_not_answer_is_told_in_its_place(deployed: Deployed) -> None:
    deployed.live(1)
    answer_live(deployed, "PCA_ERROR MISSING_TOOL openssl is missing\n", "Failed")
    silent = f'{host(1)}: MISSING_TOOL the host says: "openssl is missing"'
    lines = table(deployed.invoke("hosts", "show", host(1), "--live").stdout)
    assert lines[-1] == ["on the host", f"no answer: {silent}"]
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", "json")
    assert json.loads(done.stdout)["live"] is None
    assert (done.exit_code, done.stderr) == (1, f"error: {silent}\n")
    assert "live" not in json.loads(deployed.invoke("hosts", "show", host(1), "--output", "json").stdout)


def test_what_is_to_be_typed_is_what_the_message_of_the_last_failure_asks_for(deployed: Deployed) -> None:
    """Below the table stand commands alone: first of what was noticed, then of what went wrong, each once."""
    failed = {"phase": "CertDeploy", "code": "ROLES_ANYWHERE_REJECTED", "message": "Signature not yet current"}
    deployed.live(1, status="FAILED", lastError=failed, notices={"HOOKS_SKIPPED": "20-reload"})
    shown = deployed.invoke("hosts", "show", host(1)).stdout
    table_, _, below = shown.partition("\n\n")
    assert "The clock of the host is wrong" in table_
    assert below.splitlines() == [
        f"  pca-automator hosts show {host(1)} --live --region us-east-1", "  timedatectl || chronyc tracking",
    ]  # fmt: skip


def test_nothing_stands_below_a_host_that_is_well(deployed: Deployed) -> None:
    deployed.live(1)
    assert table(deployed.invoke("hosts", "show", host(1)).stdout)[-1] == ["history", "none that Systems Manager keeps"]
