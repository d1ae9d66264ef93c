"""Before a run revokes what it replaces, it is said where the CRL would become larger than IAM Roles Anywhere takes."""

from __future__ import annotations

from typing import Any

import pytest

from pca_automator.cli.deployed.break_glass import overflow
from pca_automator.cli.runtime import runtime
from tests.cli.conftest import FUNCTIONS, Deployed, a_crl, deployment, host, resources

ALL = {"reissue": "all", "revokeReplaced": True}


def told(request: dict[str, Any]) -> str | None:
    return overflow(deployment(), request)


@pytest.fixture
def fleet(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Three hosts with a certificate, one that never had one, one that has left; a CRL of two, where four fit."""
    for number in (1, 2, 3):
        deployed.live(number)
    deployed.put(host(4), status="FAILED")
    deployed.live(5, status="RETIRED")
    a_crl(deployed, 100, revoked=(7, 8))
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", runtime("revocation.crl_size").pem_bytes(4))
    return deployed


def test_hosts_that_hold_a_certificate_are_added_to_the_entries_of_the_crl_in_force(fleet: Deployed) -> None:
    sizes = runtime("revocation.crl_size")
    words = told(ALL)
    assert words is not None
    assert words.startswith(
        "This run revokes the certificates of 3 hosts. The CRL has 2 entries and grows to "
        f"{sizes.pem_bytes(5):,} bytes; IAM Roles Anywhere takes {sizes.pem_bytes(4):,}, some 4,512 entries, and goes "
        "on with the last CRL that fitted"
    )
    (scan,) = fleet.called("Scan")
    assert set(scan["ExpressionAttributeNames"].values()) == {"hostID", "status", "expiry"}


@pytest.mark.parametrize(
    ("ids", "fits"),
    [([1, 2], True), ([1, 2, 3], False), ([1, 2, 4, 5, 6], True)],
)
def test_of_some_hosts_only_these_are_counted_and_what_just_fits_is_not_told_of(
    fleet: Deployed, ids: list[int], fits: bool
) -> None:
    request = {"hostIDs": [host(number) for number in ids], "force": True, "revokeReplaced": True}
    assert (told(request) is None) is fits
    assert fleet.called("Scan") == []
    (asked,) = fleet.called("BatchGetItem")
    assert set(asked["RequestItems"]["inventory"]["ExpressionAttributeNames"].values()) == {
        "hostID",
        "status",
        "expiry",
    }


@pytest.mark.parametrize(
    ("policy", "request_", "revokes"),
    [
        (None, {"reissue": "all"}, False),
        ("NEVER", {"reissue": "all"}, False),
        ("ON_KEY_COMPROMISE", {"reissue": "all"}, True),
        ("ON_KEY_COMPROMISE", {"reissue": "all", "revokeReplaced": False}, False),
        ("ALWAYS", {"reissue": "all", "revokeReplaced": False}, True),
        ("ALWAYS", {}, True),
    ],
)
def test_a_run_that_revokes_nothing_is_not_counted(
    fleet: Deployed, policy: str | None, request_: dict[str, Any], revokes: bool
) -> None:
    functions: Any = fleet.answers["GetFunctionConfiguration"]
    said = {**FUNCTIONS["CertCheck"], **({} if policy is None else {"REVOKE_REPLACED": policy})}
    fleet.answers["GetFunctionConfiguration"] = lambda asked: (
        {"Environment": {"Variables": said}} if asked["FunctionName"] == "CertCheck" else functions(asked)
    )
    assert (told(request_) is not None) is revokes
    assert bool(fleet.called("ListCrls")) is revokes


def test_without_a_crl_of_ours_there_are_no_entries_yet(fleet: Deployed) -> None:
    """Somebody else's, or of another trust anchor, is none; a page can be empty."""
    answer: Any = fleet.answers["ListCrls"]
    others = answer["crls"][:2]
    pages = {None: {"nextToken": "2"}, "2": {"crls": others, "nextToken": "3"}, "3": {"crls": answer["crls"][2:]}}
    fleet.answers["ListCrls"] = lambda asked: pages[asked.get("nextToken")]
    assert "The CRL has 2 entries" in str(told(ALL))
    fleet.answers["ListCrls"] = {"crls": others}
    assert told(ALL) is None
    fleet.live(6)
    fleet.live(7)
    assert "The CRL has 0 entries" in str(told(ALL))
    fleet.answers["ListCrls"] = {"crls": [{**answer["crls"][2], "crlData": answer["crls"][2]["crlData"].decode()}]}
    assert "The CRL has 2 entries" in str(told(ALL)), "as text, too"
    fleet.calls.clear()
    fleet.answers["ListStackResources"] = {
        "StackResourceSummaries": [each for each in resources() if "CRLProcessor" not in each["LogicalResourceId"]]
    }
    assert "The CRL has 0 entries" in str(told(ALL))
    assert fleet.called("ListCrls") == []


def test_one_is_said_as_one(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.live(1)
    a_crl(deployed, 100, revoked=(7,))
    monkeypatch.setattr(runtime("revocation.crl"), "PEM_MAX", runtime("revocation.crl_size").pem_bytes(1))
    assert "of 1 host. The CRL has 1 entry and grows" in str(told(ALL))
