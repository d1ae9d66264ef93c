"""Completing the task that CertIssue waits in."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import PermanentError
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.shared.clients import StepFunctions

__all__ = ["TaskCallbacks", "installing_output"]

# The task ended without us: timed out, completed by an earlier delivery, or retried with a new token.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
_GONE = {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}
_ERROR_MAX = 256
_CAUSE_MAX = 32_768


def installing_output(command_id: str) -> dict[str, Any]:
    """What the workflow goes on with: the loop of CertDeployStatus follows this command."""
    return {"state": "PENDING", "installCommandId": command_id, "attempt": 0}


class TaskCallbacks:
    """SendTaskSuccess and SendTaskFailure, at most effective once: a task that is gone is no error.

    Args:
        step_functions: a Step Functions client.
    """

    def __init__(self, step_functions: StepFunctions) -> None:
        self._step_functions = step_functions

    def installing(self, task_token: str, command_id: str) -> bool:
        """The install command was sent. Returns whether the task was still waiting for this."""
        with translated("SendTaskSuccess"):
            try:
                self._step_functions.send_task_success(
                    taskToken=task_token, output=json.dumps(installing_output(command_id))
                )
            except ClientError as error:
                if error_code(error) in _GONE:
                    return False
                raise
        return True

    def failed(self, task_token: str, failure: PermanentError) -> bool:
        """The certificate cannot be installed. Returns whether the task was still waiting for this."""
        with translated("SendTaskFailure"):
            try:
                self._step_functions.send_task_failure(
                    taskToken=task_token,
                    error=type(failure).__name__[:_ERROR_MAX],
                    cause=str(failure)[:_CAUSE_MAX],
                )
            except ClientError as error:
                if error_code(error) in _GONE:
                    return False
                raise
        return True
