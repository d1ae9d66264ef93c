"""``pca-automator verify``: is what is deployed whole, and does it do what it promises?

The runs touch entries of the test alone: hybrid node ids that Systems Manager does not give out, marked ``selfTest``,
written with a status and a date far away so that neither the stream nor the schedule takes them, and removed at the
end. No run without ``hostIDs`` is started, so that no real host is ever renewed by a test.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from pca_automator.cli.deployed import inventory as fleet
from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.runs import OF_TESTS
from pca_automator.cli.errors import Trouble, one_line
from pca_automator.cli.output import counted, say, show_rows
from pca_automator.cli.runtime import runtime
from pca_automator.cli.verbs.run import start
from pca_automator.cli.verbs.verb import DryRunOption, Operator, YesOption, confirm, verb
from pca_automator.cli.verbs.verify_components import Noted, components

Row = dict[str, Any]

_COLUMNS = ("check", "result", "detail")
_POLL_SECONDS = 1.0
_RUN_SECONDS = 600
# Systems Manager's ids are random; seventeen digits that begin like this are as good as never given out.
_TEST_ID = "mi-00000000000{:06x}"
# Of a deployment whose functions do not know how long its certificates are valid.
_VALIDITY_DAYS = "365"


@verb
def verify(
    op: Operator,
    hosts: Annotated[int, typer.Option(min=1, max=1000, help="How many invalid hosts the load test has.")] = 20,
    components_only: Annotated[
        bool, typer.Option("--components-only", help="Start no run and send no message.")
    ] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Ask AWS about what is assumed of it, with things made for that alone.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With --prove: wait for the CRL, about half an hour.")
    ] = True,
    resume: Annotated[
        Path | None, typer.Option(dir_okay=False, help="With --prove: file of a proof that goes on later.")
    ] = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Test a deployment in place; real hosts are not touched."""
    if prove:
        from pca_automator.cli.verbs.verify_prove import prove as ask_aws

        ask_aws(op.deployment, op.output, yes=yes, wait=wait, resume=resume)
        return
    tests = Tests(op.deployment, hosts)
    if dry_run:
        plan = [*components(op.deployment), *([] if components_only else tests.all())]
        show_rows(op.output, ({"check": name, "result": "would be checked"} for name, _ in plan), ("check", "result"))
        return
    if not components_only:
        confirm("start three runs on test entries? Subscribers of the topic get two messages", yes=yes)
    rows = [_checked(name, check) for name, check in components(op.deployment)]
    if not components_only:
        with tests.entries():
            rows += [_checked(name, check) for name, check in tests.all()]
    show_rows(op.output, rows, _COLUMNS, f"Self-test of {op.deployment.stack}")
    if failed := [row for row in rows if row["result"] == "failed"]:
        raise Trouble(f"{len(failed)} of {len(rows)} checks failed: {', '.join(row['check'] for row in failed)}")


def _checked(name: str, check: Callable[[], str]) -> Row:
    """One check; whatever it meets is its result, so that the others are made too."""
    from botocore.exceptions import BotoCoreError, ClientError

    say(f"{name} ...")
    try:
        detail = check()
        return {"check": name, "result": "warning" if isinstance(detail, Noted) else "ok", "detail": str(detail)}
    except (Trouble, ClientError, BotoCoreError, runtime("errors.kinds").PcaAutomatorError, KeyError) as error:
        return {"check": name, "result": "failed", "detail": " ".join(str(error).split())}


