"""How a deployed automation is broken: each returns what mends it in the hands of who can."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from pca_automator.cli.deployed.deployment import Deployment
from pca_automator.cli.deployed.wiring import enabling
from pca_automator.cli.main import app
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.stage.hosts import Member
from pca_automator.rehearsal.stage.process import REGION, LocalAws
from tests.cli.day import TO_LOOK
from tests.cli.local_fleet import LocalFleet

Mend = Callable[[], object]

_SETTLED_SECONDS = 120
_PROCESSED_SECONDS = 60


@dataclass
class _Clients:
    """The clients of a local AWS in the place of the command's own."""

    aws: LocalAws
    profile: str | None = None
    region_name: str = REGION

    def client(self, service: str) -> Any:
        return self.aws.client(service)


@dataclass
class World:
    """A deployment, and whose credentials look at it."""

    fleet: LocalFleet
    environment: dict[str, str] = field(default_factory=dict)
    turn: int = 0
    known_clean: bool = False

    @cached_property
    def deployment(self) -> Deployment:
        return Deployment(_Clients(self.fleet.aws))  # type: ignore[arg-type]

    @property
    def victim(self) -> Member:
        """The host that things happen to: each has its turn, as none gets many certificates in a day."""
        return self.fleet.members[self.turn % len(self.fleet.members)]

    def client(self, service: str) -> Any:
        return self.fleet.aws.client(service)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.fleet.command(list(arguments), **self.environment)

    def status(self, *options: str) -> Result:
        """What ``status`` says, in this process: it is asked so often that a process for each took half of the time."""
        wanted: dict[str, str | None] = dict(self.fleet.environment(**self.environment))
        foreign = {name: None for name in os.environ if name.startswith("AWS_") and name not in wanted}
        return CliRunner().invoke(app, ["status", *options], env={**wanted, **foreign})

    def clean(self) -> bool:
        """Whether nothing needs a person, as the exit status says."""
        self.known_clean = self.status().exit_code == 0
        return self.known_clean

    def physical(self, kind: str, logical_id: str) -> str:
        """The physical id of a resource by its logical one, without the hash."""
        (found,) = (each for each in self.deployment.of_type(kind) if each.logical_id[:-8] == logical_id)
        return found.physical_id

    def write(self, member: Member, **attributes: str | None) -> None:
        """Set attributes of an item, or take them away."""
        setting = {name: value for name, value in attributes.items() if value is not None}
        taken = [name for name, value in attributes.items() if value is None]
        words = [f"SET {', '.join(f'#{name} = :{name}' for name in setting)}"] if setting else []
        words += [f"REMOVE {', '.join(f'#{name}' for name in taken)}"] if taken else []
        values = {f":{name}": {"S": value} for name, value in setting.items()}
        self.client("dynamodb").update_item(
            TableName=self.deployment.table,
            Key={"hostID": {"S": member.id}},
            UpdateExpression=" ".join(words),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            **({"ExpressionAttributeValues": values} if values else {}),
        )

    def until(self, what: str, holds: Callable[[], bool], seconds: float = _SETTLED_SECONDS) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {self.status().output}")
            time.sleep(0.3)

    def status_of(self, member: Member) -> str:
        item = self.client("dynamodb").get_item(
            TableName=self.deployment.table, Key={"hostID": {"S": member.id}}, ConsistentRead=True
        )["Item"]
        return str(item.get("status", {}).get("S", ""))

    def run(self, member: Member) -> None:
        """Renew one host, however it ends."""
        self.command("run", member.id, "--force", "--watch")


def ago(**span: float) -> str:
    """A moment, as the system writes it."""
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def profile(world: World) -> Mend:
    client, number = world.client("rolesanywhere"), world.deployment.sealed["profileArn"].rpartition("/")[2]
    client.disable_profile(profileId=number)
    return lambda: client.enable_profile(profileId=number)


def profile_role(world: World) -> Mend:
    client, number = world.client("rolesanywhere"), world.deployment.sealed["profileArn"].rpartition("/")[2]
    before = client.get_profile(profileId=number)["profile"]["roleArns"]
    other = before[0].rpartition("/")[0] + "/other"
    client.update_profile(profileId=number, roleArns=[other])
    return lambda: client.update_profile(profileId=number, roleArns=before)


