"""Messages to the topic, and the link that goes with them."""

from __future__ import annotations

from pca_runtime.aws_errors import translated
from pca_runtime.clients import Sns

__all__ = ["Notifier", "execution_url"]

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


def execution_url(state_machine_arn: str, run_id: str) -> str:
    """Where a person can look at the run, in the console of the right partition; "" without an ARN."""
    parts = state_machine_arn.split(":")
    if len(parts) != 7:
        return ""
    partition, region, account, name = parts[1], parts[3], parts[4], parts[6]
    console = _CONSOLES.get(partition, "console.aws.amazon.com")
    arn = f"arn:{partition}:states:{region}:{account}:execution:{name}:{run_id}"
    return f"https://{region}.{console}/states/home?region={region}#/v2/executions/details/{arn}"
