"""One small rehearsal, as a user runs it: the real sample app, the real CDK CLI, six hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "hosts", "deployed", "validated", "second_run_due", "renewed_again", "pair_mismatches_seen", "healthy_in_bad_run",
    "failed_as_expected", "old_pairs_kept", "notifications", "revoked_denied", "others_still_accepted", "crl_updates",
    "seconds", "per_renewal", "rollbacks", "takeovers", "enrolled_within_seconds", "crls_accepted", "crls_refused",
    "retired_denied", "registered_by_tag", "events", "metrics", "digests",
}  # fmt: skip


@pytest.mark.rehearsal
def test_a_small_rehearsal_holds_every_expectation(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pca_automator.cli.main", "rehearse", "--hosts", "6", "--json"]
    run = subprocess.run(
        [*command, "--build", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=480, check=False
    )
    assert run.returncode == 0, run.stderr[-6000:]
    report = json.loads(run.stdout)
    assert report == json.loads((tmp_path / "report.json").read_text())
    assert set(report) >= KEYS
    assert report["ok"] is True
    assert (report["hosts"], report["deployed"], report["validated"]) == (6, 6, 6)
    assert report["pair_mismatches_seen"] == 0
    assert report["per_renewal"]["at_best"] == {"state_transitions": 10, "lambda_invocations": 5}
    assert report["per_renewal"]["api_calls"]["acm-pca.IssueCertificate"] == 1
    assert report["per_renewal"]["api_calls"]["ssm.SendCommand"] == 2
    assert report["per_renewal"]["api_calls"]["events.PutEvents"] == 1
    assert set(report["events"]) == {"Host Renewed", "Host Renewal Failed", "Run Report"}
    assert {"LeastSecondsLeft", "FirstPercentileSecondsLeft", "CaSecondsLeft", "RunSeconds"} <= set(report["metrics"])
    assert Path(report["log"]).exists()
