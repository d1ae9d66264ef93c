"""What the ledger of certificates knows of a host, for a program and for a person; and all that it may hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pca_automator.cli.deployed import inventory, ledger
from pca_automator.cli.runtime import runtime
from tests.cli.conftest import Deployed, aws, deployment, host, stamp


def written(deployed: Deployed, request: str, **values: Any) -> Any:
    """An entry of the ledger, as it is read."""
    entry = {
        "hostID": host(1), "requestId": request, "runId": "run-1", "publicKeySha256": "x", "fate": "REQUESTED",
        "requestedAt": stamp(deployed.now), **values,
    }  # fmt: skip
    to_value = runtime("shared.expressions").to_value
    aws("dynamodb").put_item(TableName="ledger", Item={name: to_value(value) for name, value in entry.items()})
    return next(each for each in ledger.certificates(deployment(), host(1)) if each.request_id == request)


def test_an_entry_tells_a_program_what_is_known_and_nothing_else(deployed: Deployed) -> None:
    end = stamp(deployed.now + timedelta(hours=5))
    entry = written(
        deployed, "a", fate="ISSUED", serial="0a", notAfter=end, certificateArn="arn", reason="SUPERSEDED",
        installFailed="NO_SPACE",
    )  # fmt: skip
    assert ledger.as_json(entry) == {
        "serial": "0a", "fate": "ISSUED", "notAfter": end, "requestedAt": stamp(deployed.now), "runId": "run-1",
        "certificateArn": "arn", "toBeRevoked": "SUPERSEDED", "installFailed": "NO_SPACE",
    }  # fmt: skip
    assert ledger.as_line(entry) == f"issued, serial 0a, until {end}, to be revoked: SUPERSEDED"
    asked = written(deployed, "b")
    assert ledger.as_json(asked) == {"fate": "REQUESTED", "requestedAt": stamp(deployed.now), "runId": "run-1"}
    assert ledger.as_line(asked) == "requested, nobody knows yet whether it was issued"


def test_what_cannot_be_valid_any_more_is_left_out_and_the_newest_comes_first(deployed: Deployed) -> None:
    for serial, hours in (("0a", 5), ("0b", -1), ("0c", 9)):
        deployed.issued(host(1), serial, hours)
    deployed.issued(host(2), "0d", 5)
    found = ledger.certificates(deployment(), host(1))
    assert [entry.serial for entry in found] == ["0c", "0a"]
    assert {asked["TableName"] for asked in deployed.called("Query")} == {"ledger"}


@pytest.mark.parametrize(
    ("serial", "hours", "held"),
    [
        ("beef", 5, ["0a", "beef"]),
        ("A", 5, ["0a"]),
        ("00:0a", 5, ["0a"]),
        ("beef", 1 / 3_600, ["0a", "beef"]),
        ("beef", 0, ["0a"]),
        ("beef", None, ["0a", "beef"]),
        (None, 5, ["0a"]),
    ],
)
def test_a_host_may_hold_what_the_ledger_knows_and_the_live_certificate_while_it_is_valid(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, serial: str | None, hours: float | None, held: list[str]
) -> None:
    """Whether a serial number is padded, or in capitals, makes no other of it; without an end it may be valid."""
    monkeypatch.setattr(runtime("shared.timestamps"), "utc_now", lambda: deployed.now)
    deployed.issued(host(1), "0a", 50)
    written(deployed, "not-known-yet")
    known = {"serial": serial, **({} if hours is None else deployed.times(hours))}
    deployed.put(host(1), **{name: value for name, value in known.items() if value is not None})
    item = inventory.get(deployment(), host(1))
    assert ledger.serials(deployment(), item) == held
