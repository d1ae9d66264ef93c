"""Children that wait for a time, executions that are stopped and redriven: as AWS does it, in the local AWS."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pca_automator.rehearsal.stage.process import LocalAws
from tests.rehearsal.conftest import eventually

SCALE = 0.02  # of the waits, see conftest
BUCKET = "starts-work"


def at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def machine(aws: LocalAws, role_arn: str, name: str) -> str:
    """A map whose children wait for the time of their line and then for a moment more."""
    states = {
        "WaitForStart": {"Type": "Wait", "TimestampPath": "$.startAt", "Next": "Work"},
        "Work": {"Type": "Wait", "Seconds": 1, "Next": "Done"},
        "Done": {"Type": "Pass", "End": True},
    }
    definition = {
        "StartAt": "Map",
        "States": {
            "Map": {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "WaitForStart",
                    "States": states,
                },
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSONL"},
                    "Parameters": {"Bucket": BUCKET, "Key.$": "$.key"},
                },
                "MaxConcurrency": 10_000,
                "ToleratedFailurePercentage": 100,
                "ResultPath": None,
                "Next": "Report",
            },
            "Report": {"Type": "Pass", "End": True},
        },
    }
    answer = aws.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role_arn
    )
    return str(answer["stateMachineArn"])


def start(aws: LocalAws, machine_arn: str, key: str, starts: dict[str, str]) -> str:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    lines = "".join(json.dumps({"hostID": host, "startAt": text}) + "\n" for host, text in starts.items())
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines.encode())
    answer = aws.client("stepfunctions").start_execution(stateMachineArn=machine_arn, input=json.dumps({"key": key}))
    return str(answer["executionArn"])


def status(aws: LocalAws, arn: str) -> str:
    return str(aws.client("stepfunctions").describe_execution(executionArn=arn)["status"])


def counts(aws: LocalAws, arn: str) -> dict[str, int]:
    """What became of the children of an execution's newest map run; nothing before there is one."""
    states = aws.client("stepfunctions")
    runs = states.list_map_runs(executionArn=arn)["mapRuns"]
    return dict(states.describe_map_run(mapRunArn=runs[-1]["mapRunArn"])["itemCounts"]) if runs else {}


def test_children_that_wait_for_their_start_are_in_nobodys_way(aws: LocalAws, role_arn: str) -> None:
    """More than may be at work at once wait far ahead; one that may start does."""
    far, near = at(36_000), at(-5)
    starts = {f"far-{number}": far for number in range(40)} | {"near": near}
    arn = start(aws, machine(aws, role_arn, "crowd"), "crowd", starts)
    assert eventually(lambda: counts(aws, arn).get("succeeded") == 1)
    aws.client("stepfunctions").stop_execution(executionArn=arn)
    assert eventually(lambda: counts(aws, arn)["running"] == 0)


def test_a_wait_for_a_time_lasts_what_is_left_until_it_scaled(aws: LocalAws, role_arn: str) -> None:
    arn = start(aws, machine(aws, role_arn, "scaled"), "scaled", {"one": at(100)})
    begun = time.monotonic()
    assert eventually(lambda: status(aws, arn) == "SUCCEEDED")
    assert time.monotonic() - begun >= 100 * SCALE * 0.9


def test_a_stopped_execution_ends_its_children_and_a_redriven_one_goes_on_with_the_others(
    aws: LocalAws, role_arn: str
) -> None:
    states = aws.client("stepfunctions")
    arn = start(aws, machine(aws, role_arn, "stopped"), "stopped", {"now": at(-5), "later": at(600)})
    assert eventually(lambda: counts(aws, arn).get("succeeded") == 1)
    states.stop_execution(executionArn=arn)
    assert eventually(lambda: counts(aws, arn)["running"] == 0)
    assert status(aws, arn) == "ABORTED"

    def redriven() -> Any:
        try:
            return states.redrive_execution(executionArn=arn)
        except states.exceptions.ExecutionNotRedrivable:
            return None

    assert eventually(redriven)
    assert eventually(lambda: status(aws, arn) == "SUCCEEDED")
    assert counts(aws, arn)["total"] == 1


def test_an_execution_that_went_well_cannot_be_redriven(aws: LocalAws, role_arn: str) -> None:
    states = aws.client("stepfunctions")
    arn = start(aws, machine(aws, role_arn, "well"), "well", {"now": at(-5)})
    assert eventually(lambda: status(aws, arn) == "SUCCEEDED")
    with pytest.raises(states.exceptions.ExecutionNotRedrivable):
        states.redrive_execution(executionArn=arn)


def test_the_quotas_of_the_account_are_told_and_hold(aws: LocalAws) -> None:
    aws.control("settings", {"quotas": json.dumps({"GetCertificate": 0.001})})
    try:
        listed = aws.client("service-quotas").list_service_quotas(ServiceCode="acm-pca")["Quotas"]
        assert {quota["QuotaName"]: quota["Value"] for quota in listed}["Rate of GetCertificate requests"] == 0.001
        counted = aws.control("quotas")
        assert counted == {}
        refused = _refused(aws, 90)
        assert refused >= 10  # the bucket holds 75
        assert aws.control("quotas")["GetCertificate"]["asked"] >= 90
    finally:
        aws.control("settings", {"quotas": ""})


def _refused(aws: LocalAws, times: int) -> int:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    once = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    client: Any = boto3.client(  # type: ignore[call-overload]
        "acm-pca", endpoint_url=aws.endpoint, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test", config=once,
    )  # fmt: skip
    found = 0
    ca = "arn:aws:acm-pca:us-east-1:000000000000:certificate-authority/11111111-2222-3333-4444-555555555555"
    for _ in range(times):
        try:
            client.get_certificate(CertificateAuthorityArn=ca, CertificateArn=f"{ca}/certificate/{'0' * 32}")
        except ClientError as error:
            found += error.response["Error"]["Code"] == "ThrottlingException"
    return found
