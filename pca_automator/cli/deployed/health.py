"""The health list: every part of a deployment, looked at by itself, so that a look that fails costs its own line.

``status``, ``doctor`` and ``verify`` show the same list; what is said of CA, trust anchor, profile, CRL and fleet is
the functions' own, and stands in the digest as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from pca_automator.cli.deployed import pace, runs
from pca_automator.cli.deployed.deployment import Deployment, Resource
from pca_automator.cli.deployed.drift import Drift
from pca_automator.cli.deployed.functions import Functions
from pca_automator.cli.deployed.part import WHO_DEPLOYS, Part
from pca_automator.cli.deployed.wiring import Wiring
from pca_automator.cli.errors import REFUSED, UNAVAILABLE, code_of, trouble_of
from pca_automator.cli.output import counted
from pca_automator.cli.runtime import runtime

# Each is one request; more at once than botocore's pool of connections would only wait.
_AT_ONCE = 8
# What AWS answers of a thing that somebody deleted.
_GONE = {
    "404", "AWS.SimpleQueueService.NonExistentQueue", "InvalidDocument", "NoSuchBucket", "NotFound",
    "NotFoundException", "QueueDoesNotExist", "ResourceNotFound", "ResourceNotFoundException",
    "StateMachineDoesNotExist",
}  # fmt: skip
_STATES = {REFUSED: "refused", UNAVAILABLE: "unavailable"}
# After the first certificate; as CRLProcessor has it.
_FIRST_CRL = timedelta(hours=1)


class Health:
    """What is looked at, beside the fleet itself.

    Args:
        deployment: the automation.
        now: the current time.
        deep: whether what is deployed is compared with the template, which takes some fifty calls.
    """

    def __init__(self, deployment: Deployment, now: Any, *, deep: bool = False) -> None:
        self._deployment = deployment
        self._deep = deep
        self._now = now
        self._finding = runtime("monitoring.finding")
        self._trust = runtime("monitoring.trust")
        self._functions = Functions(deployment, now)
        self._wiring = Wiring(deployment, now)
        # What the looks saw, for who shows more of it than a finding; as it is here where a look was refused.
        self.last_run: runs.Run | None = None
        self.ca: dict[str, Any] = {}
        self.crl: dict[str, Any] = {}
        self.revoked: frozenset[int] = frozenset()
        self.starts: pace.Starts | None = None

    @property
    def next_run(self) -> str:
        """When the schedule starts the next run."""
        return self._wiring.next_run

    def parts(self) -> Iterator[Part]:
        """Every part's name, and the look at it, which answers with a finding or raises."""
        deployment = self._deployment
        yield "inventory table", lambda: self._table("inventory table", deployment.table)
        yield "certificate ledger", lambda: self._table("certificate ledger", deployment.ledger)
        yield "ledger of starts", self._starts
        yield from (
            (f"key {deployment.short(each)}", lambda each=each: self._key(each))
            for each in deployment.of_type("AWS::KMS::Key")
        )
        yield from self._functions.parts()
        yield "workflow", self._workflow
        yield from (
            (f"document {deployment.short(each)}", lambda each=each: self._document(each))
            for each in deployment.of_type("AWS::SSM::Document")
        )
        yield "private CA", self._authority
        yield "trust anchor", self._trust_anchor
        yield "profile", self._profile
        if deployment.function("CRLProcessor") is not None:
            yield "CRL", self._crl
            yield "CRL source", self._crl_source
        yield "topic", self._topic
        yield "last run", self._last_run
        yield from self._wiring.parts()
        if deployment.of_type("AWS::CloudWatch::Alarm"):
            yield "alarms", self._alarms
        yield "function errors", self._functions.failing
        if self._deep:
            yield from Drift(deployment).parts()

    def findings(self) -> list[Any]:
        """All of them, several at a time, in the order of the list."""
        parts = list(self.parts())
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return list(pool.map(lambda part: self.look(*part), parts))

    def look(self, part: str, look: Callable[[], Any]) -> Any:
        """One finding, whatever comes of the look."""
        try:
            return look()
        except Exception as error:
            found = trouble_of(error)
            if found is None:
                raise
            if code_of(error) in _GONE:
                return self._finding.trouble(part, f"it is gone: {found}", who=WHO_DEPLOYS)
            state = _STATES.get(found.status, "trouble")
            return self._finding.Finding(part, f"could not be looked at: {found}", state)

    def _crl_entry(self) -> Any:
        """The deployment's CRL at its trust anchor; ``None`` without one."""
        settings = self._deployment.settings("CRLProcessor")
        entries = runtime("revocation.anchored_crls").anchored_crls(
            self._client("rolesanywhere"), settings["TRUST_ANCHOR_ARN"]
        )
        return self._trust.named_crl(entries, settings["CRL_NAME"])

    def _client(self, service: str) -> Any:
        return self._deployment.aws.client(service)

    def _table(self, part: str, name: str) -> Any:
        table = self._client("dynamodb").describe_table(TableName=name)["Table"]
        # It is used while its settings are changed.
        if (status := table["TableStatus"]) not in ("ACTIVE", "UPDATING"):
            who = "who keeps its key enables it" if "KEY" in status or "ENCRYPTION" in status else WHO_DEPLOYS
            return self._trouble(part, f"the table {name} is {status}, not ACTIVE", who=who)
        return self._ok(part, str(table["TableStatus"]))

    def _starts(self) -> Any:
        """A ledger that nobody can read is no ledger: runs reserve their starts in it, and count certificates."""
        found = self._table("ledger of starts", self._deployment.starts)
        if found.is_ok:
            self.starts = pace.read(self._deployment)
        return found

    def _key(self, resource: Resource) -> Any:
        """Of table, topic, logs and work files: what was read with it before is read on for some minutes."""
        part, name = f"key {self._deployment.short(resource)}", resource.physical_id
        state = self._client("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyState"]
        enable = f"aws kms enable-key --key-id {name}"
        if state == "Disabled":
            return self._trouble(part, "it is disabled: nothing that it encrypts can be read", enable)
        if state == "PendingDeletion":
            kept = f"aws kms cancel-key-deletion --key-id {name}"
            return self._trouble(part, "it is to be deleted: nothing that it encrypts can be read", kept, enable)
        if state not in ("Enabled", "Updating", "Creating"):
            return self._trouble(part, f"it is {state}, not Enabled", who="who keeps its key material")
        return self._ok(part, str(state))

    def _workflow(self) -> Any:
        arn = self._deployment.state_machine
        status = self._client("stepfunctions").describe_state_machine(stateMachineArn=arn).get("status", "ACTIVE")
        if status != "ACTIVE":
            return self._trouble("workflow", f"it is {status}, not ACTIVE", who=WHO_DEPLOYS)
        return self._ok("workflow", "ACTIVE")

    def _document(self, resource: Resource) -> Any:
        part = f"document {self._deployment.short(resource)}"
        status = self._client("ssm").describe_document(Name=resource.physical_id)["Document"].get("Status")
        if status != "Active":
            return self._trouble(part, f"it is {status}, not Active", who=WHO_DEPLOYS)
        return self._ok(part, "Active")

    def _authority(self) -> Any:
        arn = self._deployment.authority
        found = runtime("authority.certificate_authority").look_at(self._client("acm-pca"), arn)
        format_time = runtime("shared.timestamps").format_time
        end = format_time(found.not_after) if found.not_after else None
        self.ca = {"arn": arn, "status": found.status, "notAfter": end}
        return self._trust.authority(found, arn, self._now)

    def _trust_anchor(self) -> Any:
        arn = self._deployment.sealed["trustAnchorArn"]
        answer = self._client("rolesanywhere").get_trust_anchor(trustAnchorId=arn.rpartition("/")[2])
        return self._trust.trust_anchor(answer, arn, self._client("acm-pca"), self._deployment.authority)

    def _profile(self) -> Any:
        sealed = self._deployment.sealed
        arn = sealed["profileArn"]
        answer = self._client("rolesanywhere").get_profile(profileId=arn.rpartition("/")[2])
        return self._trust.profile(answer, arn, sealed.get("roleArn", ""))

    def _crl(self) -> Any:
        processor = self._deployment.function("CRLProcessor") or ""
        entry = self._crl_entry()
        self.crl, self.revoked = self._trust.facts(entry), self._trust.revoked_serials(entry)
        settings = self._deployment.settings("CRLProcessor")
        due = entry is None and self._crl_is_due(settings["LEDGER_TABLE"])
        found = self._trust.crl_in_force(entry, self._now, processor=processor, due=due)
        if found.is_ok and entry is not None:
            self._read_object(settings["CRL_BUCKET"])
        return found

    def _read_object(self, bucket: str) -> None:
        """The CRL that the CA wrote last: whether it can be read at all is what the next revocation hangs on."""
        *others, last = self._crl_keys(bucket)
        for key in others:
            try:
                return self._head(bucket, key)
            except Exception as error:
                if code_of(error) not in _GONE:
                    raise
        return self._head(bucket, last)

    def _head(self, bucket: str, key: str) -> None:
        self._client("s3").head_object(Bucket=bucket, Key=key)

    def _crl_keys(self, bucket: str) -> tuple[str, ...]:
        """Where the CA's CRL may lie; what is wrong with the CA's configuration stands in a line of its own."""
        source, authority = runtime("revocation.crl_source"), self._deployment.authority
        try:
            return tuple(source.check_source(self._client("acm-pca"), authority, bucket))
        except runtime("errors.kinds").CrlRefused:
            return (source.usual_key(authority),)

    def _crl_source(self) -> Any:
        authority, bucket = self._deployment.authority, self._deployment.settings("CRLProcessor")["CRL_BUCKET"]
        check = runtime("revocation.crl_source").check_source
        return self._trust.crl_source(lambda: check(self._client("acm-pca"), authority, bucket))

    def _crl_is_due(self, ledger_table: str) -> bool:
        first = runtime("inventory.first_certificate")
        return bool(first.issued_before(self._client("dynamodb"), ledger_table, self._now - _FIRST_CRL))

    def _topic(self) -> Any:
        part, topic = "topic", self._deployment.settings("CertReport")["TOPIC_ARN"]
        attributes = self._client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        # SNS counts them, and tells of none without the permission to list them.
        confirmed, pending = (attributes.get(f"Subscriptions{each}") for each in ("Confirmed", "Pending"))
        if confirmed is None or int(confirmed):
            return self._ok(part, "there" if confirmed is None else counted(int(confirmed), "confirmed subscription"))
        listed = f"aws sns list-subscriptions-by-topic --topic-arn {topic}"
        if pending and int(pending):
            waiting = counted(int(pending), "subscription waits", "subscriptions wait")
            text = f"nobody reads its messages: {waiting} for the link in the mail of AWS to be opened"
            return self._finding.warning(part, text, listed, who="who has the mail opens the link")
        text = "nobody reads its messages: nobody has subscribed"
        return self._finding.warning(part, text, listed, who="who deploys it names addresses in emails")

    def _last_run(self) -> Any:
        listed = runs.listed(self._deployment)
        newest = runs.newest(listed)
        if newest is not None:
            self.last_run = runs.described(self._deployment, newest["runId"])
        broken = runs.broken(listed)
        if broken is not None:
            which = "the last run" if broken is newest else f"run {broken['runId']}"
            show = f"pca-automator runs show {broken['runId']}"
            return self._trouble("last run", f"{which} ended {broken['status']}", show, "pca-automator run --watch")
        return self._ok("last run", runs.ended(self.last_run) if self.last_run else "none yet")

    def _alarms(self) -> Any:
        names = [each.physical_id for each in self._deployment.of_type("AWS::CloudWatch::Alarm")]
        found = self._client("cloudwatch").describe_alarms(AlarmNames=names[:100], StateValue="ALARM", MaxRecords=100)
        ringing = [each for each in found["MetricAlarms"] if each.get("StateValue") == "ALARM"]
        if ringing:
            # The text of an alarm ends with what to type.
            told = [str(each.get("AlarmDescription") or each["AlarmName"]).partition(_TYPED) for each in ringing[:3]]
            why = "; ".join(text for text, _, _ in told)
            own = (f"pca-automator {rest}" for _, _, rest in told if rest and not rest.startswith(_THE_SAME))
            first = ringing[0]["AlarmName"]
            history = f"aws cloudwatch describe-alarm-history --alarm-name {first} --max-records 5"
            many = counted(len(ringing), "alarm rings", "alarms ring")
            return self._trouble("alarms", f"{many}: {why}", *dict.fromkeys(own), history)
        return self._ok("alarms", f"{counted(len(names), 'alarm')}, none rings")

    def _ok(self, part: str, text: str) -> Any:
        return self._finding.ok(part, text)

    def _trouble(self, part: str, text: str, *commands: str, who: str = "") -> Any:
        return self._finding.trouble(part, text, *commands, who=who)


_TYPED = ": pca-automator "
# What an alarm sends to, and whoever reads this list has in front of them already.
_THE_SAME = ("doctor", "status")
