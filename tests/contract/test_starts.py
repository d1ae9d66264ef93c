"""Starts: what CertCheck writes, the workflow hands on, and CertCSR reads; and the table that they share."""

from __future__ import annotations

from typing import Any

from pca_runtime.renewal import payloads
from pca_runtime.renewal.start import LANES
from pca_runtime.renewal.starts import Slot
from pca_runtime.shared.quotas import QUOTAS
from pca_runtime.shared.timestamps import utc_now

from pca_automator.renewal import pace
from tests.synthesis import sample_template, state_machine_definition


def renew() -> dict[str, Any]:
    definition: dict[str, Any] = state_machine_definition(sample_template())["States"]["RenewHosts"]
    return definition


def test_the_map_hands_on_what_a_line_says_of_a_start() -> None:
    selector = renew()["ItemSelector"]
    of_the_line = {"lane": selector["lane.$"], "startAt": selector["csr"]["Payload"]["startAt.$"]}
    assert of_the_line == {name: f"$$.Map.Item.Value.{name}" for name in Slot(utc_now(), LANES[0]).as_fields()}
    assert selector["runHosts.$"] == "$.check.Payload.due"


def test_cert_csr_is_told_everything_it_reads() -> None:
    sent = renew()["ItemProcessor"]["States"]["CertCSR"]["Parameters"]["Payload"]
    wanted = {field.alias or name for name, field in payloads.CsrRequest.model_fields.items()}
    assert {name.removesuffix(".$") for name in sent} == wanted


def test_a_host_that_has_to_wait_comes_back_to_its_wait() -> None:
    states = renew()["ItemProcessor"]["States"]
    assert renew()["ItemProcessor"]["StartAt"] == "WaitForStart"
    assert states["WaitForStart"] == {
        "Type": "Wait", "TimestampPath": "$.csr.Payload.startAt", "Next": "CertCSR",
    }  # fmt: skip
    ways = {choice["StringEquals"]: choice["Next"] for choice in states["HostClaimed"]["Choices"]}
    assert ways == {"SENT": "WaitForCertCSRStatus", "WAIT": "WaitForStart", "ISSUED": "CertDeploy"}


def test_a_certificate_whose_proof_was_throttled_is_sent_again_without_being_issued_again() -> None:
    states = renew()["ItemProcessor"]["States"]
    ways = {
        each["StringEquals"]: each["Next"]
        for each in states["CertDeployStatusAnswer"]["Choices"]
        if "StringEquals" in each
    }
    assert ways == {"DEPLOYED": "Renewed", "AGAIN": "WaitToInstallAgain", "AFRESH": "CertCSR"}
    assert states["WaitToInstallAgain"]["Next"] == "CertDeploy"


def test_cert_check_is_told_which_execution_it_belongs_to() -> None:
    states = state_machine_definition(sample_template())["States"]
    sent = states["CertCheck"]["Parameters"]["Payload"]
    assert sent == {"input.$": "$", "runId.$": "$$.Execution.Name", "executionArn.$": "$$.Execution.Id"}
    assert {name.removesuffix(".$") for name in sent} == {
        field.alias or name for name, field in payloads.CheckRequest.model_fields.items()
    }


def test_the_quotas_that_a_user_may_give_are_those_that_bound_the_pace() -> None:
    assert set(pace.QUOTAS) <= set(QUOTAS)


def test_the_table_has_the_keys_that_the_ledger_uses() -> None:
    tables = [each for each in sample_template()["Resources"].values() if each["Type"] == "AWS::DynamoDB::Table"]
    keys = (each["Properties"] for each in tables if len(each["Properties"]["KeySchema"]) == 2)
    (starts,) = (each for each in keys if each["KeySchema"][0]["AttributeName"] == "id")
    assert starts["AttributeDefinitions"] == [
        {"AttributeName": "id", "AttributeType": "S"},
        {"AttributeName": "at", "AttributeType": "N"},
    ]
    assert starts["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