def trust_anchor(world: World) -> Mend:
    client, number = world.client("rolesanywhere"), world.deployment.sealed["trustAnchorArn"].rpartition("/")[2]
    client.disable_trust_anchor(trustAnchorId=number)
    return lambda: client.enable_trust_anchor(trustAnchorId=number)


def _crl(world: World) -> dict[str, Any]:
    """The CRL in force; where there is none yet, a certificate is revoked, so that the CA writes the first."""
    client = world.client("rolesanywhere")
    if not client.list_crls()["crls"]:
        revoked(world)
        world.run(world.victim)
    world.until("a CRL in force", lambda: bool(client.list_crls()["crls"]), _PROCESSED_SECONDS)
    found: dict[str, Any] = client.list_crls()["crls"][0]
    return found


def crl_disabled(world: World) -> Mend:
    client, number = world.client("rolesanywhere"), _crl(world)["crlId"]
    client.disable_crl(crlId=number)
    return lambda: client.enable_crl(crlId=number)


def _another_crl(world: World, days_old: float, hours_left: float, entries: int = 0) -> Mend:
    """Put a list into the place of the one in force: of the CA's name, but made here."""
    entry = _crl(world)
    now, present = datetime.now(UTC), x509.load_pem_x509_crl(entry["crlData"])
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(present.issuer)
        .last_update(now - timedelta(days=days_old))
        .next_update(now + timedelta(hours=hours_left))
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for number in range(entries):
        revocation = x509.RevokedCertificateBuilder().serial_number(2**150 + number).revocation_date(now)
        builder = builder.add_revoked_certificate(revocation.build())
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    client = world.client("rolesanywhere")
    client.update_crl(crlId=entry["crlId"], crlData=made.public_bytes(serialization.Encoding.PEM))
    return lambda: client.update_crl(crlId=entry["crlId"], crlData=entry["crlData"])


def anchor_left_behind(world: World) -> Mend:
    """Somebody renews the CA as the page about that has it, and leaves out the trust anchor."""
    client, arn = world.client("acm-pca"), world.deployment.authority
    anchors = world.client("rolesanywhere")
    (anchor,) = anchors.list_trust_anchors()["trustAnchors"]
    # Certificates begin with a second: in the one in which the state before this one changed the anchor, none is later.
    world.until("the next second has come", lambda: datetime.now(UTC) > anchor["updatedAt"] + timedelta(seconds=1))
    csr = client.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    described = client.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    issued = client.issue_certificate(
        CertificateAuthorityArn=arn, Csr=csr.encode(),
        SigningAlgorithm=described["CertificateAuthorityConfiguration"]["SigningAlgorithm"],
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1", Validity={"Type": "YEARS", "Value": 12},
    )["CertificateArn"]  # fmt: skip
    made: list[str] = []

    def is_made() -> bool:
        try:
            made.append(client.get_certificate(CertificateAuthorityArn=arn, CertificateArn=issued)["Certificate"])
        except client.exceptions.RequestInProgressException:
            return False
        return True

    world.until("the certificate is made", is_made)
    client.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=made[0].encode())
    return lambda: anchors.update_trust_anchor(trustAnchorId=anchor["trustAnchorId"], source=anchor["source"])


def crl_run_out(world: World) -> Mend:
    return _another_crl(world, 8, -1)


def crl_old(world: World) -> Mend:
    return _another_crl(world, 20, 24)


def crl_large(world: World) -> Mend:
    return _another_crl(world, 1, 100, 4_800)


def _crl_object(world: World) -> dict[str, str]:
    number = world.deployment.authority.rpartition("/")[2]
    return {"Bucket": world.deployment.settings("CRLProcessor")["CRL_BUCKET"], "Key": f"crl/{number}.crl"}


def crl_object(world: World) -> Mend:
    _crl(world)
    client, place = world.client("s3"), _crl_object(world)
    body = client.get_object(**place)["Body"].read()
    client.delete_object(**place)
    return lambda: client.put_object(**place, Body=body)


def crl_bucket(world: World) -> Mend:
    """Somebody looks who may see everything but the bucket."""
    _crl(world)
    iam, actions = world.client("iam"), [action for action in TO_LOOK if not action.startswith("s3:")]
    iam.create_user(UserName="without-bucket")
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="without-bucket", PolicyName="look", PolicyDocument=policy)
    key = iam.create_access_key(UserName="without-bucket")["AccessKey"]
    world.environment |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return world.environment.clear


