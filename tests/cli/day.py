"""What an operator does in a day: every verb and every option of it, in the local AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pca_automator.cli.runtime import runtime
from pca_automator.rehearsal.local_aws.run_command.hosts import Faults
from pca_automator.rehearsal.stage import deployed
from pca_automator.rehearsal.stage.process import ACCESS_KEY, REGION, SECRET_KEY
from tests.cli.local_fleet import LocalFleet

# The deployment lets one profile's hosts ask for a name beside their own id.
CONTEXT = {"certificateProfiles": json.dumps({"web": {"dnsNames": ["*.example.com"]}})}
# What docs/operations.md says that is enough to look at a fleet.
TO_LOOK = (
    "acm-pca:DescribeCertificateAuthority",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "dynamodb:BatchGetItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "iam:GetRolePolicy",
    "kms:DescribeKey",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionConfiguration",
    "rolesanywhere:GetProfile",
    "rolesanywhere:GetTrustAnchor",
    "rolesanywhere:ListCrls",
    "s3:GetBucketPolicy",
    "s3:GetObject",
    "scheduler:GetSchedule",
    "sns:GetTopicAttributes",
    "sqs:GetQueueAttributes",
    "ssm:DescribeDocument",
    "ssm:GetDocument",
    "ssm:ListCommandInvocations",
    "states:DescribeExecution",
    "states:DescribeStateMachine",
    "states:ListExecutions",
)
# An item's key as somebody writes it who takes the name of a machine for its id; and what a list calls the entry.
_NO_HOST = "web-17"
_NO_HOST_NAME = runtime("inventory.gate").handle_of(_NO_HOST)
_NOBODY = {
    "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull,
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command of the day: why, what, and how it ends."""

    why: str
    arguments: list[str]
    status: int = 0
    before: Callable[[], None] = field(default=lambda: None)
    environment: Mapping[str, str] = field(default_factory=dict)


def day(fleet: LocalFleet) -> Iterator[Step]:
    """An operator's day, in four parts."""
    yield from morning(fleet)
    yield from renewals(fleet)
    yield from departures(fleet)
    yield from mistakes(fleet)


def morning(fleet: LocalFleet) -> Iterator[Step]:
    """The fleet comes into the inventory, and is looked at."""
    first, named, tagged = fleet.members[0], fleet.members[-2], fleet.members[-1]
    yield Step("Nobody is there yet.", ["hosts", "list"], status=1)
    yield Step("Would this file do?", ["hosts", "add", "--from-csv", _mistyped(fleet)], status=2)
    yield Step("Put the fleet into the inventory.", ["hosts", "add", "--from-csv", fleet.csv.name])
    yield Step(
        "Who carries a tag?",
        ["hosts", "add", "--tag", "fleet=web", "--dry-run"],
        before=lambda: tagged.host.set_tags({"fleet": "web"}),
    )
    yield Step("Put them in.", ["hosts", "add", "--tag", "fleet=web"])
    yield Step(
        "One more, with a name of its own.",
        ["hosts", "add", named.id, "--override", "certificateProfile=web", "--override", "dnsNames=web.example.com"],
    )
    yield Step("The fleet in one screen.", ["status"], before=fleet.settle)
    yield Step("Every part of it.", ["doctor"])
    yield Step("Everybody, the most urgent first.", ["hosts", "list"])
    yield Step("Nobody stops working within a day.", ["hosts", "list", "--expiring-within", "24h"])
    yield Step("One host, and what is on it.", ["hosts", "show", first.id, "--live"])
    yield Step("The same for a program.", ["hosts", "show", first.id, "--output", "json"])
    yield Step("And with the names that AWS has.", ["hosts", "show", first.id, "--long"])
    yield Step("All that there is to know, for a page.", ["report"])


def renewals(fleet: LocalFleet) -> Iterator[Step]:
    """Hosts are renewed, one fails, and is repaired."""
    first, second, _, sick = fleet.members[:4]
    override = ["--override", "keyAlgorithm=EC_prime256v1"]
    yield Step("Another key for one: what would be changed?", ["hosts", "set", first.id, *override, "--dry-run"])
    yield Step("Another key for it.", ["hosts", "set", first.id, *override])
    yield Step("Back to the default.", ["hosts", "set", first.id, "--clear", "keyAlgorithm"], before=fleet.settle)
    yield Step("Who would be renewed?", ["run", "--dry-run"], before=fleet.settle)
    yield Step("Renew some hosts now.", ["run", first.id, second.id, "--force", "--watch"])
    yield Step("Renew who is due.", ["run", "--watch"])
    yield Step("Without waiting.", ["run"])
    yield Step(
        "A host has lost its agent.",
        ["run", sick.id, "--force", "--watch"],
        status=1,
        before=lambda: sick.host.set_faults(Faults(unknown=True)),
    )
    yield Step("The fleet has somebody to look after.", ["status"], status=1)
    yield Step("Which runs there were.", ["runs", "list", "--most", "3"])
    yield Step("What became of the last one.", ["runs", "show", _last_run(fleet)], status=1)
    yield Step("Who it is, for a program.", ["hosts", "list", "--failed", "--output", "jsonl"])
    yield Step("Does the next run take it up?", ["hosts", "list", "--due"])
    yield Step("Why, and what to do.", ["explain", sick.id])
    yield Step("What a code means.", ["explain", "HOOK_FAILED"])
    yield Step(
        "The agent is back.",
        ["run", sick.id, "--force", "--watch"],
        before=lambda: sick.host.set_faults(Faults()),
    )


