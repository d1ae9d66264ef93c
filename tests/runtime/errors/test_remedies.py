"""A remedy is a template: what is known of the deployment is in its commands, and nothing of the sentence is."""

from __future__ import annotations

import re
import shlex

import pytest
from pca_runtime.errors.catalogue import CATALOGUE
from pca_runtime.errors.remedies import COMMAND, Place, values_in
from pca_runtime.errors.service_codes import HINTS

REMEDIES = {code: entry.remedy for code, entry in CATALOGUE.items()} | {
    f"{code}: {hint.pattern}": hint.remedy for code, hints in HINTS.items() for hint in hints
}
FLEET = Place(stack="Fleet Certificates", automation="Fleet", region="eu-central-1", profile="pki")
VALUES = {
    "id": "i-0123456789abcdef0", "arn": "arn:aws:acm-pca:x", "key": "key-1", "crl": "crl-1", "anchor": "a",
    "profile": "p", "bucket": "b",
}  # fmt: skip


@pytest.mark.parametrize("code", REMEDIES)
def test_commands_stand_between_backticks_and_nowhere_else(code: str) -> None:
    prose = COMMAND.sub("", REMEDIES[code])
    assert "`" not in prose
    assert not re.search(r"\b(pca-automator|aws) [a-z-]+ ", prose), "a command in the sentence cannot be copied"
    for command in COMMAND.findall(REMEDIES[code]):
        assert command[-1] not in ".,;:", "nothing of the sentence touches a command"


@pytest.mark.parametrize("code", REMEDIES)
def test_no_placeholder_is_left_whose_value_is_known(code: str) -> None:
    for is_command, line in FLEET.lines(REMEDIES[code], VALUES):
        if is_command:
            assert not re.search(r"<[a-z]+>", line)
            shlex.split(line)


def test_the_commands_say_where_the_deployment_is() -> None:
    assert FLEET.command("pca-automator run <id> --force", VALUES) == (
        "pca-automator run i-0123456789abcdef0 --force --stack 'Fleet Certificates' --automation Fleet "
        "--region eu-central-1 --profile pki"
    )
    assert FLEET.command("aws rolesanywhere enable-profile --profile-id <profile>", VALUES) == (
        "aws rolesanywhere enable-profile --profile-id p --region eu-central-1 --profile pki"
    )
    assert FLEET.command("pca-automator explain NO_SPACE") == "pca-automator explain NO_SPACE"
    assert FLEET.command("systemctl status amazon-ssm-agent") == "systemctl status amazon-ssm-agent"
    assert Place().command("pca-automator status") == "pca-automator status"


def test_a_value_from_outside_stays_one_word() -> None:
    line = Place().command("pca-automator run <id>", {"id": "x; rm -rf /"})
    assert shlex.split(line) == ["pca-automator", "run", "x; rm -rf /"]


def test_each_command_is_a_line_of_its_own() -> None:
    text = Place(region="us-east-1").text("Is it up? `aws ssm list-commands` If not: `pca-automator status`")
    assert text.splitlines() == [
        "Is it up?",
        "  aws ssm list-commands --region us-east-1",
        "If not:",
        "  pca-automator status --region us-east-1",
    ]


@pytest.mark.parametrize("code", REMEDIES)
def test_no_command_is_printed_unfinished(code: str) -> None:
    """What is missing to whoever prints it, the command knows that looks at everything."""
    for is_command, line in Place(stack="Fleet").lines(REMEDIES[code]):
        assert not (is_command and re.search(r"<[a-z]+>", line))
    left = [line for is_command, line in Place().lines(REMEDIES[code], unfinished=True) if is_command]
    told = [re.search(r"<[a-z]+>", command) is not None for command in COMMAND.findall(REMEDIES[code])]
    assert ["<" in line for line in left] == told


def test_what_is_missing_is_asked_for_with_one_command() -> None:
    remedy = "Two: `aws kms cancel-key-deletion --key-id <key>` and `aws kms enable-key --key-id <key>` Then wait."
    assert Place(region="us-east-1").lines(remedy) == [
        (False, "Two:"),
        (True, "pca-automator doctor --region us-east-1"),
        (False, "and"),
        (False, "Then wait."),
    ]


def test_of_several_things_each_has_its_command() -> None:
    found = Place().lines("Delete one: `aws rolesanywhere delete-crl --crl-id <crl>`", {"crl": ["one", "two"]})
    assert [line for is_command, line in found if is_command] == [
        "aws rolesanywhere delete-crl --crl-id one",
        "aws rolesanywhere delete-crl --crl-id two",
    ]


def test_a_message_may_tell_the_key() -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    assert values_in(f"KMSInvalidStateException: {arn} is pending deletion.") == {"key": arn}
    assert values_in("something else") == {}
