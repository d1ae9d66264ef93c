"""Messages to the topic, and the link that goes with them."""

from __future__ import annotations

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import Sns

__all__ = ["Notifier", "execution_url", "subject_line"]

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT_MAX = 100
# Of the automation's name so much is left at least; what is the matter counts for more.
_NAME_LEAST = 16

_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class Notifier:
    """The topic.

    Args:
        sns: an SNS client.
        topic_arn: the topic.
    """

    def __init__(self, sns: Sns, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    def publish(self, subject: str, message: str) -> None:
        """One message; subject at most 100 ASCII characters, message at most 262,144 bytes."""
        with translated("Publish"):
            self._sns.publish(TopicArn=self._topic_arn, Subject=subject, Message=message)


def subject_line(automation: str, words: str) -> str:
    """A subject as SNS takes it: one ASCII line of at most 100 characters, without any that cannot be seen.

    A host chooses some of the words. A long name gives way to what is said.
    """
    plain, said = (_ascii(text) for text in (automation, words))
    room = max(_NAME_LEAST, _SUBJECT_MAX - len(said) - len("[] "))
    name = plain if len(plain) <= room else f"{plain[: room - 3]}..."
    return f"[{name}] {said}"[:_SUBJECT_MAX]


def _ascii(text: str) -> str:
    words = " ".join(text.encode("ascii", "replace").decode().split())
    return "".join(character if character.isprintable() else "?" for character in words)


def execution_url(execution_arn: str) -> str:
    """Where a person can look at the run and its Map Run, in the console of the right partition; "" without an ARN.

    The page of the Map Run itself has no documented address; it is one click away from the execution's.
    """
    parts = execution_arn.split(":")
    if len(parts) != 8:
        return ""
    partition, region = parts[1], parts[3]
    console = _CONSOLES.get(partition, "console.aws.amazon.com")
    return f"https://{region}.{console}/states/home?region={region}#/v2/executions/details/{execution_arn}"