def ca_disabled(world: World) -> Mend:
    client, arn = world.client("acm-pca"), world.deployment.authority
    client.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    return lambda: client.update_certificate_authority(CertificateAuthorityArn=arn, Status="ACTIVE")


def ca_deleted(world: World) -> Mend:
    mend = ca_disabled(world)
    world.client("acm-pca").delete_certificate_authority(CertificateAuthorityArn=world.deployment.authority)
    return mend


def queue(logical_id: str) -> Callable[[World], Mend]:
    def broken(world: World) -> Mend:
        client, url = world.client("sqs"), world.physical("AWS::SQS::Queue", logical_id)
        fifo = url.endswith(".fifo")
        for number in "12":
            ordered = {"MessageGroupId": "x", "MessageDeduplicationId": number} if fifo else {}
            client.send_message(QueueUrl=url, MessageBody=f"{{}} {number}", **ordered)
        return lambda: client.purge_queue(QueueUrl=url)

    return broken


def schedule(part: str) -> Callable[[World], Mend]:
    def broken(world: World) -> Mend:
        client = world.client("scheduler")
        (found,) = (
            each for each in world.deployment.of_type("AWS::Scheduler::Schedule")
            if world.deployment.short(each).startswith(part)
        )  # fmt: skip
        group, _, name = found.physical_id.replace("|", "/").rpartition("/")
        where = {"GroupName": group} if group else {}
        whole = _whole(client.get_schedule(Name=name, **where))
        client.update_schedule(**{**whole, "State": "DISABLED"})
        return lambda: client.update_schedule(**whole)

    return broken


