"""``pca-automator hosts``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pca_automator.cli.deployed import overrides
from tests.cli.conftest import Deployed, error, host, invoked, stamp


def test_add_writes_what_was_said_and_nothing_else(deployed: Deployed) -> None:
    done = deployed.invoke("hosts", "add", host(1), "--override", "dnsNames=b.example,a.example")
    assert done.exit_code == 0, done.stderr
    assert deployed.items() == {host(1): {"hostID": host(1), "dnsNames": ["b.example", "a.example"]}}
    assert "1 added, 0 were there already. They are renewed within a minute." in done.stderr


def test_add_leaves_a_host_that_is_there_alone(deployed: Deployed) -> None:
    deployed.live(1, keyAlgorithm="RSA_4096")
    before = deployed.items()
    again = deployed.invoke("hosts", "add", host(1), "--override", "keyAlgorithm=RSA_4096", "--output", "jsonl")
    assert (again.exit_code, json.loads(again.stdout)["result"]) == (0, "unchanged")
    other = deployed.invoke("hosts", "add", host(1), "--override", "keyAlgorithm=EC_prime256v1")
    assert other.exit_code == 1
    assert "0 added, 1 was there already.\n" in other.stderr
    assert "error: 1 is there with other overrides:" in other.stderr
    assert deployed.items() == before


def test_add_never_brings_a_retired_host_back(deployed: Deployed) -> None:
    deployed.put(host(1), status="RETIRED")
    assert deployed.invoke("hosts", "add", host(1)).exit_code == 1
    assert deployed.items()[host(1)]["status"] == "RETIRED"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("certPath=relative", "certPath is 'relative'"),
        ("keyMode=0777", "keyMode is '0777'"),
        ("keyAlgorithm=DSA", "keyAlgorithm is 'DSA'"),
        ("bundle=perhaps", "bundle is 'perhaps'"),
        ("status=DEPLOYED", "'status' is not an override"),
        ("certPath", "NAME=VALUE"),
    ],
)
def test_an_override_that_the_runtime_would_refuse_is_refused(deployed: Deployed, given: str, named: str) -> None:
    done = deployed.invoke("hosts", "add", host(1), "--override", given)
    assert done.exit_code == 2
    assert named in done.stderr
    assert deployed.items() == {}


def test_every_override_of_the_runtime_can_be_given() -> None:
    given = {
        "bundle": "true", "cacertPath": "/a", "certMode": "0644", "certPath": "/b", "certificateProfile": "web",
        "dnsNames": "a.example", "emailAddresses": "web@a.example", "fileGroup": "web", "fileOwner": "web",
        "ipAddresses": "192.0.2.1", "keyAlgorithm": "RSA_3072", "keyMode": "0440", "keyPath": "/c",
        "signinghelperPath": "/d", "uris": "spiffe://a.example/web",
    }  # fmt: skip
    assert sorted(given) == overrides.names()
    assert sorted(overrides.parse(f"{name}={value}" for name, value in given.items())) == overrides.names()


def test_an_id_that_is_none_is_refused_before_anything_is_asked(deployed: Deployed) -> None:
    done = deployed.invoke("hosts", "add", host(1), "web-1")
    assert done.exit_code == 2
    assert "'web-1': not an EC2 instance id" in done.stderr
    assert deployed.called("PutItem") == []


def test_add_by_tag_takes_what_systems_manager_knows(deployed: Deployed) -> None:
    deployed.answers["DescribeInstanceInformation"] = {"InstanceInformationList": [{"InstanceId": host(7)}]}
    assert deployed.invoke("hosts", "add", "--tag", "fleet=web").exit_code == 0
    (asked,) = deployed.called("DescribeInstanceInformation")
    assert asked["Filters"] == [{"Key": "tag:fleet", "Values": ["web"]}]
    assert set(deployed.items()) == {host(7)}


def test_add_by_a_tag_without_a_value_is_refused(deployed: Deployed) -> None:
    """Systems Manager takes no empty value in a filter."""
    done = deployed.invoke("hosts", "add", "--tag", "fleet=")
    assert done.exit_code == 2
    assert "give KEY=VALUE" in done.stderr
    assert deployed.called("DescribeInstanceInformation") == []


def test_csv_is_imported(deployed: Deployed, tmp_path: Path) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(
        f"\ufeffhostID,dnsNames,bundle,keyPath\n{host(1)},a.example;b.example,yes,\n\n{host(2)},,,/opt/keys\n",
        encoding="utf-8",
    )
    done = deployed.invoke("hosts", "add", "--from-csv", str(file))
    assert done.exit_code == 0, done.stderr
    assert deployed.items() == {
        host(1): {"hostID": host(1), "dnsNames": ["a.example", "b.example"], "bundle": True},
        host(2): {"hostID": host(2), "keyPath": "/opt/keys"},
    }


def test_csv_of_a_spreadsheet_is_imported(deployed: Deployed, tmp_path: Path) -> None:
    """A byte order mark, CRLF, cells in quotes, blanks around values, no end of line at the end."""
    file = tmp_path / "hosts.csv"
    text = f'\ufeff"hostID", keyPath\r\n"{host(1)}", /opt/keys \r\n,\r\n {host(2)} ,\r\n{host(3)},/opt/own'
    file.write_bytes(text.encode())
    done = deployed.invoke("hosts", "add", "--from-csv", str(file))
    assert done.exit_code == 0, done.stderr
    assert {name: item.get("keyPath") for name, item in deployed.items().items()} == {
        host(1): "/opt/keys", host(2): None, host(3): "/opt/own",
    }  # fmt: skip


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_names_the_line_whatever_its_ends_are(deployed: Deployed, tmp_path: Path, mark: str, line_end: str) -> None:
    file = tmp_path / "hosts.csv"
    lines = ["hostID,keyPath", f"{host(1)},/a", "", f"{host(2)},relative", f"{host(1)},/b", ""]
    file.write_bytes((mark + line_end.join(lines)).encode())
    done = deployed.invoke("hosts", "add", "--from-csv", str(file), host(3))
    said = [line.split(":")[1] for line in done.stderr.splitlines() if line.startswith(str(file))]
    assert (done.exit_code, said) == (2, ["4", "5"])
    assert deployed.called("PutItem") == []


def test_csv_that_is_not_there_or_no_text_is_one_line(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"hostID\n\xff\xfe\x00")
    for name in ("absent.csv", "binary.csv", "."):
        done = deployed.invoke("hosts", "add", "--from-csv", str(tmp_path / name))
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
        assert "cannot be read" in done.stderr
    assert deployed.calls == []


def test_csv_with_mistakes_names_each_line_and_writes_nothing(deployed: Deployed, tmp_path: Path) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(
        f'hostID,keyPath,dnsNames\n{host(1)},,"a.example\nb.example"\nweb-1,,\n{host(2)},relative,\n'
        f"{host(1)},,\n{host(3)},,,,,\n{host(4)},,\n",
        encoding="utf-8",
    )
    done = deployed.invoke("hosts", "add", "--from-csv", str(file))
    assert done.exit_code == 2
    said = {int(line.split(":")[1]): line for line in done.stderr.splitlines() if line.startswith(str(file))}
    assert sorted(said) == [4, 5, 6, 7]
    assert "web-1" in said[4]
    assert "keyPath is 'relative'" in said[5]
    assert "stands in line 2 already" in said[6]
    assert "4 lines are wrong" in done.stderr
    assert deployed.called("PutItem") == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("keyPath\n/a\n", "one of them hostID"),
        ("hostID,status\ni-1,FAILED\n", "'status' is not an override"),
        ("hostID,keyPath,keyPath\n", "keyPath is there twice"),
        ("", ":1: the first line must name the columns"),
        ("hostID\n", "has no hosts"),
        ("hostID\n\n\n", "has no hosts"),
        ("hostID,colour\n", ":1: 'colour' is not an override"),
        ("hostID;keyPath\n", "one of them hostID"),
        (f'hostID\n{host(1)}\n"i-1\n{host(2)}\n', ":3: unexpected end of data"),
    ],
)
def test_csv_of_the_wrong_shape_is_refused(deployed: Deployed, tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "hosts.csv"
    file.write_text(text, encoding="utf-8")
    done = deployed.invoke("hosts", "add", "--from-csv", str(file))
    assert (done.exit_code, named in done.stderr) == (2, True), done.stderr
    assert deployed.called("PutItem") == []


def test_add_dry_run_writes_nothing(deployed: Deployed) -> None:
    done = deployed.invoke("hosts", "add", host(1), "--dry-run", "--output", "json")
    assert json.loads(done.stdout) == [{"hostID": host(1)}]
    assert deployed.items() == {}


def fleet_of_five(deployed: Deployed) -> None:
    deployed.live(1, hours=100)
    deployed.live(2, hours=20, status="FAILED", lastError={"phase": "CertCSR", "code": "NO_SPACE", "message": "full"})
    deployed.live(3, hours=-2)
    deployed.put(host(4))
    deployed.live(5, hours=1, status="RETIRED")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [3, 4, 2, 1]),
        (["--retired"], [3, 4, 2, 1, 5]),
        (["--failed"], [2]),
        (["--due"], [3, 4, 2]),
        (["--expiring-within", "24h"], [3, 2]),
        (["--failed", "--expiring-within", "1h"], []),
    ],
)
def test_list_shows_the_most_urgent_first(deployed: Deployed, options: list[str], expected: list[int]) -> None:
    fleet_of_five(deployed)
    done = deployed.invoke("hosts", "list", *options, "--output", "json")
    assert done.exit_code == 0
    assert [row["hostID"] for row in json.loads(done.stdout)] == [host(number) for number in expected]


def test_list_as_a_table_says_how_long_each_has(deployed: Deployed) -> None:
    fleet_of_five(deployed)
    lines = deployed.invoke("hosts", "list").stdout.splitlines()
    expired = next(line for line in lines if host(3) in line)
    assert "EXPIRED 2 h 0 min ago" in expired
    assert "NO_SPACE" in next(line for line in lines if host(2) in line)
    assert "no certificate" in next(line for line in lines if host(4) in line)


def test_list_as_json_lines_does_not_hold_the_fleet(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is asked for only when every host of the one before has been written."""
    pages, events = 5, []

    def page(request: Mapping[str, Any]) -> dict[str, Any]:
        number = int(request.get("ExclusiveStartKey", {"hostID": {"S": "0"}})["hostID"]["S"])
        events.append(f"page {number}")
        more = {"LastEvaluatedKey": {"hostID": {"S": str(number + 1)}}} if number + 1 < pages else {}
        return {"Items": [{"hostID": {"S": host(10 * number + each)}} for each in range(3)], **more}

    deployed.answers["Scan"] = page
    written = "pca_automator.cli.output._write_json"
    monkeypatch.setattr(written, lambda row: events.append(f"host {int(row['hostID'][2:], 16) // 10}"))
    deployed.invoke("hosts", "list", "--output", "jsonl")
    expected = [each for number in range(pages) for each in (f"page {number}", *[f"host {number}"] * 3)]
    assert events == expected


