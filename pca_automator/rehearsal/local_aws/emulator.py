"""Everything the local services use of MiniStack, in one place, with types.

MiniStack is pinned exactly and carries no type information; what is patched in its memory is in ``installing``,
``step_functions`` and ``lambda_workers``.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.core import concurrency, responses
from ministack.services import eventbridge

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

log = logging.getLogger("rehearsal")


def account_id() -> str:
    """The account of the request being served."""
    return str(responses.get_account_id())


def region() -> str:
    """The region of the request being served."""
    return str(responses.get_region())


def enter_default_scope(region_name: str | None = None) -> None:
    """Serve this request in the default account, whoever signed it (CreateSession is not signed by an account)."""
    responses.set_request_account_id("")
    responses.set_request_region(region_name)


def json_response(data: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer; ``default=str`` never hides a type, because the services only answer plain data."""
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()


def json_error(code: str, message: str, status: int = 400) -> Response:
    """An error as the JSON and REST-JSON protocols carry it."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code}
    return status, headers, json.dumps({"__type": code, "message": message}).encode()


def later(seconds: float, work: Callable[[], None], name: str) -> None:
    """Run ``work`` after a delay, off the event loop, in the account and region of the caller."""

    def run() -> None:
        time.sleep(max(0.0, seconds))
        work()

    concurrency.spawn_background(run, thread_name=name)


def publish_aws_event(source: str, detail_type: str, resources: list[str], detail: Mapping[str, Any]) -> None:
    """Publish an event with a source that only AWS itself may use; PutEvents over HTTP refuses those."""
    entry = {"Source": source, "DetailType": detail_type, "Resources": resources, "Detail": json.dumps(detail)}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def sdk_client(service: str) -> Any:
    """A boto3 client of this same local AWS, for what must take the normal API path (a CRL put into S3)."""
    import boto3

    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        region_name=region(),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )
