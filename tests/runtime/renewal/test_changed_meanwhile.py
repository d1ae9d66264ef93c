"""Whoever changes an item while its host is renewed makes nothing fail, and gets what he wrote with the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from pca_runtime.authority.names import Names
from pca_runtime.authority.profiles import CertificateProfile, CertificateRequest
from pca_runtime.shared.expressions import to_value

from tests.members import members
from tests.runtime.conftest import HOST, World
from tests.runtime.renewal.steps import (
    LIVE,
    TOKEN,
    completed,
    finish,
    host,
    issuance_event,
    renew,
    until_csr,
)

BEFORE = {"dnsNames": {"a.example.com"}, "ipAddresses": {"10.0.0.1"}}
CHANGES: dict[str, dict[str, Any]] = {
    "other names": {"dnsNames": {"b.example.com", "c.example.com"}},
    "no names any more": {"dnsNames": None, "ipAddresses": None},
    "another kind of name": {"uris": {f"spiffe://example.com/host/{HOST}"}},
    "a name that the profile refuses": {"dnsNames": {"a.elsewhere.test"}},
    "names of another type": {"dnsNames": 7},
    "another key": {"keyAlgorithm": "EC_secp384r1"},
    "another profile, with its own validity": {"certificateProfile": "client"},
    "another profile, with its own key": {"certificateProfile": "strong"},
    "a profile that there is not": {"certificateProfile": "nobody"},
    "e-mail": {"emailAddresses": ["root@example.com"]},
}


def change(world: World, change: dict[str, Any]) -> None:
    """As a person writes it, whatever else is in the item."""
    for name, value in change.items():
        given = {"#name": name}
        key = {"hostID": {"S": HOST}}
        update = {"UpdateExpression": "REMOVE #name"}
        if value is not None:
            values = {":value": to_value(value)}
            update = {"UpdateExpression": "SET #name = :value", "ExpressionAttributeValues": values}
        world.dynamodb.raw.update_item(TableName="inventory", Key=key, ExpressionAttributeNames=given, **update)


def nothing() -> None:
    return None


def played(world: World, step: int, between: Callable[[], None]) -> str:
    """A renewal, with something in between before its nth step; returns the certificate's ARN."""
    say = [nothing if number != step else between for number in range(5)]
    say[0]()
    ready = until_csr(world)
    say[1]()
    world.invoke("cert_issue", {**host(), "csr": ready["csr"], "taskToken": TOKEN})
    say[2]()
    arn = str(world.item()["pending"]["certificateArn"])
    world.invoke("cert_deploy", issuance_event(arn))
    install = completed(world)
    say[3]()
    assert finish(world, install)["state"] == "DEPLOYED"
    return arn


def names_of(world: World, arn: str) -> list[str]:
    leaf = x509.load_pem_x509_certificate(world.pca.certificates[arn].encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted([*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))])


@pytest.mark.parametrize("step", [2, 3], ids=["before CertDeploy", "before CertDeployStatus"])
@pytest.mark.parametrize("name", members(CHANGES, list(CHANGES)[::2]))
def test_a_renewal_ends_with_what_was_asked_for(world: World, name: str, step: int) -> None:
    world.put(**LIVE, **BEFORE)
    arn = played(world, step, lambda: change(world, CHANGES[name]))
    assert names_of(world, arn) == ["10.0.0.1", "a.example.com"]
    item = world.item()
    assert (item["status"], item["certificateArn"]) == ("DEPLOYED", arn)
    # What was written meanwhile is not forgotten: the next run takes the host, whatever its certificate has left.
    world.later(minutes=1)
    assert world.invoke("cert_check", {"input": {}, "runId": "run-2"})["due"] == 1


def test_the_next_run_brings_what_was_written_meanwhile_and_no_run_after_it_does_more(world: World) -> None:
    world.put(**LIVE, **BEFORE)
    played(world, 2, lambda: change(world, {"dnsNames": {"b.example.com"}}))
    world.later(minutes=1)
    renew(world, "run-2")
    assert names_of(world, world.item()["certificateArn"]) == ["10.0.0.1", "b.example.com"]
    world.later(minutes=1)
    assert world.invoke("cert_check", {"input": {}, "runId": "run-3"})["due"] == 0


def test_where_files_go_is_read_when_they_are_sent_and_a_later_change_makes_the_host_due(world: World) -> None:
    world.put(**LIVE, **BEFORE)
    played(world, 2, lambda: change(world, {"certPath": "/srv/new"}))
    (sent,) = world.ssm.sent("InstallCertificate")
    assert sent["Parameters"]["certPath"] == ["/srv/new"]
    world.later(minutes=1)
    assert world.invoke("cert_check", {"input": {}, "runId": "run-2"})["due"] == 0
    world.put(**LIVE, **BEFORE)
    world.step_functions.outcomes.clear()
    change(world, {"lastRunId": "run-0"})
    played(world, 3, lambda: change(world, {"fileOwner": "www-data"}))
    world.later(minutes=1)
    assert world.invoke("cert_check", {"input": {}, "runId": "run-2"})["due"] == 1


def test_whoever_asks_for_another_key_before_the_certificate_is_asked_for_gets_it_with_the_next_run(
    world: World,
) -> None:
    world.put(**LIVE, **BEFORE)
    played(world, 1, lambda: change(world, {"keyAlgorithm": "EC_secp384r1", "dnsNames": ["b.example.com"]}))
    assert names_of(world, world.item()["certificateArn"]) == ["10.0.0.1", "b.example.com"]
    world.later(minutes=1)
    assert world.invoke("cert_check", {"input": {}, "runId": "run-2"})["due"] == 1


def test_a_second_attempt_asks_the_ca_for_the_same(world: World) -> None:
    """An idempotency token with other parameters would be refused."""
    world.put(**LIVE, **BEFORE)
    ready = until_csr(world)
    payload = {**host(), "csr": ready["csr"], "taskToken": TOKEN}
    world.invoke("cert_issue", payload)
    change(world, {"dnsNames": ["z.example.com"]})
    world.dynamodb.raw.update_item(
        TableName="inventory",
        Key={"hostID": {"S": HOST}},
        UpdateExpression="REMOVE pending.certificateArn",
    )
    world.invoke("cert_issue", payload)
    first, second = world.pca.requests("issue_certificate")
    assert first == second


def test_what_is_asked_for_is_the_same_after_it_was_written_down() -> None:
    profile = CertificateProfile(usages=frozenset({"CLIENT_AUTH"}), organization="Ü GmbH", dns_names=("*.example.com",))
    names = Names(("a.example.com",), ("10.0.0.1",), ("spiffe://x/y",), ("a@example.com",))
    asked = CertificateRequest(HOST, "EC_secp384r1", names, profile, 5)
    read = CertificateRequest.of_text(HOST, asked.as_text())
    assert read.as_text() == asked.as_text()
    assert (read.api_passthrough(), read.template, read.names) == (asked.api_passthrough(), asked.template, names)
    assert (read.validity_days, read.key_algorithm) == (5, "EC_secp384r1")