def test_show_tells_why_and_what_to_do(deployed: Deployed) -> None:
    deployed.live(
        1,
        status="FAILED",
        keyPath="/opt/keys",
        lastRunId="run-0",
        lastError={"phase": "CertCSRStatus", "code": "NO_SPACE", "message": "no space on /var", "at": "2026-11-23"},
        pending={"requestId": "a", "taskToken": "secret"},
    )
    deployed.answers["ListCommandInvocations"] = {
        "CommandInvocations": [
            {
                "CommandId": "c", "InstanceId": host(1), "DocumentName": name, "Status": "Failed",
                "RequestedDateTime": datetime(2026, 11, 23, tzinfo=UTC),
            }
            for name in ("fleet-InspectCertificate", "AWS-RunShellScript")
        ]
    }  # fmt: skip
    table = deployed.invoke("hosts", "show", host(1)).stdout
    for word in ("keyPath=/opt/keys", "no space on /var", "df -h", "run-0", "DocumentsInspectCertificate"):
        assert word in table
    assert "AWS-RunShellScript" not in table
    answer = deployed.invoke("hosts", "show", host(1), "--output", "json").stdout
    assert "secret" not in table + answer
    assert json.loads(answer)["pending"] == {"requestId": "a"}


def test_show_works_for_a_host_that_systems_manager_does_not_know(deployed: Deployed) -> None:
    deployed.live(1, status="FAILED", lastError={"phase": "CertCSR", "code": "HOST_UNKNOWN_TO_SSM", "message": "gone"})
    deployed.answers["ListCommandInvocations"] = error("InvalidInstanceId")
    done = deployed.invoke("hosts", "show", host(1))
    assert done.exit_code == 0, done.stderr
    assert "HOST_UNKNOWN_TO_SSM" in done.stdout


