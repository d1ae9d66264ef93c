"""Run Command: send a document to one host, and read what the host said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from pca_runtime.errors.host_codes import HOST_CODES
from pca_runtime.errors.kinds import HostUnreachable, PermanentError
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.hosts.words import of_the_host
from pca_runtime.shared.characters import one_line
from pca_runtime.shared.clients import Answer, SystemsManager

__all__ = ["HostCommands", "Invocation", "Order"]

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
_COMMENT_MAX = 100
# Delayed: could not be delivered yet, the service tries again. Cancelling ends as Cancelled soon.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
_WAITING = {"Pending", "InProgress", "Delayed", "Cancelling"}
_NOT_DELIVERED = {"Undeliverable", "DeliveryTimedOut"}
_ENDINGS = {
    "Undeliverable": ("HOST_UNDELIVERABLE", "the command could not be delivered: the agent does not answer"),
    "DeliveryTimedOut": (
        "HOST_UNDELIVERABLE",
        "the command was not picked up in time: the agent does not answer",
    ),
    "ExecutionTimedOut": ("COMMAND_TIMED_OUT", "the command ran longer than its document allows"),
    "TimedOut": ("COMMAND_TIMED_OUT", "the command did not end in time"),
    "Cancelled": ("COMMAND_CANCELLED", "the command was cancelled"),
    "Terminated": ("COMMAND_CANCELLED", "the command was terminated, because its parent exceeded its errors"),
    "InvalidPlatform": ("PLATFORM_UNSUPPORTED", "the document does not support the platform of the host"),
    "AccessDenied": ("ACCESS_REFUSED", "the host refused the command: access denied"),
}
_ERROR_LINE = re.compile(r"^PCA_ERROR ([A-Z][A-Z0-9_]{1,39}) ?(.*)$", re.MULTILINE)
# What SSM Agent adds to the words of every command that fails; its status is in the answer, too.
_AGENTS_OWN = re.compile(r"\s*failed to run commands: (?:exit status \d+|signal: [a-z ]+)\s*\Z")
_RESULT_LINE = re.compile(r"^PCA_RESULT ([^\r\n]*)$", re.MULTILINE)
# A host speaks for itself alone: with the code of a service it could have a mail advise to change that service.
_HOST_CODES = frozenset(entry.code for entry in HOST_CODES)
_STATUS_MAX = 40


@dataclass(frozen=True)
class Order:
    """A document of ours, for one host.

    Args:
        document: name of the SSM document.
        host_id: the one host.
        parameters: the document's parameters.
        purpose: goes into the command's comment.
        delivery_seconds: how long Systems Manager tries to deliver; it does not bound the execution.
    """

    document: str
    host_id: str
    parameters: Mapping[str, str] = field(repr=False)
    purpose: str
    delivery_seconds: int


@dataclass(frozen=True)
class Invocation:
    """How far a command has come. ``output`` and ``result`` are there when ``finished``."""

    finished: bool
    output: str = field(default="", repr=False)
    result: Mapping[str, str] = field(default_factory=dict)


class HostCommands:
    """Run Command on single hosts.

    Args:
        ssm: a Systems Manager client.
    """

    def __init__(self, ssm: SystemsManager) -> None:
        self._ssm = ssm

    def send(self, order: Order) -> str:
        """Send a command by instance id, so that a host unknown to Systems Manager is an error at once.

        ``$LATEST`` because the documents are the deployment's own, and IAM allows no others.

        Returns:
            The command id.

        Raises:
            HostUnreachable: Systems Manager does not know the host, or it is not connected.
        """
        with translated("SendCommand"):
            answer = self._ssm.send_command(
                DocumentName=order.document,
                DocumentVersion="$LATEST",
                InstanceIds=[order.host_id],
                Parameters={name: [value] for name, value in order.parameters.items()},
                TimeoutSeconds=order.delivery_seconds,
                Comment=f"pca-automator {order.purpose}"[:_COMMENT_MAX],
            )
        return str(answer["Command"]["CommandId"])

    def poll(self, command_id: str, host_id: str, failure: type[PermanentError]) -> Invocation:
        """Ask once how a command is doing.

        Args:
            command_id: as returned by :meth:`send`.
            host_id: the host it was sent to.
            failure: raised with the host's own code and words when the command failed on the host.

        Raises:
            HostUnreachable: the command never reached the host.
        """
        output = self.output_of(command_id, host_id, failure)
        if output is None:
            return Invocation(finished=False)
        results = _RESULT_LINE.findall(output)
        if not results:
            raise failure(f"the command on {host_id} ended well but gave no result", code="HOST_RESULT_MISSING")
        pairs = (word.partition("=")[::2] for word in results[-1].split())
        return Invocation(finished=True, output=output, result=dict(pairs))

    def output_of(self, command_id: str, host_id: str, failure: type[PermanentError]) -> str | None:
        """Ask once for what a command wrote, whatever that is; ``None`` as long as it has not ended.

        Args:
            command_id: as returned by :meth:`send`.
            host_id: the host it was sent to.
            failure: raised with the host's own code and words when the command failed on the host.

        Raises:
            HostUnreachable: the command never reached the host.
        """
        with translated("GetCommandInvocation"):
            try:
                answer = self._ssm.get_command_invocation(CommandId=command_id, InstanceId=host_id)
            except ClientError as error:
                # Eventually consistent: right after SendCommand there may be no invocation yet.
                if error_code(error) == "InvocationDoesNotExist":
                    return None
                raise
        if answer["Status"] in _WAITING:
            return None
        output = str(answer.get("StandardOutputContent", "")).replace("\r\n", "\n")
        if answer["Status"] != "Success":
            raise _failure(answer, output, host_id, failure)
        return output


def _failure(answer: Answer, output: str, host_id: str, failure: type[PermanentError]) -> PermanentError:
    """The host's own words if it said any, else what Systems Manager says."""
    if said := _ERROR_LINE.findall(output):
        code, sentence = said[-1]
        if code not in _HOST_CODES:
            return failure(of_the_host(f"{code} {sentence}"), code="HOST_CODE_UNKNOWN")
        return failure(of_the_host(sentence) or f"the command on {host_id} failed", code=code)
    details = str(answer.get("StatusDetails") or answer["Status"]).replace(" ", "")
    if details in _ENDINGS:
        code, sentence = _ENDINGS[details]
        error_class = HostUnreachable if details in _NOT_DELIVERED else failure
        return error_class(f"{host_id}: {sentence}", code=code)
    status = one_line(f"{answer.get('ResponseCode')} ({details})", _STATUS_MAX)
    message = f"the command on {host_id} failed with status {status}"
    said_beside = of_the_host(_AGENTS_OWN.sub("", str(answer.get("StandardErrorContent", ""))))
    return failure(f"{message}; {said_beside}" if said_beside else message, code="COMMAND_FAILED")