def departures(fleet: LocalFleet) -> Iterator[Step]:
    """Certificates are revoked and hosts leave; then the whole fleet gets new ones."""
    first, second, third = fleet.members[:3]
    kept = fleet.members[-1]
    yield Step("A key is out: what would be done?", ["revoke", second.id, "--dry-run"])
    yield Step("Revoke it.", ["revoke", second.id, "--reason", "KEY_COMPROMISE", "--yes"])
    yield Step("A host leaves: what would be done?", ["hosts", "retire", third.id, "--dry-run"])
    yield Step("It leaves.", ["hosts", "retire", third.id, "--yes"])
    yield Step(
        "Another one leaves, and keeps its files.", ["hosts", "retire", kept.id, "--revoke", "--keep-files", "-y"]
    )
    yield Step("Who has left?", ["hosts", "list", "--retired"])
    yield Step("One comes back: what would be done?", ["hosts", "restore", kept.id, "--dry-run"])
    yield Step(
        "New certificates for some, the old ones revoked.",
        ["run", first.id, second.id, "--force", "--revoke-replaced", "--yes", "--watch"],
    )
    yield Step("The whole fleet anew.", ["run", "--force", "--yes", "--watch"])


def mistakes(fleet: LocalFleet) -> Iterator[Step]:
    """An entry that is no host is found and removed; the deployment is tested, found in other ways, and not found."""
    by_tag = ["--stack", "tag:team=pki", "--automation", "Automation"]
    yield Step(
        "A script has written what is no host.", ["hosts", "lint"], status=1, before=lambda: _write_no_host(fleet)
    )
    yield Step("Take it away: what would be done?", ["hosts", "remove", _NO_HOST_NAME, "--dry-run"])
    yield Step("Take it away.", ["hosts", "remove", _NO_HOST_NAME, "--yes"])
    yield Step("What would be tested?", ["verify", "--components-only", "--dry-run"])
    yield Step("Is every part there?", ["verify", "--components-only"])
    yield Step("Does it do what it promises?", ["verify", "--yes", "--hosts", "5"])
    proof = ["verify", "--prove", "--resume", "proof.json"]
    yield Step("Does AWS behave as is assumed of it?", [*proof, "--no-wait", "--yes"])
    yield Step("Half an hour later: is what was revoked refused?", proof)
    yield Step("Has a stack of that name that is gone left anything?", ["leftovers"])
    yield Step("The stack by its tag.", ["hosts", "list", *by_tag])
    yield Step(
        "Another account, another Region.",
        ["status", "--profile", "night-shift", "--region", REGION],
        environment=_profile(fleet, "night-shift"),
    )
    looking = _user(fleet, "on-call", TO_LOOK)
    one = fleet.members[0].id
    yield Step("Somebody who may only look.", ["status"], environment=looking)
    yield Step("At one host, too.", ["hosts", "show", one], environment=looking)
    yield Step("But not renew it.", ["run", one, "--force"], status=4, environment=looking)
    yield Step("Nor revoke.", ["revoke", one, "--yes"], status=4, environment=looking)
    yield Step("Somebody who may do nothing.", ["hosts", "list"], status=4, environment=_user(fleet, "newcomer", ()))
    yield Step("No such host.", ["hosts", "show", "i-0123456789abcdef0"], status=1)
    yield Step("No such code.", ["explain", "HOOK_FAILD"], status=2)
    yield Step("No such stack.", ["status", "--stack", "Nowhere"], status=3)
    yield Step("Not in this Region.", ["status", "--region", "eu-central-1"], status=3)
    yield Step("No credentials.", ["status"], status=4, environment=_NOBODY)


def _last_run(fleet: LocalFleet) -> str:
    """The id of the newest run."""
    answer = fleet.command(["runs", "list", "--most", "1", "--output", "json"]).stdout
    return str(json.loads(answer)[0]["runId"])


def _mistyped(fleet: LocalFleet) -> str:
    """A CSV file with mistakes."""
    one, two = (member.id for member in fleet.members[:2])
    lines = ["hostID,keyAlgorithm", f"{one},", "web-17,", f"{one},", f"{two},RSA_1024"]
    path = fleet.csv.with_name("mistyped.csv")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path.name


def _write_no_host(fleet: LocalFleet) -> None:
    """An item that has an id of no host."""
    fleet.aws.client("dynamodb").put_item(TableName=deployed.find(fleet.aws).table, Item={"hostID": {"S": _NO_HOST}})


def _user(fleet: LocalFleet, name: str, actions: tuple[str, ...]) -> dict[str, str]:
    """The credentials of a new user who may do these things and no more; the local AWS enforces IAM."""
    iam = fleet.aws.client("iam")
    iam.create_user(UserName=name)
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="look", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def _profile(fleet: LocalFleet, name: str) -> dict[str, str]:
    """An environment in which credentials come from a profile alone."""
    path = fleet.csv.with_name("credentials")
    path.write_text(
        f"[{name}]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n", encoding="utf-8"
    )
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
