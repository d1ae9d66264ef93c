"""JSON lines in the work bucket: what one step of a run leaves for the next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any

from pca_runtime.errors.of_aws import translated
from pca_runtime.shared.clients import S3
from pca_runtime.shared.timestamps import format_time, parse_time

__all__ = ["WorkFile", "WorkFiles", "hosts_key", "rejected_key", "report_key"]

_STARTED_AT = "started-at"


def hosts_key(run_id: str) -> str:
    """The hosts that are due, which the Distributed Map reads."""
    return f"runs/{run_id}/hosts.jsonl"


def rejected_key(run_id: str) -> str:
    """Ids that cannot be renewed, and why."""
    return f"runs/{run_id}/rejected.jsonl"


def report_key(run_id: str) -> str:
    """The complete report, however long the message was."""
    return f"runs/{run_id}/report.json"


@dataclass(frozen=True)
class WorkFile:
    """An object that is being read: when its run chose its hosts, and its lines."""

    started_at: datetime | None
    lines: Iterator[dict[str, Any]]


class WorkFiles:
    """The work bucket.

    Args:
        s3: an S3 client.
        bucket: name of the bucket.
    """

    def __init__(self, s3: S3, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def write_lines(self, key: str, lines: Iterable[Mapping[str, Any]], started_at: datetime) -> int:
        """Write JSON lines through a file, so that memory does not grow with their number.

        Args:
            key: the object.
            lines: one object for each line.
            started_at: when the run chose its hosts; kept as the object's metadata.

        Returns:
            The number of lines.
        """
        count = 0
        with TemporaryFile() as file:
            for line in lines:
                file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
                count += 1
            file.seek(0)
            with translated("PutObject"):
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=file,
                    ContentType="application/x-ndjson",
                    Metadata={_STARTED_AT: format_time(started_at)},
                )
        return count

    def read_lines(self, key: str) -> WorkFile:
        """Open JSON lines, which are then read one at a time."""
        with translated("GetObject"):
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        return WorkFile(parse_time(answer.get("Metadata", {}).get(_STARTED_AT)), _lines(answer["Body"]))

    def write_json(self, key: str, document: Mapping[str, Any]) -> None:
        """Write one JSON document, readable for a person."""
        body = json.dumps(document, indent=1, ensure_ascii=False).encode()
        with translated("PutObject"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


def _lines(body: Any) -> Iterator[dict[str, Any]]:
    with translated("GetObject"):
        for line in body.iter_lines():
            if line.strip():
                yield json.loads(line)
