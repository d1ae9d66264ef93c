"""``verify --prove`` asks the local AWS as it would ask AWS, and tells its two worlds apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pca_automator.cli.deployed.deployment import Aws
from pca_automator.cli.proof.experiments import CONFIRMED, EXPERIMENTS, NOT_ASKED, NOT_REACHED, REFUTED, finding, rows
from pca_automator.cli.proof.laboratory import laboratory
from pca_automator.rehearsal.local_aws.facts import Evidence, registered
from pca_automator.rehearsal.stage.process import LocalAws


@pytest.fixture
def mine(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in aws.client_environment().items():
        monkeypatch.setenv(name, value)
    yield Aws(aws.client("sts").meta.region_name)
    aws.control("settings", {"other_answers": ""})


def left_of_proofs(aws: LocalAws) -> list[str]:
    anywhere = aws.client("rolesanywhere")
    found = [each["name"] for each in anywhere.list_trust_anchors()["trustAnchors"]]
    found += [each["name"] for each in anywhere.list_profiles()["profiles"]]
    found += [each["name"] for each in anywhere.list_crls()["crls"]]
    found += [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]]
    return [name for name in found if name.startswith("pca-automator-proof")]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_tells_the_two_worlds_apart_and_leaves_nothing_behind(
    aws: LocalAws, mine: Aws, name: str
) -> None:
    for world, expected in (("", CONFIRMED), (name, REFUTED)):
        aws.control("settings", {"other_answers": world})
        with laboratory(mine, patience=1) as things:
            assert things.opened_in_time("anchor", things.certificate()).opened
            assert left_of_proofs(aws)
            answer, seen = finding(EXPERIMENTS[name], things)
        assert answer == expected, (world, seen)
        assert left_of_proofs(aws) == []


def test_what_aws_does_not_let_one_ask_is_not_reached(aws: LocalAws, mine: Aws) -> None:
    with laboratory(mine, patience=1) as things:
        things.anchor_arn = things.anchor_arn[:-1]  # an anchor that does not exist
        answer, seen = finding(EXPERIMENTS["roles-anywhere.stale-crl"], things)
    assert answer == NOT_REACHED
    assert "trust anchor does not exist" in seen
    assert left_of_proofs(aws) == []


def test_what_cannot_be_removed_is_named(mine: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    with laboratory(mine, patience=1) as things:
        undo = things._undo[0][1]
        undo()  # somebody else has removed the trust anchor
    assert "could not remove trust anchor pca-automator-proof-" in capsys.readouterr().err


def test_a_laboratory_that_cannot_be_built_leaves_nothing(
    aws: LocalAws, mine: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    anywhere = mine.client("rolesanywhere")
    monkeypatch.setattr(anywhere, "create_profile", lambda **_: anywhere.get_profile(profileId="0" * 36))
    with pytest.raises(anywhere.exceptions.ResourceNotFoundException), laboratory(mine, patience=1):
        pytest.fail("it was built")
    assert left_of_proofs(aws) == []


def test_every_assumed_fact_has_an_experiment_or_a_reason_why_not() -> None:
    assumed = {fact.name for fact in registered() if fact.evidence is Evidence.ASSUMED}
    assert assumed == set(EXPERIMENTS) | set(NOT_ASKED)
    assert not set(EXPERIMENTS) & set(NOT_ASKED)
    found = {row["fact"]: row["answer"] for row in rows(dict.fromkeys(EXPERIMENTS, (CONFIRMED, "")))}
    assert set(found) == assumed
    assert {name for name, answer in found.items() if answer == CONFIRMED} == set(EXPERIMENTS)
