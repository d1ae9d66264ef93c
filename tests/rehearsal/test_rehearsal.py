"""One small rehearsal, as a user runs it: the real sample app, the real CDK CLI, six hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pca_automator.pictures.data import read
from tests.pictures.looking import outside, parsed

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "hosts", "deployed", "validated", "second_run_due", "renewed_again", "pair_mismatches_seen", "healthy_in_bad_run",
    "failed_as_expected", "old_pairs_kept", "notifications", "revoked_denied", "others_still_accepted", "crl_updates",
    "seconds", "per_renewal", "rollbacks", "takeovers", "enrolled_within_seconds", "crls_accepted", "crls_refused",
    "profiles_issued", "profiles_refused", "hostile_items", "retired_denied", "registered_by_tag", "events",
    "metrics", "digests", "facts", "limits",
}  # fmt: skip


def rehearsed(build: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "pca_automator.cli.main", "rehearse", "--hosts", "6", "--output", "json", *options]
    run = subprocess.run(
        [*command, "--build", str(build)], cwd=ROOT, capture_output=True, text=True, timeout=480, check=False
    )
    assert run.returncode == 0, run.stderr[-6000:]
    report: dict[str, Any] = json.loads(run.stdout)
    assert report == json.loads((build / "report.json").read_text())
    return report


@pytest.mark.long
@pytest.mark.rehearsal
def test_everything_holds_where_aws_answers_otherwise_to_all_that_is_assumed(tmp_path: Path) -> None:
    report = rehearsed(tmp_path, "--otherwise", "all")
    assert report["ok"] is True
    assert {"private-ca.revoker-object", "roles-anywhere.source-account", "roles-anywhere.anchor-follows"} <= set(
        report["facts"]["assumed"]
    )


@pytest.mark.rehearsal
def test_a_small_rehearsal_holds_every_expectation(tmp_path: Path) -> None:
    report = rehearsed(tmp_path)
    assert set(report) >= KEYS
    assert report["ok"] is True
    assert (report["hosts"], report["deployed"], report["validated"]) == (6, 6, 6)
    assert report["pair_mismatches_seen"] == 0
    assert report["per_renewal"]["at_best"] == {"state_transitions": 11, "lambda_invocations": 5}
    assert report["per_renewal"]["api_calls"]["acm-pca.IssueCertificate"] == 1
    assert report["per_renewal"]["api_calls"]["ssm.SendCommand"] == 2
    assert report["per_renewal"]["api_calls"]["events.PutEvents"] == 1
    assert report["limits"]["refused"] == {}
    assert 0 < report["limits"]["largest"]["events of a child execution"] < 100
    assert set(report["events"]) == {"Host Renewed", "Host Renewal Failed", "Run Report"}
    assert {"LeastSecondsLeft", "FirstPercentileSecondsLeft", "CaSecondsLeft", "RunSeconds"} <= set(report["metrics"])
    assert Path(report["log"]).exists()
    expect_page(tmp_path, report)


def expect_page(build: Path, report: dict[str, Any]) -> None:
    """The page has every host, phase and expectation; every renewal that was told of has its place."""
    page = read((build / "page.json").read_bytes())
    text = parsed((build / "page.html").read_text(encoding="utf-8")).text
    assert outside((build / "page.html").read_text(encoding="utf-8")) == []
    hosts = {path.name for path in Path(report["log"]).parent.joinpath("fleet").iterdir()}
    shown = {host.host_id for host in page.hosts}
    assert len(shown) >= 6
    assert shown <= hosts
    assert all(host in text for host in shown)
    assert [phase.name for phase in page.phases] == list(report["seconds"])
    assert sum(len(phase.expectations) for phase in page.phases) == len(report["expectations"])
    outcomes = Counter(each.outcome for each in page.renewals)
    assert outcomes["renewed"] == report["events"]["Host Renewed"]
    assert outcomes["failed"] == report["events"]["Host Renewal Failed"]
    assert all(each.started_at and each.ended_at for each in page.renewals if each.outcome == "renewed")
    assert {"HOST_UNKNOWN_TO_SSM", "CSR_WRONG_SUBJECT"} <= {cause.code for cause in page.causes}
    assert page.crl is not None
    assert len(page.crl.history) > 3
    assert len(page.certificates) > 12
