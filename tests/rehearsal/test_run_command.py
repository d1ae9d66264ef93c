"""Run Command with simulated hosts: parameters, the agent, statuses and faults."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.run_command import script, service
from pca_automator.rehearsal.local_aws.run_command.documents import Document
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults, Host
from pca_automator.rehearsal.local_aws.run_command.service import Invocation, RunCommand
from pca_automator.rehearsal.local_aws.settings import Settings
from tests.rehearsal.conftest import eventually
from tests.tiers import needs

HOST = "i-0123456789abcdef0"


def content(script: str, *, timeout: int = 60, **parameters: dict[str, Any]) -> dict[str, Any]:
    step = {"runCommand": script.splitlines(), "timeoutSeconds": timeout}
    return {
        "schemaVersion": "2.2",
        "parameters": parameters,
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "Step",
                "precondition": {"StringEquals": ["platformType", "Linux"]},
                "inputs": step,
            }
        ],
    }


def env_var(**more: Any) -> dict[str, Any]:
    return {"type": "String", "interpolationType": "ENV_VAR", **more}


@pytest.fixture
def run_command(tmp_path: Path) -> Iterator[RunCommand]:
    settings = Settings(fleet=tmp_path, invocation_seconds=0.05, delivery_seconds=0.3)
    made = RunCommand(settings, lambda: ("000000000000", "us-east-1"))
    made.fleet.add(HOST)
    yield made
    made.close()


@pytest.fixture
def host(run_command: RunCommand) -> Host:
    found = run_command.fleet.find(HOST)
    assert found is not None
    return found


def outcome(run_command: RunCommand, parameters: dict[str, Any] | None = None, host_id: str = HOST) -> dict[str, Any]:
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [host_id], "Parameters": parameters or {}})

    def ended() -> dict[str, Any] | None:
        with contextlib.suppress(ServiceError):  # InvocationDoesNotExist, for a moment
            shown = run_command.invocation(command.id, host_id)
            return shown if shown["Status"] not in ("Pending", "InProgress", "Delayed") else None
        return None

    shown = eventually(ended)
    assert shown is not None, "the command did not end"
    return dict(shown)


def test_a_path_parameter_lies_below_the_hosts_root_and_others_do_not(run_command: RunCommand, host: Host) -> None:
    script = 'echo "$SSM_certPath|$SSM_other"'
    run_command.put_document("Doc", content(script, certPath=env_var(default="/etc/certs"), other=env_var()))
    shown = outcome(run_command, {"other": ["/etc/x"]})
    assert shown["StandardOutputContent"] == f"{host.root}/etc/certs|/etc/x\n"
    assert (shown["Status"], shown["ResponseCode"], shown["PluginName"]) == ("Success", 0, "Step")


def test_an_old_agent_pastes_the_text_and_sets_no_variable(run_command: RunCommand, host: Host) -> None:
    host.set_faults(Faults(old_agent=True))
    run_command.put_document("Doc", content("echo '{{ word }}' ${SSM_word-unset}", word=env_var()))
    assert outcome(run_command, {"word": ["x"]})["StandardOutputContent"] == "x unset\n"


def test_a_new_agent_leaves_the_text_alone(run_command: RunCommand) -> None:
    run_command.put_document("Doc", content("echo '{{ word }}' $SSM_word", word=env_var()))
    assert outcome(run_command, {"word": ["x"]})["StandardOutputContent"] == "{{ word }} x\n"


@pytest.mark.parametrize("given", ["a;b", "a\n", ""])
def test_an_allowed_pattern_matches_the_whole_text(run_command: RunCommand, given: str) -> None:
    run_command.put_document("Doc", content("true", word=env_var(allowedPattern="^[a-z]+$")))
    with pytest.raises(ServiceError, match="allowed pattern") as refused:
        run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST], "Parameters": {"word": [given]}})
    assert refused.value.code == "InvalidParameters"


def test_a_dollar_inside_a_class_stays_a_dollar(run_command: RunCommand) -> None:
    run_command.put_document("Doc", content("true", word=env_var(allowedPattern=r"^([$]|\$a)$")))
    for given in ("$", "$a"):
        assert outcome(run_command, {"word": [given]})["Status"] == "Success"


@pytest.mark.parametrize(
    ("parameters", "message"), [({}, "word is required"), ({"word": ["a"], "other": ["b"]}, "does not support")]
)
def test_missing_and_unknown_parameters_are_refused(
    run_command: RunCommand, parameters: dict[str, Any], message: str
) -> None:
    run_command.put_document("Doc", content("true", word=env_var()))
    with pytest.raises(ServiceError, match=message):
        run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST], "Parameters": parameters})


@pytest.mark.parametrize("name", ["AWS-RunShellScript", "NoSuchDocument"])
def test_a_document_that_does_not_exist_is_refused(run_command: RunCommand, name: str) -> None:
    with pytest.raises(ServiceError) as refused:
        run_command.send({"DocumentName": name, "InstanceIds": [HOST]})
    assert refused.value.code == "InvalidDocument"


@pytest.mark.parametrize("unknown", ["i-01234567", "../i-01234567", "."])
def test_a_host_that_systems_manager_does_not_know_is_refused(run_command: RunCommand, unknown: str) -> None:
    run_command.put_document("Doc", content("true"))
    with pytest.raises(ServiceError) as refused:
        run_command.send({"DocumentName": "Doc", "InstanceIds": [unknown]})
    assert refused.value.code == "InvalidInstanceId"


def test_a_deregistered_host_is_unknown_and_keeps_its_files(run_command: RunCommand, host: Host) -> None:
    host.set_faults(Faults(unknown=True))
    assert run_command.fleet.find(HOST) is None
    assert host.root.is_dir()


def test_a_failing_script_fails_with_its_status_and_output(run_command: RunCommand) -> None:
    run_command.put_document("Doc", content("echo out; echo err >&2; exit 3"))
    shown = outcome(run_command)
    assert (shown["Status"], shown["StatusDetails"], shown["ResponseCode"]) == ("Failed", "Failed", 3)
    assert shown["StandardOutputContent"] == "out\n"
    assert shown["StandardErrorContent"] == "err\nfailed to run commands: exit status 3"


def test_output_is_cut_as_get_command_invocation_cuts_it(run_command: RunCommand) -> None:
    script = "head -c 30000 /dev/zero | tr '\\0' o; head -c 30000 /dev/zero | tr '\\0' e >&2"
    run_command.put_document("Doc", content(script))
    shown = outcome(run_command)
    assert (len(shown["StandardOutputContent"]), len(shown["StandardErrorContent"])) == (24_000, 8_000)
    assert shown["StandardOutputContent"].endswith("o--output truncated--")
    assert shown["StandardErrorContent"].endswith("ee")


@pytest.mark.parametrize(
    ("end", "status", "details", "code", "stdout", "stderr"),
    [
        ("exit 137", "TimedOut", "ExecutionTimedOut", 137, "out\n", "err\n"),
        ("exit 168", "Success", "Success", 168, "Step exited with code 168", ""),
        ("exit 194", "Failed", "Failed", 194, "out\n", "asks for a reboot"),
        ("exec /no/such/program", "Failed", "Failed", 127, "out\n", "failed to run commands: exit status 127"),
    ],
)
def test_some_ends_of_a_script_mean_something_to_the_agent(
    run_command: RunCommand, end: str, status: str, details: str, code: int, stdout: str, stderr: str
) -> None:
    run_command.put_document("Doc", content(f"echo out; echo err >&2\n{end}"))
    shown = outcome(run_command)
    assert (shown["Status"], shown["StatusDetails"], shown["ResponseCode"]) == (status, details, code)
    assert stdout in shown["StandardOutputContent"]
    assert stderr in shown["StandardErrorContent"]


def test_a_script_has_the_surroundings_of_a_service_of_systemd(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of whoever started the rehearsal: no HOME, no PATH of theirs, no settings of an AWS account."""
    for name in ("HOME", "AWS_PROFILE", "LANG", "BASH_ENV"):
        monkeypatch.setenv(name, "/home/developer")
    run_command.put_document("Doc", content('env; echo "directory=$(pwd -P)"; echo "stdin=$(cat)"', word=env_var()))
    shown = outcome(run_command, {"word": ["x"]})
    told = dict(line.partition("=")[::2] for line in shown["StandardOutputContent"].splitlines())
    own = {name: told.pop(name) for name in ("PATH", "directory", "stdin", "SSM_COMMAND_ID", "SSM_word")}
    assert own["PATH"].startswith("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
    assert (own["directory"], own["stdin"], own["SSM_word"]) == (str(Path("/usr/bin").resolve()), "", "x")
    assert own["SSM_COMMAND_ID"] == shown["CommandId"]
    assert told.pop("AWS_SSM_INSTANCE_ID") == HOST
    assert set(told) - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "AWS_SSM_REGION_NAME", "AWS_SSM_PLATFORM_NAME", "AWS_SSM_PLATFORM_VERSION",
    }  # fmt: skip


