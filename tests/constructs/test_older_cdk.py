"""A CDK that cannot record acknowledgements for cdk-nag 3 yet: what cdk-nag 2 reads is the same, to the byte."""

from __future__ import annotations

import pytest
from aws_cdk import Stack

from pca_automator._internal import acknowledge
from tests.synthesis import automation, everything, full_template, template_of


@pytest.mark.parametrize(
    "release",
    [
        pytest.param((2, 232), marks=pytest.mark.long, id="none of them"),
        pytest.param((2, 257), id="none of single findings"),
    ],
)
def test_cdk_nag_2_reads_the_same(release: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledge, "_CDK", min(release, acknowledge._CDK))
    construct = everything()
    older, current = template_of(construct)["Resources"], full_template()["Resources"]
    assert {name: each.get("Metadata") for name, each in older.items()} == {
        name: each.get("Metadata") for name, each in current.items()
    }
    assert any("cdk_nag" in each.get("Metadata", {}) for each in older.values())
    recorded = [
        rule
        for child in Stack.of(construct).node.find_all()
        for entry in child.node.metadata
        if entry.type == "aws:cdk:acknowledged-rules"
        for rule in entry.data
    ]
    assert bool(recorded) == (acknowledge._CDK >= (2, 257))
    assert not [rule for rule in recorded if "[" in rule]


def test_what_is_noted_is_what_the_constructs_say() -> None:
    construct = automation()
    found = {child.node.path: acknowledge._recorded_at(child) for child in construct.node.find_all()}
    assert {path: rules for path, rules in found.items() if rules} == acknowledge._noted.get()
