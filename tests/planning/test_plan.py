"""The plan: what follows from what was played, for a month, the CRL and the CA."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aws_cdk import Duration

from pca_automator import ReplacementRevocation, RevocationPolicy
from pca_automator.cli.runtime import runtime
from pca_automator.monitoring.crl_budget import CERTIFICATES_PER_CA, CRL_MAX_BYTES, CrlBudget
from pca_automator.planning import costs, picture
from pca_automator.planning.plan import Plan, Settings, plan
from pca_automator.planning.scenario import Scenario
from pca_automator.planning.workflow import of_the_library
from tests.tiers import need


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(of_the_library(), Scenario(hosts=200, production=2.8))


def test_the_answer_is_plain_json_with_what_a_gate_reads(planned: Plan) -> None:
    answer = json.loads(json.dumps(planned.as_json(), allow_nan=False))
    assert answer["hosts_renewed"] + answer["hosts_failed"] + answer["hosts_lost"] == 200
    assert answer["seconds"] > answer["floor_seconds"] == pytest.approx(200 / 7.2, abs=0.1)
    assert 0 <= answer["production_throttled_share"] <= 1
    assert answer["single_enrolment_p50_seconds"] <= answer["single_enrolment_p99_seconds"]
    assert answer["monthly_cost"]["total"] > 50
    assert answer["raise_first"][0] == "CreateSession"
    assert len(answer["assumptions"]) > 5
    assert answer["calls"]["SendCommand"]["calls"] >= 400
    assert all(call["source"].startswith("https://") for call in answer["calls"].values())


def test_a_single_host_that_was_not_renewed_is_no_number() -> None:
    planned = plan(of_the_library(), Scenario(hosts=5, rates={"SendCommand": 0.001}, singles=5, told={}))
    answer = json.loads(json.dumps(planned.as_json(), allow_nan=False))
    assert answer["single_enrolment_p99_seconds"] is None


@pytest.mark.parametrize("replaced", list(ReplacementRevocation))
@pytest.mark.parametrize("leaving", list(RevocationPolicy))
@pytest.mark.parametrize("hosts", [1, 10_000, 250_000])
def test_synthesis_and_plan_forecast_the_same_crl_and_the_same_end_of_the_ca(
    hosts: int, leaving: RevocationPolicy, replaced: ReplacementRevocation
) -> None:
    budget = CrlBudget(
        hosts=hosts,
        validity=Duration.days(7),
        remaining=Duration.hours(54),
        revoke_on_retire=leaving,
        revoke_replaced=replaced,
    )
    lifetime, sizes = runtime("authority.lifetime"), runtime("revocation.crl_size")
    cycle = lifetime.Cycle(timedelta(days=7), timedelta(days=2), timedelta(hours=12))
    entries = sizes.entries_of(
        hosts,
        cycle,
        replaced=replaced is ReplacementRevocation.ALWAYS,
        leaving=leaving is RevocationPolicy.ALWAYS,
    )
    assert (entries, sizes.pem_bytes(entries)) == (budget.entries, budget.crl_bytes)
    assert sizes.pem_bytes(entries + hosts) == budget.break_glass_bytes
    assert cycle.certificates(hosts, timedelta(days=365)) == pytest.approx(budget.certificates_per_year)
    months = lifetime.Lifetime(0, cycle.certificates(hosts, lifetime.MONTH)).months
    assert months == pytest.approx(12 * budget.years_of_the_ca)
    assert runtime("shared.quotas").CA_LIFETIME_CERTIFICATES == CERTIFICATES_PER_CA
    assert runtime("revocation.crl").PEM_MAX == CRL_MAX_BYTES


def test_settings_are_what_the_functions_are_told_and_a_token_stays_at_the_default() -> None:
    found = Settings.of(
        {
            "CertIssue": {"VALIDITY_DAYS": "30"},
            "CertDeploy": {"RENEWAL_THRESHOLD_SECONDS": "864000", "RENEWAL_JITTER_SECONDS": "${Token[TOKEN.1]}"},
            "CertCheck": {"NEXT_RUN_SECONDS": "3600", "REVOKE_REPLACED": "ALWAYS"},
            "CertRetire": {"REVOKE_ON_RETIRE": "NEVER"},
        }
    )
    assert found == Settings(
        timedelta(days=30), timedelta(days=10), timedelta(hours=12), timedelta(hours=1), True, False
    )
    assert Settings.of({}) == Settings()


def test_a_month_of_ten_thousand_hosts_costs_what_its_certificates_cost_and_little_more() -> None:
    usd = costs.monthly(costs.Renewals(60_833, 11, 5, 0.3))
    assert usd["AWS Private CA: certificates"] == pytest.approx(3_528, abs=1)
    assert usd["AWS Private CA: the CA"] == 50
    assert usd["Step Functions"] == pytest.approx(60_833 * 11 * 0.000025, abs=0.01)
    assert sum(usd.values()) - 2 * usd["total"] == pytest.approx(0, abs=0.01)
    assert usd["total"] - 3_528 - 50 < 30


def test_a_general_purpose_ca_has_tiers() -> None:
    usd = costs.monthly(costs.Renewals(12_000, 11, 5, 0.3, "GENERAL_PURPOSE"))
    assert usd["AWS Private CA: certificates"] == pytest.approx(1_000 * 0.75 + 9_000 * 0.35 + 2_000 * 0.001)


def test_what_needs_a_person_is_a_warning() -> None:
    slow = plan(
        of_the_library(), Scenario(hosts=200, production=50.0, singles=None), Settings(interval=timedelta(seconds=30))
    )
    warnings = " ".join(slow.as_json()["warnings"])
    assert "production asks for 50 sessions a second, the quota is 10" in warnings
    assert "longer than the 0.00833333 hours between two runs" in warnings


def test_the_picture_of_the_same_plan_is_the_same_file(
    planned: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))  # else it keeps its list of fonts in the home folder
    need("matplotlib")
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        picture.draw(planned.played, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"<svg" in files[0].read_bytes()
    assert b"http://" not in files[0].read_bytes().split(b"<defs>")[1].replace(b"http://www.w3.org", b"")
