"""Finding a deployed automation: by its stack, and in it by type and logical id; its settings by its functions."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pca_automator.cli.errors import NO_DEPLOYMENT, REFUSED, USAGE, Trouble
from pca_automator.cli.runtime import runtime
from pca_automator.cli.waiting import WAITING

DEFAULT_STACK = "PcaAutomator"

_FUNCTION = "AWS::Lambda::Function"
# Construct ids of the library; together with the hash at the end they make CloudFormation's logical ids.
ANCHOR = "WorkflowCertCheck"
_HASH = 8


@dataclass(frozen=True)
class Resource:
    """One resource of the stack."""

    logical_id: str
    type: str
    physical_id: str


@dataclass
class Aws:
    """Clients of one Region and profile; the endpoint may come from ``AWS_ENDPOINT_URL``."""

    region: str | None = None
    profile: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.RLock)

    @cached_property
    def _session(self) -> Any:
        import boto3

        # As the AWS CLI's second version resolves it: boto3 alone does not know AWS_REGION.
        region = self.region or os.environ.get("AWS_REGION") or None
        return boto3.session.Session(region_name=region, profile_name=self.profile)

    @property
    def region_name(self) -> str:
        """The Region that is asked; "": none is known."""
        return str(self._session.region_name or "")

    def client(self, service: str) -> Any:
        """One client for each service; a person waits, so it gives up sooner than botocore's default of 60 s."""
        # A session makes one client at a time; the clients themselves may be used by several threads.
        with self._lock:
            if service not in self._clients:
                from botocore.config import Config

                config = Config(
                    connect_timeout=5,
                    read_timeout=30,
                    retries={"mode": "standard", "total_max_attempts": 4},
                    user_agent_extra="pca-automator-cli",
                )
                client = self._session.client(service, config=config)
                client.meta.events.register("before-call", _tell)
                self._clients[service] = client
            return self._clients[service]


def _tell(model: Any, **_: Any) -> None:
    """Say what AWS is asked, to whoever waits for it."""
    WAITING.about(f"{model.name} of {model.service_model.service_id}")


