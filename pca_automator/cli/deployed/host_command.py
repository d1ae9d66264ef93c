"""A document that is sent to one host and waited for, because a person asked for it."""

from __future__ import annotations

import time
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.errors import Trouble
from pca_automator.cli.runtime import runtime

__all__ = ["DELIVERY_SECONDS", "answer_of"]

_POLL_SECONDS = 1.0
DELIVERY_SECONDS = 60
"""A command that was not picked up by then is dropped, so that a host that wakes up tomorrow is not asked."""
# The documents give themselves 60 s; Systems Manager needs a moment more to say so.
_ANSWER_SECONDS = 90
# What AWS answers whoever asks, of whatever host: said as for every other call.
_NOT_OF_THE_HOST = ("ACCESS_REFUSED", "SERVICE_FAILED", "SERVICE_THROTTLED", "SERVICE_UNREACHABLE")


def answer_of(deployment: Deployment, order: Any) -> str:
    """What a command wrote once it has ended well.

    Args:
        deployment: whose document it is.
        order: what is sent to whom.

    Raises:
        Trouble: the host cannot be asked, fails, or does not answer.
        PcaAutomatorError: AWS denies or throttles the call, or cannot be reached; AWS's answer is the cause.
    """
    kinds, commands = runtime("errors.kinds"), runtime("hosts.commands")
    run_command = commands.HostCommands(deployment.aws.client("ssm"))
    try:
        command_id = run_command.send(order)
        deadline = time.monotonic() + _ANSWER_SECONDS
        while time.monotonic() < deadline:
            output: str | None = run_command.output_of(command_id, order.host_id, kinds.InstallFailed)
            if output is not None:
                return output
            time.sleep(_POLL_SECONDS)
    except kinds.PcaAutomatorError as error:
        if error.code in _NOT_OF_THE_HOST:
            raise
        raise Trouble(f"{order.host_id}: {error.code} {error.message}") from error
    raise Trouble(f"{order.host_id} did not answer within {_ANSWER_SECONDS} s: command {command_id}")
