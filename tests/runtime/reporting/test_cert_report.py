"""CertReport: every host is accounted for, and one message says what to do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pca_runtime.errors.kinds import AccessRefused, Throttled

from tests.runtime.conftest import HOST, World
from tests.runtime.fakes import client_error
from tests.runtime.renewal.steps import LIVE, RUN, fail, host, renew, until_csr
from tests.runtime.renewal.test_cert_check import ManyHosts, host_id, metrics

EXECUTION = f"arn:aws:states:eu-central-1:111122223333:execution:Renewal:{RUN}"


def listed(world: World, run_input: Any = None, run: str = RUN) -> dict[str, Any]:
    return world.invoke("cert_check", {"input": {} if run_input is None else run_input, "runId": run})


def report(world: World, run: str = RUN, **more: Any) -> dict[str, Any]:
    request = {"runId": run, "bucket": "work", "key": f"runs/{run}/hosts.jsonl", "executionArn": EXECUTION}
    return world.invoke("cert_report", request | more)


def document(world: World, run: str = RUN) -> dict[str, Any]:
    body = world.s3.raw.get_object(Bucket="work", Key=f"runs/{run}/report.json")["Body"].read()
    return json.loads(body)


def bad_run(world: World) -> dict[str, Any]:
    """One of every fate."""
    for number in range(1, 8):
        world.put(host_id(number), **{**LIVE, "expiry": f"2026-11-2{number + 2}T12:00:00Z"})
    world.put("not-a-host")
    answer = listed(world, {"reissue": "all"})
    world.later(minutes=1)
    renew(world, host_id=host_id(1))
    until_csr(world, host_id=host_id(2))
    fail(world, "CertCSRStatus", "CsrFailed", "NO_SPACE: no space is left in /var/lib", host_id=host_id(2))
    until_csr(world, host_id=host_id(3))
    fail(world, "CertCSR", "HostUnreachable", "HOST_UNKNOWN_TO_SSM: not connected", host_id=host_id(4))
    until_csr(world, "run-9", host_id=host_id(5))
    world.put(host_id(6), status="RETIRED")
    world.later(minutes=10)
    return answer


def test_accounts_for_every_host(world: World) -> None:
    answer = bad_run(world)
    assert answer["due"] == 7
    counts = report(world)
    assert counts == {
        "runId": RUN,
        "due": 7,
        "renewed": 1,
        "failed": 2,
        "skipped": 2,
        "lost": 1,
        "notAttempted": 1,
        "rejected": 1,
        "impaired": 0,
        "published": True,
    }
    assert sum(counts[name] for name in ("renewed", "failed", "skipped", "lost", "notAttempted")) == counts["due"]


def test_one_message_names_every_host_that_needs_somebody_with_phase_cause_and_remedy(world: World) -> None:
    bad_run(world)
    report(world)
    (message,) = world.inbox.messages()
    assert message["Subject"] == "[fleet] certificate renewal: 5 hosts need attention, 22 h 34 min left (NO_SPACE)"
    text = message["Message"]
    for expected in (
        "2  failed", "1  lost", "1  not attempted", "1  rejected", "1  renewed",
        "1 host: NO_SPACE in CertCSRStatus", "no space is left in /var/lib",
        "1 host: HOST_UNKNOWN_TO_SSM in CertCSR", "What to do:",
        f"s3://work/runs/{RUN}/report.json",
        f"https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/"
        f"{EXECUTION}",
    ):  # fmt: skip
        assert expected in text
    lines = [line for line in text.splitlines() if line.startswith("  i-") or line.startswith("  not-a-host")]
    assert [line.split()[0] for line in lines] == [host_id(2), host_id(3), host_id(4), host_id(7), "not-a-host"]
    assert "22 h 34 min left" in lines[0]
    for well in (host_id(1), host_id(5), host_id(6)):
        assert well not in text


def test_the_report_in_the_bucket_has_the_same_and_all_of_it(world: World) -> None:
    bad_run(world)
    report(world)
    stored = document(world)
    assert (stored["failed"], stored["lost"], stored["runId"]) == (2, 1, RUN)
    first = stored["hosts"][0]
    assert first["hostID"] == host_id(2)
    assert first["outcome"] == "failed"
    assert (first["phase"], first["code"]) == ("CertCSRStatus", "NO_SPACE")
    assert first["secondsLeft"] == int(timedelta(hours=22, minutes=34).total_seconds())


def test_a_run_in_which_all_went_well_sends_nothing(world: World) -> None:
    world.put()
    listed(world)
    renew(world)
    assert report(world)["published"] is False
    assert world.inbox.messages() == []


def test_a_run_that_broke_says_so_even_if_no_host_failed(world: World) -> None:
    listed(world)
    broken = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "too many"}
    assert report(world, mapError=broken)["published"] is True
    (message,) = world.inbox.messages()
    assert "did not finish: States.ExceedToleratedFailureThreshold: too many" in message["Message"]
    assert "did not finish" in message["Subject"]


def test_hosts_the_run_never_came_to_are_reported(world: World) -> None:
    world.put(**LIVE)
    listed(world)
    assert report(world, mapError={"Error": "States.ItemReaderFailed"})["notAttempted"] == 1


def test_a_failure_of_an_earlier_run_is_not_this_runs(world: World) -> None:
    world.put(**LIVE)
    until_csr(world, "run-0b")
    fail(world, "CertCSR", "X", "old news", run="run-0b")
    world.later(minutes=5)
    listed(world, {"hostIDs": [HOST], "force": True})
    assert report(world)["notAttempted"] == 1


def test_a_host_taken_by_another_run_that_has_died_is_not_passed_over_in_silence(world: World) -> None:
    world.put(**LIVE)
    listed(world)
    until_csr(world, "run-9")
    world.later(hours=2)
    assert report(world)["notAttempted"] == 1


def test_the_outcome_stands_also_when_the_next_run_has_taken_the_hosts_already(world: World) -> None:
    world.put(**LIVE)
    world.put("i-01234567", **LIVE)
    listed(world)
    world.later(minutes=1)
    renew(world)
    fail(world, "CertCSR", "X", "x", host_id="i-01234567")
    for one in (HOST, "i-01234567"):
        until_csr(world, "run-2", one)
    counts = report(world)
    assert (counts["renewed"], counts["failed"], counts["skipped"]) == (1, 1, 0)


def test_the_outcomes_are_metrics(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    bad_run(world)
    capsys.readouterr()
    report(world)
    found = metrics(capsys)
    assert found == {
        "HostsRenewed": 1,
        "HostsFailed": 2,
        "HostsSkipped": 2,
        "HostsLost": 1,
        "HostsNotAttempted": 1,
        "HostsRejected": 1,
        "HostsImpaired": 0,
        "HostsUnproven": 0,
        "HostsNoticed": 0,
        "RunSeconds": 11 * 60,
        "EventsNotPublished": 0,
    }


def test_the_run_report_is_an_event_with_the_same_data(world: World) -> None:
    bad_run(world)
    report(world)
    (detail,) = world.events.details("Run Report")
    assert detail == {**document(world), "version": "1"}
    assert detail["hosts"][0]["hostID"] == host_id(2)
    assert {cause["code"]: cause["hosts"] for cause in detail["causes"]}["NO_SPACE"] == 1
    assert detail["causes"][0]["remedy"]
    assert detail["needsAttention"] is True
    assert detail["execution"].endswith(EXECUTION)


def test_a_run_in_which_all_went_well_is_an_event_too(world: World) -> None:
    world.put()
    listed(world)
    renew(world)
    report(world)
    (detail,) = world.events.details("Run Report")
    assert (detail["renewed"], detail["needsAttention"], detail["hosts"]) == (1, False, [])


def test_the_mail_goes_out_although_the_event_does_not(world: World) -> None:
    bad_run(world)
    world.events.fail("put_events", client_error("AccessDeniedException", "PutEvents"))
    assert report(world)["published"] is True
    assert len(world.inbox.messages()) == 1


def test_a_topic_that_refuses_fails_the_run_and_hides_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """As with a key that is disabled: the event and the metrics are what is left to hear of it."""
    bad_run(world)
    capsys.readouterr()
    world.sns.fail("publish", client_error("KMSAccessDeniedException", "Publish"))
    with pytest.raises(AccessRefused):
        report(world)
    assert world.events.details("Run Report")[0]["failed"] == 2
    assert '"HostsFailed":[2.0]' in capsys.readouterr().out


def test_a_topic_that_is_busy_is_asked_again_and_the_hosts_are_counted_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bad_run(world)
    capsys.readouterr()
    world.sns.fail("publish", client_error("ThrottlingException", "Publish"))
    with pytest.raises(Throttled):
        report(world)
    assert report(world)["published"] is True
    assert capsys.readouterr().out.count('"HostsFailed":[2.0]') == 1


def test_ten_thousand_failures_make_one_message_below_the_limit_and_a_complete_report(world: World) -> None:
    real = world.dynamodb
    world.dynamodb = ManyHosts(10_000, world.dynamodb)
    listed(world, {"reissue": "all"})

    class Failed:
        def batch_get_item(self, **request: Any) -> dict[str, Any]:
            keys = request["RequestItems"]["inventory"]["Keys"]
            assert len(keys) <= 100
            error = {
                "phase": {"S": "CertDeployStatus"},
                "code": {"S": "ROLES_ANYWHERE_REJECTED"},
                "message": {"S": "Untrusted certificate. Insufficient certificate " + "ü" * 100},
            }
            items = [
                {**key, "status": {"S": "FAILED"}, "lastRunId": {"S": RUN}, "lastError": {"M": error},
                 "expiry": {"S": "2026-11-25T12:00:00Z"}}
                for key in keys
            ]  # fmt: skip
            return {"Responses": {"inventory": items}}

    world.dynamodb = Failed()
    assert report(world)["failed"] == 10_000
    world.dynamodb = real
    (message,) = world.inbox.messages()
    size = len(message["Message"].encode())
    assert size < 20_000, "one cause is one cause"
    assert "10000 hosts: ROLES_ANYWHERE_REJECTED in CertDeployStatus" in message["Message"]
    assert "The trust anchor does not hold the CA" in message["Message"]
    assert f"s3://work/runs/{RUN}/report.json" in message["Message"].split("... and 9960 more:")[1]
    assert len(document(world)["hosts"]) == 10_000
    (event,) = world.events.events
    detail = event["Detail"]
    size = len(json.dumps(detail, ensure_ascii=False, separators=(",", ":")).encode())
    assert 200_000 < size < 262_144 - len("pca-automator" + "Run Report")
    assert len(detail["hosts"]) + detail["hostsLeftOut"] == 10_000
    assert detail["causes"][0]["hosts"] == detail["failed"] == 10_000
    assert detail["details"] == f"s3://work/runs/{RUN}/report.json"


def test_a_run_id_from_elsewhere_is_refused_before_anything_is_read(world: World) -> None:
    with pytest.raises(Exception, match="runId"):
        world.invoke("cert_report", {"runId": "../../x", "bucket": "work", "key": "x"})
    assert world.s3.calls == []


def test_repeating_the_report_gives_the_same_numbers(world: World) -> None:
    bad_run(world)
    assert report(world) == report(world)


def test_without_a_certificate_a_failed_host_is_the_most_urgent_of_those_still_valid(world: World) -> None:
    world.put(**LIVE)
    world.put("i-01234567")
    listed(world)
    for one in (HOST, "i-01234567"):
        fail(world, "CertCSR", "X", "x", host_id=one)
    report(world)
    (message,) = world.inbox.messages()
    text = message["Message"]
    assert text.index("  i-01234567  ") < text.index(f"  {HOST}  ")
    assert "no certificate" in text
    assert host()["runId"] in text