class _Environment(dict[str, str]):
    """The environment of a function; one that lacks a variable was changed by hand, or is of another version."""

    def __init__(self, function: str, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self._function = function

    def __missing__(self, name: str) -> str:
        raise Trouble(f"the function {self._function} has no variable {name}: cdk deploy --revert-drift")


def automation_of(logical_id: str, automations: Iterable[str]) -> str | None:
    """Whose a resource is by its logical id, ``None``: no automation's. "Fleet" is how those of "Fleet2" start, too."""
    # Of several texts that one begins with, the longest is the greatest.
    return max((each for each in automations if logical_id.startswith(each)), default=None)


class Deployment:
    """The parts of one automation; each is looked up when it is first asked for.

    Args:
        aws: clients.
        stack: name of the stack, or ``tag:KEY=VALUE`` for the one stack that carries the tag.
        automation: construct id, for a stack with several of them.
    """

    def __init__(self, aws: Aws, stack: str = DEFAULT_STACK, automation: str | None = None) -> None:
        self.aws = aws
        self.given = stack
        self.automation = automation
        self._settings: dict[str, dict[str, str]] = {}
        # Several looks ask for the same settings at once; one of them reads.
        self._lock = threading.RLock()

    @cached_property
    def stack(self) -> str:
        """The stack's name."""
        if not self.given.startswith("tag:"):
            return self.given
        key, equals, value = self.given.removeprefix("tag:").partition("=")
        if not key or not equals:
            raise Trouble(f"{self.given!r} names no tag: give tag:KEY=VALUE", USAGE)
        found = [
            str(stack["StackName"])
            for page in self.aws.client("cloudformation").get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if {"Key": key, "Value": value} in stack.get("Tags", [])
        ]
        if len(found) != 1:
            names = f": {', '.join(sorted(found))}" if found else ""
            raise Trouble(f"{len(found)} stacks carry the tag {key}={value}, one is needed{names}", NO_DEPLOYMENT)
        return found[0]

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The automation's resources."""
        every = tuple(self._stack_resources())
        automations = sorted(
            resource.logical_id.partition(ANCHOR)[0]
            for resource in every
            if resource.type == _FUNCTION and ANCHOR in resource.logical_id
        )
        chosen = self._chosen(automations)
        return tuple(resource for resource in every if automation_of(resource.logical_id, automations) == chosen)

    def short(self, resource: Resource) -> str:
        """A resource's name for a person: its logical id without the automation's, and without the hash."""
        return resource.logical_id[:-_HASH].removeprefix(self.construct)

    def short_of(self, physical_id: str) -> str:
        """The same of a resource by the name that AWS has for it; what is not of this deployment stays as it is."""
        return next((self.short(each) for each in self.resources if each.physical_id == physical_id), physical_id)

    @cached_property
    def construct(self) -> str:
        """The construct's id, with those of the constructs around it: what its logical ids begin with."""
        anchor = next(each.logical_id for each in self.of_type(_FUNCTION) if ANCHOR in each.logical_id)
        return anchor.partition(ANCHOR)[0]

    def _chosen(self, anchors: list[str]) -> str:
        wanted = [anchor for anchor in anchors if self.automation in (None, anchor)]
        if len(wanted) == 1:
            return wanted[0]
        if not wanted:
            name = f" {self.automation}" if self.automation else ""
            raise Trouble(f"stack {self.stack} has no PcaCertificateAutomation{name}", NO_DEPLOYMENT)
        raise Trouble(
            f"stack {self.stack} has {len(wanted)} automations: choose one of {', '.join(wanted)} with --automation",
            NO_DEPLOYMENT,
        )

    def _stack_resources(self) -> Iterator[Resource]:
        from botocore.exceptions import ClientError

        pages = self.aws.client("cloudformation").get_paginator("list_stack_resources")
        try:
            for page in pages.paginate(StackName=self.stack):
                for each in page["StackResourceSummaries"]:
                    yield Resource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
        except ClientError as error:
            details = error.response["Error"]
            if details["Code"] == "ValidationError" and "does not exist" in details["Message"]:
                where = self.aws.client("cloudformation").meta.region_name
                raise Trouble(
                    f"there is no stack {self.stack} in {where}; see --stack, --region and --profile", NO_DEPLOYMENT
                ) from error
            raise

    def of_type(self, resource_type: str) -> list[Resource]:
        """Every resource of a type."""
        return [resource for resource in self.resources if resource.type == resource_type]

    def find(self, resource_type: str, part: str) -> str | None:
        """The physical id of the resource of a type whose logical id has a part; ``None`` if there is none."""
        return next((each.physical_id for each in self.of_type(resource_type) if part in each.logical_id), None)

    def function(self, name: str) -> str | None:
        """The deployed name of a function, such as ``CertCheck``; ``None`` if this deployment has none."""
        found = [each for each in self.of_type(_FUNCTION) if each.logical_id[:-8].endswith(name)]
        return found[0].physical_id if found else None

    def settings(self, name: str) -> Mapping[str, str]:
        """The environment of a function.

        Raises:
            Trouble: this deployment has no such function.
        """
        with self._lock:
            return self._read_settings(name)

    def _read_settings(self, name: str) -> Mapping[str, str]:
        if name not in self._settings:
            function = self.function(name)
            if function is None:
                raise Trouble(
                    f"the deployment in {self.stack} has no function {name}: cdk deploy --revert-drift", NO_DEPLOYMENT
                )
            answer = self.aws.client("lambda").get_function_configuration(FunctionName=function)
            environment = answer.get("Environment", {})
            if "Variables" not in environment:
                raise Trouble(f"the environment of {name} cannot be read: kms:Decrypt may be missing", REFUSED)
            self._settings[name] = _Environment(name, environment["Variables"])
        return self._settings[name]

    @property
    def place(self) -> Any:
        """What a command that is printed has to say, so that it reaches this deployment from anywhere."""
        return runtime("errors.remedies").Place(
            stack="" if self.given == DEFAULT_STACK else self.given,
            automation=self.automation or "",
            region=self.aws.region_name,
            profile=self.aws.profile or "",
        )

    @property
    def name(self) -> str:
        """The automation's name: the dimension of its metrics."""
        return self.settings("CertCheck")["AUTOMATION_NAME"]

    @property
    def table(self) -> str:
        """The inventory table."""
        return self.settings("CertCheck")["TABLE_NAME"]

    @property
    def ledger(self) -> str:
        """The table of every certificate that was asked for."""
        return self.settings("CertDeploy")["LEDGER_TABLE"]

    @property
    def starts(self) -> str:
        """The table in which runs reserve the starts of their hosts."""
        return self.settings("CertCheck")["STARTS_TABLE_NAME"]

    @property
    def work_bucket(self) -> str:
        """Where a run's files are."""
        return self.settings("CertCheck")["WORK_BUCKET"]

    @property
    def authority(self) -> str:
        """The CA's ARN."""
        return self.settings("CertDeploy")["CA_ARN"]

    @property
    def state_machine(self) -> str:
        """The renewal workflow's ARN.

        Raises:
            Trouble: the stack has none.
        """
        found = self.find("AWS::StepFunctions::StateMachine", "Workflow")
        if not found:
            raise Trouble(f"stack {self.stack} has no renewal workflow", NO_DEPLOYMENT)
        return found

    @property
    def sealed(self) -> Mapping[str, str]:
        """What stands in the text of the documents, because it is the same for every host.

        Raises:
            Trouble: the document that has the most of it cannot be read.
        """
        from pca_automator.ssm_documents import sealed_values

        name = self.document("InstallCertificate")
        try:
            return sealed_values(json.loads(self.aws.client("ssm").get_document(Name=name)["Content"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Trouble(
                f"document {name} is not as this library deploys it: cdk deploy --revert-drift", NO_DEPLOYMENT
            ) from error

    def document(self, name: str) -> str:
        """The deployed name of an SSM document.

        Raises:
            Trouble: the stack has none.
        """
        found = self.find("AWS::SSM::Document", name)
        if not found:
            raise Trouble(f"stack {self.stack} has no document {name}", NO_DEPLOYMENT)
        return found
