"""A plan plays a real definition: the library's, an app's, or the deployed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pca_automator.planning.errors import Unplayable
from pca_automator.planning.workflow import of_app, of_definition, of_the_library, plain_definition
from tests.synthesis import sample_template, state_machine_definition


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "PcaAutomator.template.json").write_text(json.dumps(sample_template()), encoding="utf-8")
    return tmp_path


def test_the_definition_in_the_wheel_is_the_synthesized_one() -> None:
    synthesized = plain_definition(state_machine_definition(sample_template()))
    assert of_the_library().definition == synthesized, "run: python docs/generate.py"


def test_an_app_that_was_synthesized_gives_its_definition_and_its_functions_settings(app: Path) -> None:
    found = of_app(app)
    assert found.definition == state_machine_definition(sample_template())
    assert found.machine.states.keys() == of_the_library().machine.states.keys()
    assert found.environment["CertIssue"]["VALIDITY_DAYS"] == "7"
    assert str(app) in found.origin


def test_of_several_automations_one_is_chosen_by_name(app: Path) -> None:
    template = sample_template()
    name = next(name for name, each in template["Resources"].items() if each["Type"].endswith("::StateMachine"))
    other = {"Resources": {f"Other{name}": template["Resources"][name]}}
    (app / "Other.template.json").write_text(json.dumps(other), encoding="utf-8")
    with pytest.raises(Unplayable, match=rf"has 2 renewal workflows \(.*Other{name}.*\); one is needed"):
        of_app(app)
    assert of_app(app, "Other").origin.startswith(f"Other{name}")


@pytest.mark.parametrize(("written", "named"), [({}, "no \\*.template.json"), ({"a": "{}"}, "has 0 renewal workflows")])
def test_a_folder_without_a_workflow_is_refused_by_name(tmp_path: Path, written: dict[str, str], named: str) -> None:
    for name, text in written.items():
        (tmp_path / f"{name}.template.json").write_text(text, encoding="utf-8")
    with pytest.raises(Unplayable, match=named):
        of_app(tmp_path)


def test_a_deployed_definition_that_cannot_be_read_is_refused_with_its_origin() -> None:
    with pytest.raises(Unplayable, match="the definition of stack S: "):
        of_definition("{", "stack S")


def test_another_partition_is_played_like_the_first() -> None:
    text = json.dumps(of_the_library().definition).replace("arn:aws:states", "arn:aws-cn:states")
    assert of_definition(text, "China").machine.states.keys() == of_the_library().machine.states.keys()