def _whole(found: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a schedule again as it is."""
    request: dict[str, Any] = json.loads(shlex.split(enabling(found))[-1])
    return request


def no_schedule(world: World) -> Mend:
    client = world.client("scheduler")
    name = world.physical("AWS::Scheduler::Schedule", "AutomationRevocationReconciliation").rpartition("/")[2]
    whole = _whole(client.get_schedule(Name=name))
    client.delete_schedule(Name=name)
    return lambda: client.create_schedule(**whole)


def rule(world: World) -> Mend:
    client, name = world.client("events"), world.physical("AWS::Events::Rule", "AutomationRevocationCrlWritten")
    client.disable_rule(Name=name)
    return lambda: client.enable_rule(Name=name)


def rule_target(world: World) -> Mend:
    client, name = world.client("events"), world.physical("AWS::Events::Rule", "AutomationRevocationCrlWritten")
    targets = client.list_targets_by_rule(Rule=name)["Targets"]
    client.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
    return lambda: client.put_targets(Rule=name, Targets=targets)


def _key(world: World) -> str:
    return world.physical("AWS::KMS::Key", "AutomationKey")


def key_disabled(world: World) -> Mend:
    client, name = world.client("kms"), _key(world)
    client.disable_key(KeyId=name)
    return lambda: client.enable_key(KeyId=name)


def key_deleted(world: World) -> Mend:
    client, name = world.client("kms"), _key(world)
    client.schedule_key_deletion(KeyId=name, PendingWindowInDays=7)

    def mend() -> None:
        client.cancel_key_deletion(KeyId=name)
        client.enable_key(KeyId=name)

    return mend


def event_source(world: World) -> Mend:
    client = world.client("lambda")
    number = world.physical("AWS::Lambda::EventSourceMapping", "AutomationEnrolmentInventoryChanges")
    client.update_event_source_mapping(UUID=number, Enabled=False)
    return lambda: client.update_event_source_mapping(UUID=number, Enabled=True)


def alarm(world: World) -> Mend:
    client, name = world.client("cloudwatch"), world.physical("AWS::CloudWatch::Alarm", "AutomationAlarmsRunway")
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    return lambda: client.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")


def starts(world: World) -> Mend:
    client, name = world.client("dynamodb"), world.deployment.starts
    table = client.describe_table(TableName=name)["Table"]
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.delete_table(TableName=name)
    wanted = {key: table[key] for key in ("TableName", "KeySchema", "AttributeDefinitions")}
    return lambda: client.create_table(**wanted, BillingMode="PAY_PER_REQUEST")


def settings(world: World) -> Mend:
    client, name = world.client("lambda"), world.deployment.function("CertReport")
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    without = {key: value for key, value in variables.items() if key != "TOPIC_ARN"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": without})
    return lambda: client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def shut(world: World) -> Mend:
    client, name = world.client("lambda"), world.deployment.function("CertReport")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    return lambda: client.delete_function_concurrency(FunctionName=name)


def document(world: World) -> Mend:
    client, name = world.client("ssm"), world.deployment.document("InspectCertificate")
    content = client.get_document(Name=name)["Content"]
    client.delete_document(Name=name)
    return lambda: client.create_document(Name=name, Content=content, DocumentType="Command")


def topic(world: World) -> Mend:
    client, arn = world.client("sns"), world.deployment.settings("CertReport")["TOPIC_ARN"]
    found = client.get_topic_attributes(TopicArn=arn)["Attributes"].items()
    kept = {name: value for name, value in found if name in ("KmsMasterKeyId", "Policy")}
    client.delete_topic(TopicArn=arn)
    return lambda: client.create_topic(Name=arn.rpartition(":")[2], Attributes=kept)


def ending(world: World) -> Mend:
    world.write(world.victim, expiry=ago(hours=-2), renewalDate=ago(hours=-1))
    return lambda: world.run(world.victim)


def run_out(world: World) -> Mend:
    world.write(world.victim, expiry=ago(hours=1), renewalDate=ago(hours=50))
    return lambda: world.run(world.victim)


def agent(world: World) -> Mend:
    world.victim.host.set_faults(Faults(unknown=True))
    world.run(world.victim)
    return lambda: (world.victim.host.set_faults(Faults()), world.run(world.victim))


def override(name: str, value: str) -> Callable[[World], Mend]:
    """Somebody writes into the table what the command would have refused; the change alone starts a run."""

    def broken(world: World) -> Mend:
        world.write(world.victim, **{name: value})
        world.until("the host fails", lambda: world.status_of(world.victim) == "FAILED")

        def mend() -> None:
            world.write(world.victim, **{name: None})
            world.run(world.victim)

        return mend

    return broken


def revoked(world: World) -> Mend:
    number = len(_serials(world))
    world.command("revoke", world.victim.id, "--yes")
    world.until("the CRL has it", lambda: len(_serials(world)) > number, _PROCESSED_SECONDS)
    return lambda: world.run(world.victim)


def _serials(world: World) -> set[int]:
    found = world.client("rolesanywhere").list_crls()["crls"]
    return {entry.serial_number for each in found for entry in x509.load_pem_x509_crl(each["crlData"])}


def helper(world: World) -> Mend:
    program = world.victim.helper
    text = program.read_bytes()
    program.unlink()
    world.run(world.victim)

    def mend() -> None:
        program.write_bytes(text)
        program.chmod(0o755)
        world.run(world.victim)

    return mend


def hook(world: World) -> Mend:
    file = world.victim.path("hooksPath") / "10-reload"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n", encoding="utf-8")
    file.chmod(0o644)
    world.run(world.victim)

    def mend() -> None:
        file.unlink()
        world.run(world.victim)

    return mend


def lost(world: World) -> Mend:
    world.write(world.victim, status="RENEWING", runId="run-0", leaseUntil=ago(minutes=5))
    return lambda: world.run(world.victim)


def no_host(world: World) -> Mend:
    client, key = world.client("dynamodb"), {"hostID": {"S": "web-17"}}
    client.put_item(TableName=world.deployment.table, Item=key)
    return lambda: client.delete_item(TableName=world.deployment.table, Key=key)


def impossible(world: World) -> Mend:
    def is_told() -> bool:
        # A renewal that is under way writes it anew.
        world.write(world.victim, failureCount="many")
        return world.status().exit_code != 0

    world.until("it is told", is_told)
    return lambda: world.run(world.victim)


def run_failed(world: World) -> Mend:
    _start(world, {"hostIDs": "everybody"})
    return lambda: world.command("run", "--watch")


def run_stopped(world: World) -> Mend:
    client = world.client("stepfunctions")
    client.stop_execution(executionArn=_start(world, {"hostIDs": [world.victim.id]}, wait=False))
    return lambda: world.command("run", "--watch")


def _start(world: World, request: Mapping[str, Any], *, wait: bool = True) -> str:
    client = world.client("stepfunctions")
    started = client.start_execution(stateMachineArn=world.deployment.state_machine, input=json.dumps(request))
    arn = str(started["executionArn"])
    if wait:
        world.until("the run ends", lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return arn