def test_the_path_goes_on_with_what_this_machine_has_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "_NEEDED", ("a-tool-of-elsewhere", "sh"))
    tool = tmp_path / "a-tool-of-elsewhere"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert script.path_of_the_service() == f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:{tmp_path}"


def test_a_command_lasts_until_nobody_has_its_output_any_more(run_command: RunCommand, tmp_path: Path) -> None:
    """A hook's daemon that keeps what it was started with holds the command of the real agent, too."""
    ended, go = tmp_path / "ended", tmp_path / "go"
    daemon = f"(while [ ! -e '{go}' ]; do sleep 0.05; done; echo last) &"
    run_command.put_document("Doc", content(f"{daemon}\necho first; touch '{ended}'"))
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST]})
    assert eventually(ended.exists)
    assert command.status == "InProgress"
    go.touch()
    assert eventually(lambda: command.status == "Success")
    assert command.invocations[HOST].stdout == "first\nlast\n"


def test_an_agent_runs_five_commands_at_once(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    begun.mkdir()
    made = RunCommand(Settings(fleet=tmp_path / "fleet", host_processes=7), lambda: ("000000000000", "us-east-1"))
    made.fleet.add(HOST)
    made.put_document("Doc", content(f"touch '{begun}/'$$; while [ ! -e '{go}' ]; do sleep 0.05; done"))
    commands = [made.send({"DocumentName": "Doc", "InstanceIds": [HOST]}) for _ in range(7)]
    assert eventually(lambda: len(list(begun.iterdir())) == 5)
    assert sorted(command.status for command in commands) == ["InProgress"] * 5 + ["Pending"] * 2
    go.touch()
    assert eventually(lambda: {command.status for command in commands} == {"Success"})
    made.close()


@pytest.mark.parametrize("stored", ["{{ssm:name}}", "{{ ssm:/a/b:3 }}"])
def test_a_reference_to_parameter_store_is_refused_because_there_is_none(run_command: RunCommand, stored: str) -> None:
    with pytest.raises(ServiceError, match="no Parameter Store"):
        run_command.put_document("Doc", content(f"echo '{stored}'"))
    run_command.put_document("Doc", content("true", word=env_var()))
    with pytest.raises(ServiceError, match="no Parameter Store") as refused:
        run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST], "Parameters": {"word": [stored]}})
    assert refused.value.code == "InvalidParameters"


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs("/proc")
@pytest.mark.parametrize("how", ["time-out", "cancellation"])
def test_a_script_is_killed_with_its_group_and_what_made_a_group_of_its_own_lives_on(
    run_command: RunCommand, tmp_path: Path, how: str
) -> None:
    """As timeout does, under which hooks run: they may be at work when the next command comes."""
    started = tmp_path / "started"
    run_command.put_document(
        "Doc",
        content(
            f"sleep 600 & timeout 600 sh -c 'echo $$ >\"{started}\"; sleep 600' &\n"
            f"while [ ! -s '{started}' ]; do sleep 0.05; done; echo \"$! $$\" >>'{started}'; wait",
            timeout=2 if how == "time-out" else 60,
        ),
    )
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST]})
    invocation = command.invocations[HOST]
    hook, timeout, script_pid = map(int, read) if (read := eventually(lambda: three_of(started))) else (0, 0, 0)
    try:
        if how == "cancellation":
            run_command.cancel(command.id)
        ends = ("TimedOut", "ExecutionTimedOut") if how == "time-out" else ("Cancelled", "Cancelled")
        assert eventually(lambda: (invocation.status, invocation.details) == ends)
        assert (invocation.response_code, invocation.stdout) == (137, "")
        assert eventually(lambda: not lives(script_pid))
        assert lives(hook)
        assert lives(timeout)
    finally:
        os.killpg(timeout, signal.SIGKILL)
    assert not run_command.busy_hosts()


