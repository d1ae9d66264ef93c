"""A fleet that is played against the documented quotas: how long it takes, who fails, and what production feels."""

from __future__ import annotations

import json

import pytest
from pca_runtime.errors.kinds import InvalidInput

from pca_automator.planning.assumed import Assumed
from pca_automator.planning.errors import Unplayable
from pca_automator.planning.hosts import Proof
from pca_automator.planning.scenario import Played, Scenario
from pca_automator.planning.simulation import play
from pca_automator.planning.workflow import Workflow, of_the_library

# The proof as it was before it waited: it gave up where many asked at once.
IMPATIENT = Proof(first=3, most=6, deadline=9)


def played(**given: object) -> Played:
    return play(of_the_library(), Scenario(**{"hosts": 300, "production": 2.8, **given}))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    first, again, other = played(), played(), played(seed=2)
    assert (first.seconds, first.production_asked) == (again.seconds, again.production_asked)
    assert first.seconds != other.seconds


def test_every_host_has_an_outcome_and_each_renewal_its_calls() -> None:
    found = played(production=0.0, singles=None)
    assert (found.renewed, found.failed, found.lost) == (300, 0, 0)
    calls = {name: sum(meter.calls.values()) - sum(meter.throttled.values()) for name, meter in found.meters.items()}
    assert calls["IssueCertificate"] == calls["GetCertificate"] == calls["CreateSession"] == 300
    assert calls["SendCommand"] == 600
    assert found.last_states == {"Renewed": 300}


@pytest.mark.parametrize(("taken", "waits", "looks"), [(3.0, 5, 1), (8.0, 15, 2), (20.0, 30, 3), (40.0, 45, 4)])
def test_a_host_is_ready_at_the_look_after_it_is_done_and_each_further_look_costs_three_transitions(
    taken: float, waits: int, looks: int
) -> None:
    """The first look comes after five seconds, the others every fifteen."""
    assumed = Assumed(csr=(taken, taken), install=(taken, taken))
    found = played(hosts=1, due=1, production=0.0, singles=None, assumed=assumed)
    quick = played(hosts=1, due=1, production=0.0, singles=None, assumed=Assumed(csr=(1.0, 1.0), install=(1.0, 1.0)))
    assert 2 * waits < found.seconds < 2 * waits + 15
    assert [found.invocations[name] for name in ("CertCSRStatus", "CertDeployStatus")] == [looks, looks]
    assert found.transitions - quick.transitions == 2 * (looks - 1) * 3


def test_only_the_hosts_that_are_due_are_renewed() -> None:
    found = played(due=40, production=0.0, singles=None)
    assert found.renewed == 40
    assert found.floor_seconds == 4


def test_a_lower_quota_takes_longer() -> None:
    assert played(rates={"CreateSession": 5}, singles=None).seconds > played(singles=None).seconds


def test_what_production_feels_is_counted_at_its_first_attempt() -> None:
    quiet = played(hosts=1, singles=None, production=0.5)
    loud = played(hosts=1, singles=None, production=20.0)
    assert quiet.production_throttled == 0
    assert loud.production_throttled_share > 0.3


def test_an_unknown_quota_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'Sessions' is no quota"):
        played(rates={"Sessions": 1})


def test_a_state_without_a_function_is_refused() -> None:
    known = of_the_library().definition
    states = {name.replace("CertReport", "Report"): state for name, state in known["States"].items()}
    renamed = Workflow(replace_next({**known, "States": states}), "a test")
    with pytest.raises(Unplayable, match="the state Report, which is named like no function: CertCheck, "):
        play(renamed, Scenario(hosts=1))


def replace_next(definition: dict[str, object]) -> dict[str, object]:
    changed: dict[str, object] = json.loads(json.dumps(definition).replace('"CertReport', '"Report'))
    return changed


def test_without_pacing_a_fleet_that_is_enrolled_at_once_fails_and_takes_production_down() -> None:
    """The control: what the system did before its starts were paced, played by the same rules."""
    found = play(unpaced(), Scenario(hosts=1_000, enrol_at_once=True, production=2.8, proof=IMPATIENT, singles=None))
    assert found.failed > 250
    assert found.production_throttled_share > 0.3
    assert found.lost == 0


def unpaced() -> Workflow:
    """The library's workflow with nothing but a bound on concurrency, as it was before its starts were paced."""
    definition = json.loads(json.dumps(of_the_library().definition))
    (renew,) = (state for state in definition["States"].values() if state["Type"] == "Map")
    renew["MaxConcurrency"] = 200
    states = renew["ItemProcessor"]["States"]
    # Its lines say nothing of starts.
    for name in ("lane.$", "csr"):
        del renew["ItemSelector"][name]
    for name in ("lane.$", "startAt.$", "requeues.$"):
        del states["CertCSR"]["Parameters"]["Payload"][name]
    for name, state in states.items():
        if "TimestampPath" in state:
            states[name] = {"Type": "Pass", "Next": state["Next"]}
    workflow = Workflow(definition, "a test")
    assert not workflow.paced
    return workflow


@pytest.mark.parametrize("enrol_at_once", [True, False])
def test_paced_no_host_fails_production_goes_on_and_a_single_host_does_not_wait(enrol_at_once: bool) -> None:
    """The gate, small: make bench has the whole of it, 10,000 hosts and several seeds."""
    found = played(hosts=1_000, enrol_at_once=enrol_at_once, production=2.8)
    assert (found.renewed, found.failed, found.lost) == (1_000, 0, 0)
    assert found.production_throttled_share <= 0.02
    single = found.single_p(0.99)
    assert single is not None
    assert single <= (120 if enrol_at_once else 60)
    # What the start and the end of a run take beside its starts weighs more on a small fleet than on a large one.
    assert found.seconds - found.floor_seconds <= 120


def _within_the_gate(seed: int) -> None:
    found = play(of_the_library(), Scenario(hosts=10_000, enrol_at_once=True, production=2.8, seed=seed))
    assert (found.renewed, found.failed, found.lost) == (10_000, 0, 0)
    assert found.ratio <= 1.30
    assert found.production_throttled_share <= 0.01
    single = found.single_p(0.99)
    assert single is not None
    assert single <= 120


def test_ten_thousand_hosts_at_once_leave_production_its_sessions() -> None:
    """The whole gate, with the seed of a plan by default: small fleets do not show bursts that come now and then."""
    _within_the_gate(Scenario(hosts=1).seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 14))
def test_ten_thousand_hosts_at_once_do_so_whatever_chance_brings(seed: int) -> None:
    _within_the_gate(seed)


@pytest.mark.parametrize("production", [0.3, 1.0, 4.0, 6.0])
def test_what_production_asks_for_does_not_decide_whether_it_is_throttled(production: float) -> None:
    """A part of the whole quota stays free, not of what production leaves: least where bursts are most."""
    found = played(hosts=2_000, enrol_at_once=True, production=production, singles=None)
    assert (found.failed, found.lost) == (0, 0)
    assert found.production_throttled_share <= 0.03


@pytest.mark.parametrize("rates", [{"SendCommand": 5.0}, {"CreateSession": 5.0, "IssueCertificate": 12.5}])
def test_where_quotas_are_lower_than_the_functions_believe_no_host_is_lost(rates: dict[str, float]) -> None:
    found = played(hosts=600, enrol_at_once=True, production=2.8, rates=rates, told={}, singles=None)
    assert found.lost == 0
    assert found.failed <= 1
    assert found.requeues > 0
