"""``pca-automator hosts restore``."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Deployed, error, host, stamp


@pytest.fixture
def retired(deployed: Deployed) -> Deployed:
    """One host that has left, one whose revocation is not done yet, and one that never left."""
    left = {
        "status": "RETIRED",
        "retiredAt": stamp(deployed.now),
        "revocationReason": "SUPERSEDED",
        "dnsNames": ["a.b"],
    }
    deployed.put(host(1), **left)
    deployed.put(host(2), **left, revocationOrder="order-1")
    deployed.live(3)
    return deployed


def test_restore_takes_the_retirement_alone_from_who_has_left(retired: Deployed) -> None:
    before = retired.items()
    done = retired.invoke("hosts", "restore", host(1), host(1), "--output", "jsonl")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"hostID": host(1), "result": "restored"})
    assert "1 host restored. What was revoked stays revoked." in done.stderr
    assert retired.items() == before | {host(1): {"hostID": host(1), "dnsNames": ["a.b"]}}


def test_restore_leaves_who_still_waits_for_its_revocation_and_who_never_left(retired: Deployed) -> None:
    before = retired.items()
    done = retired.invoke("hosts", "restore", host(2), host(3), "--output", "jsonl")
    assert done.exit_code == 1
    assert "2 hosts not restored" in done.stderr
    assert {row["hostID"]: row["result"] for row in map(json.loads, done.stdout.splitlines())} == {
        host(2): "waits for its revocation: try again in an hour", host(3): "is not retired",
    }  # fmt: skip
    assert retired.items() == before


def test_restore_dry_run_writes_nothing_and_is_no_failure(retired: Deployed) -> None:
    before = retired.items()
    done = retired.invoke("hosts", "restore", host(1), host(3), "--dry-run", "--output", "jsonl")
    assert (done.exit_code, json.loads(done.stdout.splitlines()[0])["result"]) == (0, "would be restored")
    assert retired.items() == before
    assert retired.called("UpdateItem") == []


def test_restore_of_an_unknown_host_restores_nobody(retired: Deployed) -> None:
    before = retired.items()
    assert retired.invoke("hosts", "restore", host(1), host(9)).exit_code != 0
    assert retired.items() == before


def test_restore_says_who_was_changed_meanwhile_and_what_aws_refuses(retired: Deployed) -> None:
    retired.answers["UpdateItem"] = error("ConditionalCheckFailedException")
    done = retired.invoke("hosts", "restore", host(1), "--output", "jsonl")
    assert (done.exit_code, json.loads(done.stdout)["result"]) == (1, "was changed meanwhile")
    retired.answers["UpdateItem"] = error("AccessDeniedException", "not you", "UpdateItem")
    done = retired.invoke("hosts", "restore", host(1))
    assert done.exit_code != 0
    assert "restored" not in done.stderr