def three_of(file: Path) -> list[str] | None:
    words = file.read_text().split() if file.exists() else []
    return words if len(words) == 3 else None


def test_a_command_that_waits_is_cancelled_before_it_begins(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    made = RunCommand(Settings(fleet=tmp_path / "fleet", host_processes=1), lambda: ("000000000000", "us-east-1"))
    made.fleet.add(HOST)
    made.put_document("Doc", content(f"echo >>'{begun}'; while [ ! -e '{go}' ]; do sleep 0.05; done"))
    first, second = (made.send({"DocumentName": "Doc", "InstanceIds": [HOST]}) for _ in range(2))
    assert eventually(begun.exists)
    made.cancel(second.id)
    assert (second.status, second.invocations[HOST].response_code) == ("Cancelled", -1)
    go.touch()
    assert eventually(lambda: first.status == "Success")
    made.close()
    assert begun.read_text() == "\n"


def test_a_host_that_never_answers_is_delayed_and_then_times_out(
    run_command: RunCommand, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noted(Invocation):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "status":
                seen.append(value)

    seen: list[str] = []
    monkeypatch.setattr(service, "Invocation", Noted)
    host.set_faults(Faults(never_answers=True))
    run_command.put_document("Doc", content("true"))
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST]})
    assert eventually(lambda: "TimedOut" in seen)
    assert seen == ["Pending", "Delayed", "TimedOut"]
    assert command.invocations[HOST].details == "DeliveryTimedOut"
    assert not run_command.busy_hosts()  # nobody waits for it


