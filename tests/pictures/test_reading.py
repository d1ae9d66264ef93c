"""From the tables, and from what was told, to hosts on their way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import boto3
import pytest
from moto import mock_aws

from pca_automator.cli.runtime import runtime
from pca_automator.pictures import page
from pca_automator.pictures.data import Certificate, Fate, Host, Trouble
from pca_automator.pictures.reading import certificates, host_of, renewals_of
from tests.pictures.made_up import NOW, fleet

ONE, TWO, THREE = (f"i-0000000000000000{number}" for number in (1, 2, 3))
SAD = Trouble(phase="CertCSR", code="HOST_UNKNOWN_TO_SSM")


def asked(host_id: str, run_id: str, minutes: int = 0) -> Certificate:
    return Certificate(host_id=host_id, requested_at=NOW + timedelta(minutes=minutes), fate="LIVE", run_id=run_id)


def host(host_id: str, run_id: str, trouble: Trouble | None = None) -> Host:
    return Host(host_id=host_id, status="DEPLOYED", last_run_id=run_id, last_attempt=NOW, trouble=trouble)


def test_the_end_of_a_hosts_last_renewal_is_its_last_attempt() -> None:
    found = renewals_of(["a"], [host(ONE, "a"), host(TWO, "a", SAD), host(THREE, "b")], [asked(ONE, "a", -1)], {})
    assert [(each.host_id, each.outcome, each.started_at, each.ended_at) for each in found] == [
        (ONE, "renewed", NOW - timedelta(minutes=1), NOW),
        (TWO, "failed", None, NOW),
    ]


def test_what_was_told_counts_before_what_a_later_run_has_left() -> None:
    told: Any = {(ONE, "a"): (NOW, SAD), (TWO, "c"): (NOW, None)}
    found = renewals_of(["a", "b"], [host(ONE, "b")], [asked(ONE, "a"), asked(ONE, "b")], told)
    assert {(each.host_id, each.run_id): each.outcome for each in found} == {
        (ONE, "a"): "failed", (ONE, "b"): "renewed", (TWO, "c"): "renewed",
    }  # fmt: skip


def test_what_nobody_knows_the_end_of_is_neither() -> None:
    (found,) = renewals_of(["a"], [host(ONE, "b")], [asked(ONE, "a")], {})
    assert (found.outcome, found.ended_at) == ("other", None)


def test_one_more_certificate_for_a_key_does_not_move_the_beginning() -> None:
    (found,) = renewals_of(["a"], [host(ONE, "a")], [asked(ONE, "a", 5), asked(ONE, "a", 1)], {})
    assert found.started_at == NOW + timedelta(minutes=1)


def test_an_entry_that_is_no_host_is_shown_and_nothing_of_it_is_believed() -> None:
    entry = runtime("inventory.gate").Gate().admit({"hostID": {"S": "web-17\u202e"}, "expiry": {"S": "2027-01-01"}})
    found = host_of(entry)
    assert (found.status, found.expiry, found.in_service) == ("QUARANTINED", None, False)
    assert "\u202e" not in found.host_id
    assert found.trouble is not None
    assert found.trouble.code == "HOST_ID_INVALID"


def test_the_ledgers_own_notes_are_no_certificates() -> None:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_table(
            TableName="ledger",
            KeySchema=[
                {"AttributeName": "hostID", "KeyType": "HASH"},
                {"AttributeName": "requestId", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("hostID", "requestId")],
            BillingMode="PAY_PER_REQUEST",
        )
        ledger = runtime("inventory.ledger").CertificateLedger(client, "ledger", lambda: NOW)
        ledger.remember_report("report-1")
        ledger.intend(ONE, "run-1", "request-1", "key", timedelta(days=7), "{}")
        assert list(certificates(client, "ledger")) == [
            Certificate(host_id=ONE, requested_at=NOW, fate="REQUESTED", run_id="run-1")
        ]


def test_without_the_extra_a_page_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jinja2" else True)
    with pytest.raises(page.MissingError, match=r"^jinja2 not installed: pip install 'pca-automator\[report\]'$"):
        page.page(fleet(1))


def test_the_page_knows_everything_that_may_become_of_a_certificate() -> None:
    assert get_args(Fate) == get_args(runtime("inventory.ledger_entries").Fate)
