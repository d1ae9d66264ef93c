"""What stands in the tables and sentences that a person reads, to the label."""

from __future__ import annotations

from typing import Any

import pytest

from pca_automator.cli.verbs import plan
from tests.cli.conftest import Deployed, host

ANSWER: dict[str, Any] = {
    "seconds": 3_725, "floor_seconds": 59.4, "paced": True, "rate": 7.2, "bound_by": "CreateSession",
    "hosts_renewed": 9_998, "hosts_failed": 2, "hosts_lost": 0, "production_throttled_share": 0.004, "production": 2.8,
    "single_enrolment_p99_seconds": 41.6,
    "calls": {
        "CreateSession": {
            "published": True, "calls": 20_000, "throttled": 12, "busiest_minute_rate": 9.5, "quota": 10,
        },
        "SendCommand": {"published": False, "calls": 5, "throttled": 0, "busiest_minute_rate": 1, "quota": 2},
    },
    "most_functions_at_once": 31, "functions_at_once_allowed": 1_000, "monthly_certificates": 60_000,
    "monthly_cost": {"total": 1_234.5, "a": 1, "b": 1_000, "c": 200, "d": 33.5}, "crl_bytes": 66_565,
    "crl_bytes_allowed": 300_000, "months_until_ca_is_used_up": 16.4, "raise_first": ["CreateSession", "SendCommand"],
    "warnings": ["look here"], "assumptions": ["the first", "the second"],
}  # fmt: skip
ROWS = [
    ("takes", "1 h 02 min; the quotas allow 59 s at best"),
    ("starts", "7.2 hosts a second, bound by CreateSession"),
    ("renewed", "9,998"),
    ("failed", "2; the next run takes them"),
    ("lost", "none"),
    ("production throttled", "0.4% of 2.8 a second"),
    ("one host meanwhile", "within 42 s (99 of 100)"),
    ("  CreateSession", "20,000 calls, 12 throttled or delayed, at most 9.5 a second in a minute; quota 10"),
    ("  SendCommand", "5 calls, 0 throttled or delayed, at most 1 a second in a minute; quota 2 (assumed)"),
    ("  functions", "31 at once of 1,000"),
    ("a month", "60,000 certificates, 1,234 USD"),
    ("  most of it", "b 1,000, c 200, d 34"),
    ("CRL", "66,565 of 300,000 bytes"),
    ("CA used up", "in month 16"),
    ("raise first", "CreateSession, SendCommand"),
    ("take care", "look here"),
    ("assumed", "the first"),
    ("assumed", "the second"),
]


def test_a_plan_is_told_line_by_line() -> None:
    assert plan._table(ANSWER) == ROWS


@pytest.mark.parametrize(
    ("changed", "row"),
    [
        ({"hosts_failed": 0}, ("failed", "none")),
        ({"hosts_lost": 3}, ("lost", "3")),
        ({"single_enrolment_p99_seconds": None}, ("one host meanwhile", "not in time")),
        ({"months_until_ca_is_used_up": None}, ("CA used up", "never")),
        ({"seconds": 61.2}, ("takes", "1 min 01 s; the quotas allow 59 s at best")),
        ({"seconds": 7_200, "floor_seconds": 3_600}, ("takes", "2 h 00 min; the quotas allow 1 h 00 min at best")),
        (
            {"paced": False},
            ("starts", "as fast as the map's concurrency lets them: this workflow does not pace its starts"),
        ),
    ],
)
def test_what_is_otherwise_is_told_otherwise(changed: dict[str, Any], row: tuple[str, str]) -> None:
    assert row in plan._table(ANSWER | changed)


def test_who_deletes_an_entry_is_told_which_hold_a_certificate(deployed: Deployed) -> None:
    for number in range(1, 8):
        deployed.live(number)
    deployed.live(8, status="RETIRED")
    deployed.put(host(9))
    deployed.put("web-1", serial="1ab")

    def told(*keys: str) -> str:
        done = deployed.invoke("hosts", "remove", *keys, "--dry-run")
        assert done.exit_code == 0, done.stderr
        return " ".join(done.stderr.split())

    assert told("web-1", host(8), host(9)) == f"would delete web-1, {host(8)}, {host(9)} from the inventory"
    assert told(host(1), host(9)) == (
        f"would delete {host(1)}, {host(9)} from the inventory ({host(1)}, which holds a certificate: to take a host "
        "out, use hosts retire)"
    )
    first = ", ".join(host(number) for number in range(1, 6))
    assert told(*(host(number) for number in range(1, 8))) == (
        f"would delete {first} and 2 more from the inventory ({first} and 2 more, which hold certificates: to take a "
        "host out, use hosts retire)"
    )
    assert told(*(host(number) for number in range(1, 6))).count("more") == 0
    assert len(deployed.items()) == 10
    done = deployed.invoke("hosts", "remove", host(9), "web-1", "--yes")
    assert "2 entries removed" in done.stderr
    assert deployed.items().keys() == {host(number) for number in range(1, 9)}