INSPECTED = {
    "hostID": host(1), "clock": "2026-11-23T00:00:00Z", "live": {"serial": "1ab", "notAfter": "2026-11-30T00:00:00Z"},
    "versions": {"count": 1, "names": ["1ab"]}, "hooks": {"count": 0, "names": []}, "helper": "1.4", "problems": [],
}  # fmt: skip


def answer_live(deployed: Deployed, text: str, status: str = "Success") -> None:
    waiting = [{"Status": "InProgress"}, {"Status": "Cancelling"}]
    answers: Iterator[Any] = iter([error("InvocationDoesNotExist"), *waiting])

    def invocation(_: Mapping[str, Any]) -> dict[str, Any]:
        given = next(answers, {"Status": status, "StandardOutputContent": text})
        if isinstance(given, Exception):
            raise given
        return dict(given)

    deployed.answers["SendCommand"] = {"Command": {"CommandId": "11111111-2222-3333-4444-555555555555"}}
    deployed.answers["GetCommandInvocation"] = invocation


def test_show_live_asks_the_host_with_its_own_paths(deployed: Deployed) -> None:
    deployed.live(1, keyPath="/opt/keys/")
    answer_live(deployed, f"{json.dumps(INSPECTED)}\nPCA_RESULT hostID={host(1)} problems=none\n")
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["live"]["serial"] == "1ab"
    (sent,) = deployed.called("SendCommand")
    assert sent["DocumentName"] == "fleet-InspectCertificate"
    assert sent["Parameters"]["keyPath"] == ["/opt/keys"]
    assert sent["Parameters"]["certPath"] == ["/etc/pca-automator/certs"]


