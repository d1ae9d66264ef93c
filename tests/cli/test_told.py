"""What the verbs that list and change hosts tell a person: each cell, each sentence, each refusal and how it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pca_automator.cli.deployed import inventory as fleet_module
from pca_automator.cli.verbs.hosts.lint import mending
from tests.cli.conftest import Deployed, error, host, invoked, resources, stamp, table

REGION = "--region us-east-1"
SOON = "They are renewed within a minute."
DARK = "From the CA's next CRL on the host is dark: it gets no session until it has a new certificate."


@pytest.fixture
def fleet(deployed: Deployed) -> Deployed:
    """A healthy host, one that failed, a new one, one that has left, one with what cannot be right, and no host."""
    deployed.live(1, hours=100.5)
    deployed.live(2, hours=20.5, status="FAILED", lastError={"code": "NO_SPACE"})
    deployed.put(host(4))
    deployed.live(5, hours=1.5, status="RETIRED", retiredAt=stamp(deployed.now))
    deployed.live(6, expiry="never", keyMode="0777")
    deployed.put("web-1")
    return deployed


HEAD = ["hostID", "status", "left", "due", "lastError"]


def listed(deployed: Deployed, *options: str) -> list[list[str]]:
    """The table, without what a narrow terminal leaves out."""
    done = deployed.invoke("hosts", "list", *options, env={"COLUMNS": "110"})
    assert done.exit_code == 0, done.stderr
    return table(done.stdout)


def test_a_list_begins_with_what_is_most_urgent(fleet: Deployed) -> None:
    entry = ["entry-c4719afa76fa", "QUARANTINED", "no", "HOST_ID_INVALID", "HOST_ID_INVALID"]
    every = [
        entry,
        [host(4), "NEW", "no certificate", "yes"],
        [host(6), "DEPLOYED", "no certificate", "yes", "INVENTORY_ATTRIBUTE_IMPOSSIBLE"],
        [host(2), "FAILED", "20 h 29 min", "yes", "NO_SPACE"],
        [host(1), "DEPLOYED", "4 d 4 h", "no"],
    ]
    assert listed(fleet) == [[*HEAD, "quarantine"], *every]
    assert listed(fleet, "--retired") == [[*HEAD, "quarantine"], *every, [host(5), "RETIRED", "1 h 29 min", "no"]]
    assert listed(fleet, "--failed") == [[*HEAD, "quarantine"], entry, every[2], every[3]]
    for options, ids in ((("--due", "--failed"), [host(6), host(2)]), (("--expiring-within", "21h"), [host(2)])):
        rows = json.loads(fleet.invoke("hosts", "list", *options, "--output", "json").stdout)
        assert [row["hostID"] for row in rows] == ids


def test_a_list_without_quarantine_has_no_column_for_it(deployed: Deployed) -> None:
    deployed.live(1)
    shown = table(deployed.invoke("hosts", "list", env={"COLUMNS": "200"}).stdout)
    assert shown[0] == ["hostID", "status", "left", "due", "expiry", "renewalDate", "lastError"]


def test_what_ends_at_a_time_is_within_it_and_who_has_none_comes_before_who_has_a_second(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = fleet_module.View(deployed.now, timedelta(hours=12))
    monkeypatch.setattr(fleet_module.View, "of", lambda _: now)
    deployed.live(1, hours=1 / 3600)
    for number in (3, 2):
        deployed.put(host(number))
    deployed.live(4, hours=0)
    deployed.live(5, hours=24)

    def ids(*options: str) -> list[int]:
        done = deployed.invoke("hosts", "list", *options, "--output", "json")
        return [int(row["hostID"][2:]) for row in json.loads(done.stdout)]

    assert ids() == [2, 3, 4, 1, 5]
    assert ids("--expiring-within", "24h") == [4, 1, 5]
    assert ids("--expiring-within", "1439m") == [4, 1]


def test_json_lines_of_lint_come_page_by_page(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def page(request: Any) -> dict[str, Any]:
        number = 1 if "ExclusiveStartKey" in request else 0
        events.append(f"page {number}")
        more = {} if number else {"LastEvaluatedKey": {"hostID": {"S": "x"}}}
        return {"Items": [{"hostID": {"S": f"web-{number}"}}], **more}

    deployed.answers["Scan"] = page
    monkeypatch.setattr("pca_automator.cli.output._write_json", lambda row: events.append(row["key"]))
    assert deployed.invoke("hosts", "lint", "--output", "jsonl").exit_code == 1
    assert events == ["page 0", "web-0", "page 1", "web-1"]


def test_what_no_other_command_mends_is_explained() -> None:
    row = {"hostID": host(1), "code": "INVENTORY_ATTRIBUTE_INVALID", "reason": "monkeyMode and keyModes are unknown"}
    assert mending(row) == "pca-automator explain INVENTORY_ATTRIBUTE_INVALID"
    assert mending({**row, "reason": "keyMode is '0777'"}) == f"pca-automator hosts set {host(1)} --clear keyMode"


@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
def test_where_no_host_fits_that_is_said(fleet: Deployed, output: str) -> None:
    done = fleet.invoke("hosts", "list", "--expiring-within", "1m", "--output", output)
    assert (done.exit_code, done.stderr) == (0, "no host fits\n")
    assert done.stdout == ("[]\n" if output == "json" else "")


@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_lint_says_what_is_wrong_and_what_mends_it(fleet: Deployed, output: str) -> None:
    done = fleet.invoke("hosts", "lint", "--output", output)
    assert (done.exit_code, done.stderr) == (1, "error: 2 entries are not as they should be\n")
    if output == "jsonl":
        found = [(row["hostID"], row["attribute"], row["code"]) for row in map(json.loads, done.stdout.splitlines())]
    else:
        rows = [line for line in table(done.stdout) if line[0] in (host(6), "entry-c4719afa76fa")]
        found = [(row[0], row[1], row[2]) for row in rows]
        assert table(done.stdout)[0] == ["hostID", "attribute", "code", "reason"]
        assert done.stdout.partition("\n\n")[2].splitlines() == [
            "what to type:",
            f"  pca-automator run {host(6)} --force --watch {REGION}",
            f"  pca-automator hosts set {host(6)} --clear keyMode {REGION}",
            f"  pca-automator hosts remove entry-c4719afa76fa {REGION}",
        ]
    assert sorted(found) == [
        ("entry-c4719afa76fa", "hostID", "HOST_ID_INVALID"),
        (host(6), "expiry", "INVENTORY_ATTRIBUTE_IMPOSSIBLE"),
        (host(6), "overrides", "INVENTORY_ATTRIBUTE_INVALID"),
    ]


def test_lint_of_one_entry_counts_one_and_of_many_prints_the_first_twenty_commands(deployed: Deployed) -> None:
    deployed.live(0, expiry="never")
    assert "error: 1 entry is not as it should be\n" in deployed.invoke("hosts", "lint").stderr
    for number in range(1, 21):
        deployed.live(number, expiry="never")
    done = deployed.invoke("hosts", "lint")
    assert done.stdout.count("pca-automator run i-") == 20
    assert done.stderr == "error: 21 entries are not as they should be\n"


@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
def test_lint_of_what_is_well_says_so_and_of_nothing_that_there_is_nothing(deployed: Deployed, output: str) -> None:
    done = deployed.invoke("hosts", "lint", "--output", output)
    assert (done.exit_code, done.stderr.startswith("error: the inventory is empty")) == (1, True)
    deployed.live(1)
    done = deployed.invoke("hosts", "lint", "--output", output)
    assert (done.exit_code, done.stderr) == (0, "every entry is as it should be\n")
    assert done.stdout == ("[]\n" if output == "json" else "")


def test_set_tells_what_each_host_has_now(fleet: Deployed) -> None:
    change = (host(1), host(2), host(1), "--override", "keyMode=0440", "--clear", "dnsNames")
    for dry, result, told in (("--dry-run", "would be changed", ""), ("", "changed", f"{SOON}\n")):
        done = fleet.invoke("hosts", "set", *change, *filter(None, [dry]))
        assert (done.exit_code, done.stderr) == (0, told)
        assert table(done.stdout) == [
            ["hostID", "result", "keyMode", "dnsNames"],
            [host(1), result, "0440"],
            [host(2), result, "0440"],
        ]
    updates = fleet.called("UpdateItem")
    assert [request["Key"] for request in updates] == [{"hostID": {"S": host(1)}}, {"hostID": {"S": host(2)}}]
    assert {request["TableName"] for request in updates} == {"inventory"}


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ((host(1), "--override", "keyMode=0440", "--clear", "keyMode"), 2, "keyMode cannot be set and cleared at once"),
        ((host(1),), 2, "nothing to change: give --override NAME=VALUE or --clear NAME"),
        ((host(1), "--clear", "status"), 2, "'status' is not an override: allowed are bundle, "),
        (("web-1", "--clear", "keyMode"), 2, "'web-1': not an EC2 instance id"),
        ((host(1), host(9), "--clear", "keyMode"), 1, f"the inventory has no host {host(9)}: "),
        (
            (host(1), host(5), "--clear", "keyMode"), 1,
            f"{host(5)}: retired, so that nothing renews it with other overrides: "
            f"pca-automator hosts restore {host(5)} {REGION}",
        ),
    ],
)  # fmt: skip
def test_what_set_refuses_is_one_line_and_no_write(
    fleet: Deployed, arguments: tuple[str, ...], status: int, told: str
) -> None:
    done = fleet.invoke("hosts", "set", *arguments)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert done.stderr.startswith(f"error: {told}")
    assert fleet.called("UpdateItem") == []


def test_a_host_that_goes_while_it_is_changed_is_not_made_anew(fleet: Deployed) -> None:
    fleet.answers["UpdateItem"] = error("ConditionalCheckFailedException")
    done = fleet.invoke("hosts", "set", host(1), "--clear", "keyMode")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: the inventory has no host {host(1)}: ")
    (asked,) = fleet.called("UpdateItem")
    assert asked["ConditionExpression"] == "attribute_exists(#hostID)"
    assert asked["UpdateExpression"] == "REMOVE #keyMode"


def test_retire_asks_and_tells_with_what_is_done_to_the_certificates(fleet: Deployed) -> None:
    fleet.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 0, "commands": {host(1): "c-1"}})
    fleet.issued(host(1), "0abc", 90)
    what = f"retire {host(1)}, "
    assert fleet.invoke("hosts", "retire", host(1), "--dry-run").stderr == f"would {what}do not revoke what they hold\n"
    assert table(fleet.invoke("hosts", "retire", host(1), "--dry-run").stdout) == [
        ["hostID", "result"], [host(1), "would be retired"],
    ]  # fmt: skip
    asked = fleet.invoke("hosts", "retire", host(1), "--revoke", input="n\n").stderr
    assert asked.startswith(f"{what}revoke what they hold? [y/N]:")
    done = fleet.invoke("hosts", "retire", host(1), "--revoke", "--yes")
    assert table(done.stdout) == [["hostID", "result", "removal"], [host(1), "retired", "c-1"]]
    assert done.stderr == "1 retired, 2 certificates revoked\n"
    assert {request["RevocationReason"] for request in fleet.called("RevokeCertificate")} == {"CESSATION_OF_OPERATION"}


def test_retire_of_many_names_the_first_five(fleet: Deployed) -> None:
    for number in range(10, 17):
        fleet.live(number)

    def told(count: int) -> str:
        ids = [host(number) for number in range(10, 10 + count)]
        return fleet.invoke("hosts", "retire", *ids, ids[0], "--dry-run").stderr

    first = ", ".join(host(number) for number in range(10, 15))
    assert told(5) == f"would retire {first}, do not revoke what they hold\n"
    assert told(7) == f"would retire {first} and 2 more, do not revoke what they hold\n"


@pytest.mark.parametrize(
    ("always", "options", "revokes", "payload"),
    [
        (True, (), 0, {"removeFromHost": True}),
        (True, ("--revoke",), 0, {"removeFromHost": True}),
        (False, (), 0, {"removeFromHost": True}),
        (False, ("--keep-files", "--revoke"), 1, {"removeFromHost": False}),
    ],
)
def test_retire_revokes_itself_only_what_the_function_does_not(
    fleet: Deployed, always: bool, options: tuple[str, ...], revokes: int, payload: dict[str, bool]
) -> None:
    settings: Any = fleet.answers["GetFunctionConfiguration"]
    function = {"Environment": {"Variables": {"REVOKE_ON_RETIRE": "ALWAYS" if always else "NEVER"}}}
    fleet.answers["GetFunctionConfiguration"] = lambda request: (
        function if request["FunctionName"] == "CertRetire" else settings(request)
    )
    fleet.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 3, "commands": {}})
    word = "revoke" if always or "--revoke" in options else "do not revoke"
    asked = fleet.invoke("hosts", "retire", host(1), *options, input="n\n").stderr
    assert asked.startswith(f"retire {host(1)}, {word} what they hold?")
    done = fleet.invoke("hosts", "retire", host(1), *options, "--yes")
    assert done.stderr == f"1 retired, {3 + revokes} certificates revoked\n"
    assert len(fleet.called("RevokeCertificate")) == revokes
    (sent,) = fleet.called("Invoke")
    assert json.loads(sent["Payload"]) == {"hostIDs": [host(1)], **payload}


def test_a_certificate_that_was_not_revoked_is_not_counted(fleet: Deployed) -> None:
    fleet.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 0, "commands": {}})
    fleet.answers["RevokeCertificate"] = error("ResourceNotFoundException", "no", "RevokeCertificate")
    assert "0 certificates revoked" in fleet.invoke("hosts", "retire", host(1), "--revoke", "--yes").stderr
    fleet.answers["RevokeCertificate"] = error("RequestAlreadyProcessedException", "no", "RevokeCertificate")
    assert "1 certificate revoked" in fleet.invoke("hosts", "retire", host(1), "--revoke", "--yes").stderr


@pytest.mark.parametrize("verb", ["retire", "restore"])
def test_who_is_not_there_or_is_no_host_is_named_and_nobody_is_touched(fleet: Deployed, verb: str) -> None:
    for ids, status, told in (
        ((host(5), host(9), host(8)), 1, f"the inventory has no host {host(9)}: "),
        ((host(5), "web-1"), 2, "'web-1': not an EC2 instance id"),
    ):
        done = fleet.invoke("hosts", verb, *ids, *(["--yes"] if verb == "retire" else []))
        assert (done.exit_code, done.stdout) == (status, "")
        assert done.stderr.startswith(f"error: {told}")
    assert fleet.called("Invoke") + fleet.called("UpdateItem") == []


def test_restore_tells_of_each_host_and_of_those_that_are_not(fleet: Deployed) -> None:
    done = fleet.invoke("hosts", "restore", host(1), host(5))
    assert table(done.stdout) == [["hostID", "result"], [host(1), "is not retired"], [host(5), "restored"]]
    assert (done.exit_code, done.stderr.splitlines()) == (
        1, [f"1 host restored. What was revoked stays revoked. {SOON}", "error: 1 host not restored"],
    )  # fmt: skip
    done = fleet.invoke("hosts", "restore", host(2), "--dry-run")
    assert (done.exit_code, done.stderr) == (0, "")


def test_remove_tells_of_each_entry_and_asks_first(fleet: Deployed) -> None:
    asked = fleet.invoke("hosts", "remove", host(4), "web-1", host(4), input="n\n")
    assert asked.stderr.startswith(f"delete {host(4)}, web-1 from the inventory? [y/N]:")
    assert fleet.called("DeleteItem") == []
    rows = table(fleet.invoke("hosts", "remove", host(4), "web-1", "--dry-run").stdout)
    assert rows == [["hostID", "result"], [host(4), "would be removed"], ["entry-c4719afa76fa", "would be removed"]]
    done = fleet.invoke("hosts", "remove", host(4), "entry-c4719afa76fa", "--yes")
    assert table(done.stdout)[1:] == [[host(4), "removed"], ["entry-c4719afa76fa", "removed"]]
    assert (done.exit_code, done.stderr) == (0, "2 entries removed\n")
    assert fleet.called("DeleteItem") == [
        {"TableName": "inventory", "Key": {"hostID": {"S": key}}} for key in (host(4), "web-1")
    ]
    assert fleet.invoke("hosts", "remove", host(2), "--yes").stderr == "1 entry removed\n"


def test_an_entry_that_is_not_there_is_named_and_nothing_is_removed(fleet: Deployed) -> None:
    done = fleet.invoke("hosts", "remove", host(4), "x" * 101, "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: the inventory has no entry '{'x' * 100}': all are listed by ")
    assert fleet.called("DeleteItem") == []


def test_remove_copies_tells_whose_keys_and_what_to_do_then(fleet: Deployed) -> None:
    fleet.live(7, notices={"OTHER_HOSTS_KEY": f"{host(8)},{host(9)}"})
    document = {
        "LogicalResourceId": "AutomationDocumentsRemoveCertificate0A1B2C3D", "ResourceType": "AWS::SSM::Document",
        "PhysicalResourceId": "fleet-RemoveCertificate",
    }  # fmt: skip
    words = iter([f"PCA_RESULT hostID={host(8)} takenOverKept=0", f"PCA_RESULT hostID={host(9)} takenOverKept=0"])
    fleet.answers |= {
        "ListStackResources": {"StackResourceSummaries": [*resources(), document]},
        "SendCommand": {"Command": {"CommandId": "11111111-2222-3333-4444-555555555555"}},
        "GetCommandInvocation": lambda _: {"Status": "Success", "StandardOutputContent": next(words)},
    }
    head = ["hostID", "keysOf", "result"]
    dry = fleet.invoke("hosts", "remove-copies", host(7), "--dry-run")
    assert table(dry.stdout) == [head, *([host(7), host(each), "would be removed"] for each in (8, 9))]
    assert (dry.exit_code, dry.stderr, fleet.called("SendCommand")) == (0, "", [])
    asked = fleet.invoke("hosts", "remove-copies", host(7), input="n\n").stderr
    assert asked.startswith(f"remove the keys and certificates of {host(8)}, {host(9)} from {host(7)}? [y/N]:")
    done = fleet.invoke("hosts", "remove-copies", host(7), "--yes")
    assert table(done.stdout) == [head, *([host(7), host(each), "removed"] for each in (8, 9))]
    assert (done.exit_code, done.stderr.splitlines()) == (
        0,
        [
            "Whoever had this machine had those keys. Where such a host is still in the fleet, give it a new one:",
            f"  pca-automator revoke {host(8)} --reason KEY_COMPROMISE {REGION}",
            f"  pca-automator run {host(8)} --force --watch {REGION}",
            f"  pca-automator revoke {host(9)} --reason KEY_COMPROMISE {REGION}",
            f"  pca-automator run {host(9)} --force --watch {REGION}",
        ],
    )


def test_revoke_tells_what_it_does_to_each_certificate_and_what_follows(fleet: Deployed) -> None:
    fleet.issued(host(1), "0abc", 90)
    rows = [["0abc", "would be revoked"], ["1ab", "would be revoked"]]
    dry = fleet.invoke("revoke", host(1), "--reason", "SUPERSEDED", "--dry-run")
    assert table(dry.stdout) == [[host(1)], *rows]
    assert dry.stderr == f"would revoke 0abc and 1ab of {host(1)} (SUPERSEDED). {DARK}\n"
    done = fleet.invoke("revoke", host(1), "--reason", "SUPERSEDED", input="y\n")
    assert table(done.stdout.replace("y\n", "", 1)) == [[host(1)], ["0abc", "revoked"], ["1ab", "revoked"]]
    renew = f"pca-automator run {host(1)} --force --watch {REGION}"
    assert done.stderr.replace("[y/N]:", "[y/N]:\n").splitlines() == [
        f"{host(1)} holds one of them now. {DARK} To renew it first, answer no and type:",
        renew,
        f"revoke 0abc and 1ab of {host(1)} (SUPERSEDED)? This cannot be taken back [y/N]:",
        "IAM Roles Anywhere refuses it with the CA's next CRL: up to half an hour. To see it:",
        f"pca-automator status {REGION}",
        f"{DARK} The host needs a new one:",
        renew,
    ]
    answer = json.loads(fleet.invoke("revoke", host(1), "--yes", "--output", "json").stdout)
    assert answer == {
        "hostID": host(1), "reason": "UNSPECIFIED",
        "certificates": [{"serial": "0abc", "result": "revoked"}, {"serial": "1ab", "result": "revoked"}],
    }  # fmt: skip


def test_a_host_without_a_certificate_has_nothing_to_be_revoked(fleet: Deployed) -> None:
    done = fleet.invoke("revoke", host(4), "--yes")
    assert (done.exit_code, done.stderr) == (1, f"error: {host(4)} has no certificate that has not run out\n")
    done = fleet.invoke("revoke", host(1), "--reason", "BOREDOM", "--yes")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: 'BOREDOM' is not a reason: allowed are ")
    assert fleet.called("RevokeCertificate") == []


@pytest.mark.parametrize(
    ("code", "result", "status"),
    [
        ("RequestAlreadyProcessedException", "was revoked before", 0),
        ("ResourceNotFoundException", "unknown to this CA", 1),
    ],
)
def test_revoke_that_revokes_nothing_is_no_success(fleet: Deployed, code: str, result: str, status: int) -> None:
    fleet.answers["RevokeCertificate"] = error(code, "no", "RevokeCertificate")
    done = fleet.invoke("revoke", host(1), "--yes")
    assert (done.exit_code, table(done.stdout)) == (status, [[host(1)], ["1ab", result]])
    if status:
        assert done.stderr.splitlines()[-1] == f"error: nothing of {host(1)} was revoked"
        assert "next CRL: up to half an hour" not in done.stderr