@dataclass
class Tests:
    """The runs on test entries.

    Args:
        deployment: what is tested.
        hosts: how many entries the load test has.
    """

    deployment: Deployment
    hosts: int

    @property
    def ids(self) -> list[str]:
        """The test entries; one more, which is never written, is the unknown host."""
        return [_TEST_ID.format(number) for number in range(1, self.hosts + 1)]

    def all(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """The tests, in the order in which they are made."""
        yield "run without work", self._empty_run
        yield "unknown host", self._unknown_host
        yield f"load of {counted(self.hosts, 'invalid host')}", self._load
        yield "notification", self._notification

    @contextmanager
    def entries(self) -> Iterator[None]:
        """Write the test entries, and remove them whatever happens."""
        try:
            for host_id in self.ids:
                self._put(host_id)
            yield
        finally:
            with one_line():
                for host_id in self.ids:
                    self._remove(host_id)

    @cached_property
    def far_away(self) -> str:
        """As far from its end as a certificate of this deployment can be; what lies beyond counts as absent."""
        days = int(self.deployment.settings("CertCheck").get("VALIDITY_DAYS", _VALIDITY_DAYS))
        return str(fleet.moment(runtime("shared.timestamps").utc_now() + timedelta(days=days)))

    def _put(self, host_id: str) -> None:
        item = {
            "hostID": host_id, "selfTest": True, "status": "FAILED",
            "expiry": self.far_away, "renewalDate": self.far_away,
        }  # fmt: skip
        self._conditionally(
            "put_item",
            Item={name: runtime("shared.expressions").to_value(value) for name, value in item.items()},
            ConditionExpression="attribute_not_exists(hostID) OR selfTest = :yes",
        )

    def _remove(self, host_id: str) -> None:
        self._conditionally("delete_item", Key={"hostID": {"S": host_id}}, ConditionExpression="selfTest = :yes")

    def _conditionally(self, operation: str, **request: Any) -> None:
        """Only entries that carry the mark are written or removed."""
        from botocore.exceptions import ClientError

        call = getattr(self.deployment.aws.client("dynamodb"), operation)
        try:
            call(
                TableName=self.deployment.table,
                ExpressionAttributeValues={":yes": {"BOOL": True}},
                **request,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            if operation == "put_item":
                raise Trouble("the inventory has an entry with a test's id that is not marked selfTest") from error

    def _empty_run(self) -> str:
        """An entry whose certificate lasts long is not due: the run finds nothing."""
        output = self._run({"hostIDs": self.ids[:1]})
        _expect("due", 0, _payload(output, "check")["due"])
        return "nothing was due, nothing was done"

    def _unknown_host(self) -> str:
        """An id that is not in the inventory is rejected and reported, and stops nobody else."""
        report = _payload(self._run({"hostIDs": [_TEST_ID.format(0)]}), "report")
        _expect("rejected", 1, report["rejected"])
        self._published = bool(report["published"])
        return "rejected and reported"

    def _load(self) -> str:
        """Hosts that Systems Manager does not know fail one by one, each with its reason, and are reported once."""
        report = _payload(self._run({"hostIDs": self.ids, "force": True}), "report")
        _expect("failed", self.hosts, report["failed"])
        self._published = self._published and bool(report["published"])
        found = fleet.these(self.deployment, self.ids, ("status", "lastError", "expiry"))
        codes = {str(item.last_error.get("code")) for item in found.values()}
        # With instance_tags IAM refuses first: a host that does not exist carries no tag.
        if not codes <= {"HOST_UNKNOWN_TO_SSM", "ACCESS_REFUSED"}:
            raise Trouble(f"the entries failed with {', '.join(sorted(codes))}")
        kept = sum(fleet.moment(item.expiry) == self.far_away for item in found.values())
        _expect("entries whose expiry was kept", self.hosts, kept)
        return f"{counted(self.hosts, 'failed as it must', 'failed as they must')}: {', '.join(sorted(codes))}"

    _published: bool = False

    def _notification(self) -> str:
        """Both runs published a message; whether somebody reads it, the subscriptions tell."""
        if not self._published:
            raise Trouble("a run with failures published no message")
        topic = self.deployment.settings("CertReport")["TOPIC_ARN"]
        pages = self.deployment.aws.client("sns").get_paginator("list_subscriptions_by_topic")
        count = sum(
            each["SubscriptionArn"] not in ("PendingConfirmation", "Deleted")
            for page in pages.paginate(TopicArn=topic)
            for each in page["Subscriptions"]
        )
        if not count:
            return Noted("published, but nobody has subscribed")
        return f"published to {counted(count, 'confirmed subscription')}"

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        arn = start(self.deployment, request, name=f"{OF_TESTS}{uuid.uuid4()}")
        deadline = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < deadline:
            described = self.deployment.aws.client("stepfunctions").describe_execution(executionArn=arn)
            if described["status"] == "SUCCEEDED":
                return dict(json.loads(described["output"]))
            if described["status"] != "RUNNING":
                why = ": ".join(str(described[name]) for name in ("error", "cause") if described.get(name))
                raise Trouble(f"the run {arn} ended {described['status']}: {why[:300]}")
            time.sleep(_POLL_SECONDS)
        raise Trouble(f"the run {arn} did not end within {_RUN_SECONDS} s")


def _payload(output: dict[str, Any], name: str) -> dict[str, Any]:
    answer = output.get(name)
    if not isinstance(answer, dict):
        raise Trouble(f"the run has no {name} in its output")
    payload: dict[str, Any] = answer.get("Payload", answer)
    return payload


def _expect(what: str, expected: int, seen: object) -> None:
    if seen != expected:
        raise Trouble(f"{what}: {seen} instead of {expected}")
