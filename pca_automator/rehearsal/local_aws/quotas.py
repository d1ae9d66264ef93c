"""The quotas of the account: a token bucket for each API that a renewal calls, whoever calls it.

Time passes quicker here than on AWS: a Wait of 15 seconds lasts 15 seconds times SFN_WAIT_SCALE. So that a quota is to
the workflow what it is on AWS, its bucket fills as much quicker. A bucket holds as many requests as AWS's is believed
to hold: what comes at once in the account's time comes at once here.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions

from pca_automator.cli.runtime import runtime
from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.emulator import Handler, Response
from pca_automator.rehearsal.local_aws.settings import Settings

SERVICE_QUOTAS = "servicequotas"
"""The name of the service that tells an account's quotas."""
TARGET_PREFIX = "ServiceQuotasV20190624."
"""Of its operations. https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html"""


class Bucket:
    """Holds a number of tokens at most, and gets so many in a second."""

    def __init__(self, rate: float, depth: float, now: float) -> None:
        self.rate = rate
        self._depth = depth
        self._tokens = depth
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self._tokens = min(self._depth, self._tokens + max(0.0, now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Quotas:
    """Every bucket of the account.

    Args:
        settings: which APIs have a quota; they may change while this runs.
        clock: seconds, for whatever they are since.
        scale: how many real seconds a second of the account lasts. Default: what the workflow's waits are scaled with.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = time.monotonic, scale: float | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._scale = scale
        self._lock = threading.Lock()
        self._text = ""
        self._rates: Mapping[str, float] = {}
        self._buckets: dict[str, Bucket] = {}
        self._asked: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def take(self, operation: str) -> bool:
        """Whether a call may pass; counts it."""
        with self._lock:
            self._read()
            bucket = self._buckets.get(operation)
            if bucket is None:
                return True
            self._asked[operation] += 1
            passes = bucket.take(self._clock())
            self._refused[operation] += not passes
            return passes

    def counts(self) -> dict[str, dict[str, int]]:
        """How often each API with a quota was asked, and refused, since the quotas were set."""
        with self._lock:
            return {name: {"asked": count, "refused": self._refused[name]} for name, count in self._asked.items()}

    def rates(self) -> dict[str, float]:
        """Requests a second of the account's time, by API."""
        with self._lock:
            self._read()
            return dict(self._rates)

    def _read(self) -> None:
        if self._settings.quotas == self._text:
            return
        rates = json.loads(self._settings.quotas or "{}")
        table = runtime("shared.quotas").with_rates(rates)
        known = runtime("shared.quotas").QUOTAS
        scale = stepfunctions._SFN_WAIT_SCALE if self._scale is None else self._scale
        now = self._clock()
        self._buckets = {name: Bucket(table[name].rate / scale, known[name].burst, now) for name in rates}
        self._rates, self._text = rates, self._settings.quotas
        self._asked.clear()
        self._refused.clear()


def guarded(handler: Handler, quotas: Quotas, own: Callable[[Mapping[str, str]], str]) -> Handler:
    """Refuse what comes too often before a service sees it.

    Args:
        handler: of the service.
        quotas: of the account.
        own: the operation that a request asks for, by its headers.
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        if not quotas.take(own(headers)):
            return throttled()
        return await handler(method, path, headers, body, query)

    return handle


def throttled() -> Response:
    """What every service says to who asks too often."""
    return emulator.json_error("ThrottlingException", "Rate exceeded", 400)


def by_target(headers: Mapping[str, str]) -> str:
    """The operation of a JSON protocol."""
    return headers.get("x-amz-target", "").rpartition(".")[2]


def service_quotas(quotas: Quotas) -> Handler:
    """Service Quotas: the numbers that the buckets are filled by, in the account's own time.

    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
    """

    async def handle(_: str, __: str, headers: dict[str, str], body: bytes, ___: dict[str, Any]) -> Response:
        operation = by_target(headers)
        if operation != "ListServiceQuotas":
            return emulator.json_error("UnknownOperationException", operation)
        service = json.loads(body or b"{}").get("ServiceCode", "")
        table = runtime("shared.quotas").with_rates(quotas.rates())
        listed = [
            {"ServiceCode": service, "QuotaName": quota.listed_as, "Value": quota.rate, "Adjustable": quota.adjustable}
            for quota in table.values()
            if quota.service == service and quota.listed_as is not None
        ]
        if not listed:
            return emulator.json_error("NoSuchResourceException", f"no quotas of {service!r}")
        return emulator.json_response({"Quotas": listed})

    return handle