def test_show_live_notices_another_certificate_than_the_inventorys(deployed: Deployed) -> None:
    deployed.live(1, serial="beef")
    answer_live(deployed, json.dumps(INSPECTED))
    done = deployed.invoke("hosts", "show", host(1), "--live")
    assert done.exit_code == 1
    assert "NOT_THE_CERTIFICATE_OF_THE_INVENTORY" in done.stderr
    assert f"pca-automator run {host(1)} --force --watch" in " ".join(done.stdout.split())


def test_show_says_what_did_not_happen_although_the_renewal_went_well(deployed: Deployed) -> None:
    deployed.live(1, notices={"HOOKS_SKIPPED": "20-reload", "HELPER_GONE": ""})
    done = deployed.invoke("hosts", "show", host(1))
    assert done.exit_code == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "HOOKS_SKIPPED (20-reload)" in words
    assert f"pca-automator hosts show {host(1)} --live" in words
    assert "HELPER_GONE" in words
    shown = json.loads(deployed.invoke("hosts", "show", host(1), "--output", "json").stdout)
    assert shown["notices"] == {"HOOKS_SKIPPED": "20-reload", "HELPER_GONE": ""}


def test_show_live_names_the_hooks_that_would_not_run(deployed: Deployed) -> None:
    deployed.live(1, serial="1ab")
    found = {"skipped": {"count": 1, "names": ["20-reload"]}, "problems": ["HOOKS_SKIPPED"]}
    answer_live(deployed, json.dumps(INSPECTED | found))
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", "json")
    assert json.loads(done.stdout)["live"]["skippedHooks"] == ["20-reload"]


