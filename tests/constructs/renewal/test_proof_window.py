"""How long a host may ask IAM Roles Anywhere again is what the workflow's polls leave, whatever they are."""

from __future__ import annotations

import itertools

import pytest
from aws_cdk import CfnParameter, Duration, Stack

from pca_automator import HostSettings, Pace, Polling
from pca_automator.hosts.documents import HostDocuments
from pca_automator.ssm_documents import load_document, sealed_values
from tests.synthesis import automation, new_app, resources, template_of

SHORTEST, LONGEST, LONGEST_HOOKS = 35, 900, 600


def window(polls: int, interval: int, hooks: int) -> int:
    polling = Polling(interval=Duration.seconds(interval), attempts=polls)
    return int(polling.proof_window(Duration.seconds(hooks)).to_seconds())


@pytest.mark.parametrize(
    ("polls", "interval", "hooks", "seconds"),
    [
        (12, 15, 60, 90),
        (12, 15, 90, 60),
        (12, 15, 180, SHORTEST),
        (3, 1, 1, SHORTEST),
        (20, 30, 60, 510),
        (100, 600, 60, LONGEST),
    ],
)
def test_the_proof_has_what_polls_leave_beside_the_hooks(polls: int, interval: int, hooks: int, seconds: int) -> None:
    assert window(polls, interval, hooks) == seconds


def test_proof_and_hooks_end_before_the_last_poll_wherever_the_shortest_proof_does() -> None:
    for polls, interval, hooks in itertools.product((1, 2, 12, 40, 100), (1, 5, 15, 60, 600), (1, 60, 300, 600)):
        seconds = window(polls, interval, hooks)
        assert SHORTEST <= seconds <= LONGEST
        assert seconds == SHORTEST or seconds + hooks < polls * interval, (polls, interval, hooks)


def test_the_longest_proof_and_hooks_that_run_twice_end_before_the_document_is_ended() -> None:
    (step,) = load_document("InstallCertificate")["mainSteps"]
    assert int(step["inputs"]["timeoutSeconds"]) >= LONGEST + 2 * LONGEST_HOOKS + 120


def test_a_deployment_seals_it_into_the_document() -> None:
    construct = automation(
        pace=Pace(polling=Polling(interval=Duration.seconds(30))),
        hosts=HostSettings(hook_timeout=Duration.seconds(100)),
    )
    text = str(resources(template_of(construct), "AWS::SSM::Document"))
    assert "SEALED_proofSeconds='230'" in text
    assert sealed_values(load_document("InstallCertificate"))["proofSeconds"] == "90"


def test_where_a_token_hides_the_polls_the_proof_has_its_default() -> None:
    hidden = Duration.seconds(CfnParameter(Stack(new_app(), "S"), "P", type="Number").value_as_number)
    assert int(Polling(interval=hidden).proof_window(Duration.seconds(60)).to_seconds()) == 90
    assert int(Polling().proof_window(hidden).to_seconds()) == 90


@pytest.mark.parametrize(
    ("given", "words"),
    [(Duration.seconds(34), "proof_window is 34 seconds: it must be from 35 seconds to 15 minutes"),
     (Duration.minutes(16), "proof_window is 16 minutes: it must be from 35 seconds to 15 minutes")],
)  # fmt: skip
def test_a_window_that_is_too_short_for_one_answer_or_too_long_is_refused(given: Duration, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        HostDocuments(Stack(new_app(), "S"), "Documents", proof_window=given)


def test_a_window_that_is_a_token_is_refused() -> None:
    stack = Stack(new_app(), "S")
    hidden = Duration.seconds(CfnParameter(stack, "P", type="Number").value_as_number)
    with pytest.raises(ValueError, match=r"^proof_window is a token"):
        HostDocuments(stack, "Documents", proof_window=hidden)