def test_an_attackers_host_answers_with_a_valid_csr_for_another_name(run_command: RunCommand, host: Host) -> None:
    host.set_faults(Faults(csr_subject="i-victim"))
    script = "echo -----BEGIN CERTIFICATE REQUEST-----; echo AAAA; echo -----END CERTIFICATE REQUEST-----; echo end"
    run_command.put_document("Doc", content(script))
    text, _, rest = outcome(run_command)["StandardOutputContent"].partition("-----END CERTIFICATE REQUEST-----")
    csr = x509.load_pem_x509_csr(f"{text}-----END CERTIFICATE REQUEST-----\n".encode())
    assert csr.is_signature_valid
    assert csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "i-victim"
    assert rest == "\nend\n"


def test_a_host_at_work_is_busy_until_it_has_ended(run_command: RunCommand, tmp_path: Path) -> None:
    word = tmp_path / "go"
    run_command.put_document("Doc", content(f"while [ ! -e '{word}' ]; do sleep 0.05; done"))
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST]})
    assert run_command.busy_hosts() == {HOST}
    assert eventually(lambda: command.status == "InProgress")
    assert run_command.busy_hosts() == {HOST}
    word.touch()
    assert eventually(lambda: command.status == "Success")
    assert eventually(lambda: not run_command.busy_hosts())


def test_an_invocation_does_not_exist_for_a_moment(run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now, time=time.time, sleep=time.sleep))
    run_command.put_document("Doc", content("true"))
    command = run_command.send({"DocumentName": "Doc", "InstanceIds": [HOST]})
    with pytest.raises(ServiceError) as refused:
        run_command.invocation(command.id, HOST)
    assert refused.value.code == "InvocationDoesNotExist"
    now += 0.1  # invocation_seconds and as much again
    assert run_command.invocation(command.id, HOST)["CommandId"] == command.id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schemaVersion": "1.2"}, "InvalidDocumentSchemaVersion"),
        ({"mainSteps": []}, "InvalidDocumentContent"),
        ({"parameters": {"list": {"type": "StringList", "interpolationType": "ENV_VAR"}}}, "InvalidDocumentContent"),
        ({"parameters": {"word": {"type": "String", "allowedPattern": "("}}}, "InvalidDocumentContent"),
        ({"parameters": {"word": {"type": "String", "default": "x" * 70_000}}}, "MaxDocumentSizeExceeded"),
    ],
)
def test_a_wrong_document_is_refused_when_it_is_created(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        Document.parse("Doc", 1, {**content("true"), **changes})
    assert refused.value.code == code


def test_a_reference_to_an_undeclared_parameter_is_refused() -> None:
    with pytest.raises(ServiceError, match="missing is not declared"):
        Document.parse("Doc", 1, content("echo {{ missing }}"))
