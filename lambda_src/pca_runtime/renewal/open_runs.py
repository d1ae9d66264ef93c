"""The other runs of the workflow: which are over, and which hosts the others hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from botocore.exceptions import ClientError

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.errors.of_aws import error_code, translated
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.renewal.work_files import WorkFiles, hosts_key
from pca_runtime.shared.clients import StepFunctions
from pca_runtime.shared.timestamps import parse_time

__all__ = ["OpenRuns"]

# PENDING_REDRIVE is none of them: the execution goes on.
_OVER = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


class OpenRuns:
    """Looks at other runs, each once.

    Args:
        step_functions: a Step Functions client.
        ledger: of starts.
        files: the work bucket.
        execution_arn: of this run; those of others differ in their last part. Empty: nothing is known of others.
        unknown: told of a run that could not be looked at. It counts as going on, and its hosts as free: a start may be
            wasted for it, and no host is forgotten.
    """

    def __init__(
        self,
        step_functions: StepFunctions,
        ledger: StartLedger,
        files: WorkFiles,
        execution_arn: str,
        unknown: Callable[[str, PcaAutomatorError], None],
    ) -> None:
        self._step_functions = step_functions
        self._ledger = ledger
        self._files = files
        self._prefix, _, self._own = execution_arn.rpartition(":")
        self._unknown = unknown
        self._seen: dict[str, bool] = {}

    def has_ended(self, run_id: str) -> bool:
        """Whether a run is over, so that what it reserved is of no use to it."""
        if not self._prefix or run_id == self._own:
            return False
        if run_id not in self._seen:
            try:
                self._seen[run_id] = self._described(run_id)
            except PcaAutomatorError as error:
                self._unknown(run_id, error)
                return False
        return self._seen[run_id]

    def hosts_ahead(self, now: datetime) -> set[str]:
        """Hosts that a run which goes on has yet to start."""
        found: set[str] = set()
        for run_id in self._ledger.runs_ahead(now):
            if self._prefix and run_id != self._own and not self.has_ended(run_id):
                found |= self._hosts_of(run_id, now)
        return found

    def _described(self, run_id: str) -> bool:
        with translated("DescribeExecution"):
            try:
                answer = self._step_functions.describe_execution(executionArn=f"{self._prefix}:{run_id}")
            except ClientError as error:
                if error_code(error) == "ExecutionDoesNotExist":
                    return True
                raise
        return answer["status"] in _OVER

    def _hosts_of(self, run_id: str, now: datetime) -> set[str]:
        """A run reserves before it writes its list, so that the list may not be there yet."""
        try:
            lines = self._files.read_lines(hosts_key(run_id)).lines
            starts = ((str(line["hostID"]), parse_time(line.get("startAt"))) for line in lines)
            return {host_id for host_id, start in starts if start is not None and start > now}
        except PcaAutomatorError as error:
            self._unknown(run_id, error)
            return set()