def test_show_live_of_a_host_that_fails_says_the_hosts_words(deployed: Deployed) -> None:
    deployed.live(1)
    answer_live(deployed, "PCA_ERROR MISSING_TOOL openssl is missing\n", "Failed")
    done = deployed.invoke("hosts", "show", host(1), "--live")
    assert (done.exit_code, done.stderr) == (1, f'error: {host(1)}: MISSING_TOOL the host says: "openssl is missing"\n')
    assert "DEPLOYED" in done.stdout, "what the inventory knows is shown all the same"


UNSEEN = "\x1b\x07\x9b\r\u202e"
CURSOR = "\x1b]0;mine\x07\x1b[2J\x9b1A\r\u202e"


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_host_in_wrong_hands_does_not_write_to_the_terminal(deployed: Deployed, output: str) -> None:
    deployed.live(1)
    found = dict.fromkeys(INSPECTED, f"{CURSOR}0K") | {"live": {"serial": CURSOR, "notAfter": CURSOR}}
    lists = {"versions": {"names": [CURSOR, 1]}, "hooks": {"names": [CURSOR]}, "problems": [CURSOR, "X"]}
    answer_live(deployed, f"{json.dumps(found | lists)}\n")
    done = deployed.invoke("hosts", "show", host(1), "--live", "--output", output)
    assert "0K" in done.stdout
    assert [character for character in done.stdout + done.stderr if character in UNSEEN] == []


@pytest.mark.parametrize(
    "text",
    [
        f"PCA_ERROR LOCKED {CURSOR}\n",
        "{",
        '{"live": [1]}',
        '{"live": {}, "versions": 1}',
        '{"problems": {"a": 1}}',
        '{"a":' * 5_000,
    ],
)
def test_an_answer_of_a_host_that_is_none_is_one_line(deployed: Deployed, text: str) -> None:
    deployed.live(1)
    answer_live(deployed, text, "Failed" if text.startswith("PCA_ERROR") else "Success")
    done = deployed.invoke("hosts", "show", host(1), "--live")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {host(1)}")
    assert done.stderr.removesuffix("\n").isprintable()


@pytest.mark.parametrize("arguments", [["hosts", "list"], ["hosts", "show", host(1)], ["explain", host(1)], ["status"]])
@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
def test_an_item_of_the_inventory_does_not_write_to_the_terminal(
    deployed: Deployed, arguments: list[str], output: str
) -> None:
    names = (
        "status",
        "expiry",
        "renewalDate",
        "lastRunId",
        "lastAttempt",
        "validated",
        "failureCount",
        "previousSerial",
    )
    deployed.live(1, **dict.fromkeys(names, CURSOR), lastError=dict.fromkeys(("phase", "code", "message"), CURSOR))
    deployed.live(2, **{name: {"a": {b"\xff", b"\x00"}} for name in names}, lastError={"code": [1]})
    deployed.live(3, **dict.fromkeys(names, b"\xff"), lastError={"code": b"\xff"})
    done = deployed.invoke(*arguments, "--output", output)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert [character for character in done.stdout + done.stderr if character in UNSEEN] == []


