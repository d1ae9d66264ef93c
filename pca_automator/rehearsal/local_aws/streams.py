"""DynamoDB streams on their way to functions, with what AWS does when a function fails.

MiniStack repeats a batch that fails for ever, as it is. On AWS a mapping has a number of retries and an age, can cut a
batch in two, and hands what it gives up to its destination: one bad record costs itself, and only where the mapping
says so. A mapping's batching window is kept, which MiniStack ignores: it would make many batches of one burst. The
times are of the account: they pass as much quicker as the waits of the workflow.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import dataclasses
import time
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, lambda_svc, stepfunctions

from pca_automator.rehearsal.local_aws.emulator import log
from pca_automator.rehearsal.local_aws.facts import workflow
from pca_automator.rehearsal.local_aws.facts.ledger import LEDGER
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.settings import Settings

_LONGEST_PAUSE = 60.0


def install(settings: Settings) -> None:
    """Patch MiniStack's poller of DynamoDB streams."""
    streams = Streams(settings)
    replace(lambda_svc, "_poll_dynamodb_streams", lambda _: streams.poll)


@dataclasses.dataclass
class Batch:
    """Records that are handed over together; how often that has failed."""

    records: list[dict[str, Any]]
    failures: int = 0

    def halves(self) -> list[Batch]:
        """Cut in two; that is no retry of its own."""
        middle = (len(self.records) + 1) // 2
        return [Batch(self.records[:middle], self.failures), Batch(self.records[middle:], self.failures)]


@dataclasses.dataclass
class _Progress:
    """What a mapping has taken from its stream and not handled yet: ``batches``, which end at ``position``."""

    batches: list[Batch] = dataclasses.field(default_factory=list)
    position: int = 0
    gathered_from: int | None = None
    not_before: float = 0.0


class Streams:
    """Every mapping of a DynamoDB stream.

    Args:
        settings: whether failures have an end.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._progress: dict[str, _Progress] = {}

    def poll(self) -> bool:
        """Take every mapping one step further; whether there was something to do."""
        known, busy = set(), False
        for account, region, mapping in lambda_svc._iter_all_esms():
            table = _table_of(str(mapping.get("EventSourceArn", "")))
            if not table or not mapping.get("Enabled", True):
                continue
            known.add(mapping["UUID"])
            with responses.request_scope(account, region):
                busy = self._step(mapping, table) or busy
        self._progress = {name: each for name, each in self._progress.items() if name in known}
        return busy

    def _step(self, mapping: dict[str, Any], table: str) -> bool:
        function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        described = dynamodb._tables.get(table)
        if function is None or not described or described.get("LatestStreamArn") != mapping["EventSourceArn"]:
            return False
        progress = self._progress.setdefault(mapping["UUID"], _Progress())
        if progress.not_before > time.monotonic():
            return False
        if not progress.batches and not self._take(mapping, table, progress):
            return False
        if progress.batches:
            self._hand_over(mapping, function, progress)
        if not progress.batches:
            _advance(mapping, progress.position)
        return True

    def _take(self, mapping: dict[str, Any], table: str, progress: _Progress) -> bool:
        """Take the next records, once the batching window is over; whether any were taken."""
        position = _position(mapping, table)
        records = dynamodb.stream_records_since(table, position, mapping.get("BatchSize", 100))
        if not records:
            return False
        fitting = lambda_svc._apply_filter_criteria(records, mapping)
        window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        if fitting and window and progress.gathered_from != position:
            # With the first record that passes the filter the window begins.
            LEDGER.lean(workflow.STREAM_WINDOW)
            progress.gathered_from = position
            progress.not_before = time.monotonic() + window * stepfunctions._SFN_WAIT_SCALE
            return False
        progress.position = position + len(records)
        progress.batches = [Batch(fitting)] if fitting else []
        return True

    def _hand_over(self, mapping: dict[str, Any], function: dict[str, Any], progress: _Progress) -> None:
        batch = progress.batches.pop(0)
        result = lambda_svc._execute_function(function, {"Records": batch.records})
        if not result.get("error"):
            mapping["LastProcessingResult"] = f"OK - {len(batch.records)} records"
            return
        mapping["LastProcessingResult"] = "FAILED"
        batch.failures += 1
        ended = self._ended(mapping, batch)
        if ended is not None:
            log.warning("%s: %d records given up: %s", mapping["FunctionName"], len(batch.records), ended)
            arn = mapping["EventSourceArn"]
            lambda_svc._send_ddb_stream_failure_record(mapping, function, batch.records, arn, result, ended)
            return
        if mapping.get("BisectBatchOnFunctionError") and len(batch.records) > 1 and self._settings.limits:
            LEDGER.lean(workflow.STREAM_BISECTING)
            batch.failures -= 1
            progress.batches[:0] = batch.halves()
            return
        pause = min(2.0 ** (batch.failures - 1), _LONGEST_PAUSE)
        progress.not_before = time.monotonic() + pause * stepfunctions._SFN_WAIT_SCALE
        progress.batches.insert(0, batch)

    def _ended(self, mapping: dict[str, Any], batch: Batch) -> str | None:
        """Why a batch that has failed is not tried again."""
        if not self._settings.limits:
            return None
        LEDGER.lean(workflow.STREAM_RETRIES)
        age, retries = mapping.get("MaximumRecordAgeInSeconds"), mapping.get("MaximumRetryAttempts")
        oldest = min(float(record["dynamodb"]["ApproximateCreationDateTime"]) for record in batch.records)
        if age is not None and int(age) > 0 and time.time() - oldest > int(age) * stepfunctions._SFN_WAIT_SCALE:
            return "MaxRecordAgeExceeded"
        divisible = mapping.get("BisectBatchOnFunctionError") and len(batch.records) > 1
        if retries is not None and int(retries) >= 0 and batch.failures > int(retries) and not divisible:
            return "RetryAttemptsExhausted"
        return None


def _table_of(stream_arn: str) -> str:
    """The table that a stream belongs to; "" for what is no stream of a table."""
    table, stream, _ = stream_arn.partition("/stream/")
    return table.rpartition("/")[2] if stream and ":dynamodb:" in table else ""


def _position(mapping: dict[str, Any], table: str) -> int:
    horizon = int(dynamodb.stream_start_position(table))
    latest = mapping.get("StartingPosition", "LATEST") == "LATEST"
    positions = lambda_svc._dynamodb_stream_positions
    with lambda_svc._dynamodb_stream_positions_lock:
        if mapping["UUID"] not in positions:
            positions[mapping["UUID"]] = dynamodb.stream_end_position(table) if latest else horizon
        # What has left the stream by its age is gone.
        return max(int(positions[mapping["UUID"]]), horizon)


def _advance(mapping: dict[str, Any], position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position