def test_a_list_that_is_too_long_for_a_table_has_one_line_a_host(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pca_automator.cli.output._FOLDED_ROWS", 0)
    deployed.live(1, status=f"DEPLOYED\n{host(7)}   FAILED{CURSOR}")
    lines = deployed.invoke("hosts", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.strip().startswith("i-")] == [host(1)]


def test_what_is_no_serial_is_not_revoked(deployed: Deployed) -> None:
    deployed.live(1, serial=CURSOR)
    deployed.issued(host(1), "0a", 90)
    done = deployed.invoke("revoke", host(1), "--yes")
    assert done.exit_code == 0, done.stderr
    assert [request["CertificateSerial"] for request in deployed.called("RevokeCertificate")] == ["0a"]


def test_set_changes_overrides_alone(deployed: Deployed) -> None:
    deployed.live(1, keyPath="/opt/keys", dnsNames=["a.example"])
    before = deployed.items()[host(1)]
    done = deployed.invoke("hosts", "set", host(1), "--override", "keyMode=0440", "--clear", "dnsNames")
    assert done.exit_code == 0, done.stderr
    expected = {name: value for name, value in before.items() if name != "dnsNames"}
    assert deployed.items()[host(1)] == {**expected, "keyMode": "0440"}


@pytest.mark.parametrize("options", [[], ["--clear", "status"], ["--clear", "keyMode", "--override", "keyMode=0440"]])
def test_set_refuses_what_is_not_a_change_of_overrides(deployed: Deployed, options: list[str]) -> None:
    deployed.live(1)
    before = deployed.items()
    assert deployed.invoke("hosts", "set", host(1), *options).exit_code == 2
    assert deployed.items() == before


def test_set_dry_run_writes_nothing(deployed: Deployed) -> None:
    deployed.live(1)
    before = deployed.items()
    done = deployed.invoke("hosts", "set", host(1), "--override", "keyMode=0440", "--dry-run")
    assert done.exit_code == 0
    assert "would be changed" in done.stdout
    assert "0440" in done.stdout
    assert deployed.items() == before


def test_retire_has_the_function_do_it(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 0, "commands": {host(1): "c-1"}})
    done = deployed.invoke("hosts", "retire", host(1), "--yes", "--output", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == [{"hostID": host(1), "result": "retired", "removal": "c-1"}]
    (asked,) = deployed.called("Invoke")
    assert json.loads(asked["Payload"]) == {"hostIDs": [host(1)], "removeFromHost": True}
    assert deployed.called("UpdateItem") == []
    assert deployed.called("RevokeCertificate") == []


def test_retire_revoke_revokes_what_the_deployment_would_not(deployed: Deployed) -> None:
    deployed.live(1, serial="abc")
    deployed.issued(host(1), "0abc", 90)
    deployed.issued(host(1), "0def", 50)
    deployed.answers["Invoke"] = lambda _: invoked({"retired": 1, "revoked": 0, "commands": {}})
    assert deployed.invoke("hosts", "retire", host(1), "--yes", "--revoke").exit_code == 0
    serials = [request["CertificateSerial"] for request in deployed.called("RevokeCertificate")]
    assert serials == ["0a:bc", "0d:ef"]


def test_retire_asks_first(deployed: Deployed) -> None:
    deployed.live(1)
    assert deployed.invoke("hosts", "retire", host(1), input="n\n").exit_code == 1
    assert deployed.invoke("hosts", "retire", host(1), input="").exit_code == 2
    assert deployed.invoke("hosts", "retire", host(1), "--dry-run").exit_code == 0
    assert deployed.called("Invoke") == []


def test_retire_says_what_the_function_said(deployed: Deployed) -> None:
    deployed.live(1)
    deployed.answers["Invoke"] = lambda _: invoked({"errorMessage": "ACCESS_REFUSED: no"}, failed=True)
    done = deployed.invoke("hosts", "retire", host(1), "--yes")
    assert done.exit_code == 1
    assert "CertRetire failed: ACCESS_REFUSED: no" in done.stderr


def test_a_date_only_expiry_is_read(deployed: Deployed) -> None:
    day = stamp(deployed.now + timedelta(days=3))[:10]
    deployed.live(1, expiry=day)
    (row,) = json.loads(deployed.invoke("hosts", "list", "--output", "json").stdout)
    assert 0 < row["secondsLeft"] <= 3 * 86_400
