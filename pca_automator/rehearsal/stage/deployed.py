"""Finding the automation in whatever app was deployed: by its functions' environment, not by outputs or names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pca_automator.rehearsal.stage.process import LocalAws
from pca_automator.ssm_documents import sealed_values


class NoAutomationError(RuntimeError):
    """The app that was deployed has no PcaCertificateAutomation in it."""


@dataclasses.dataclass(frozen=True)
class Automation:
    """The parts of a deployed PcaCertificateAutomation that a rehearsal touches."""

    name: str
    table: str
    state_machine: str
    topic: str
    authority: str
    trust_anchor: str
    profile: str
    role: str
    certificate_path: str
    key_path: str
    csr_path: str
    ca_certificate_path: str
    signing_helper_path: str
    hooks_path: str
    crl_bucket: str
    """Where the CA writes its CRL; empty if no CRL is distributed."""
    retire: str
    """The function CertRetire."""
    signing_algorithm: str
    profiles: frozenset[str]
    """The certificate profiles that the app declares."""
    enrols: bool
    """Whether an item that is put into the table starts the workflow by itself."""
    digest: str
    """The function CertDigest; empty if the app sends no digest."""
    enrolment_waits: float
    """Seconds that an enrolment waits on AWS: the stream's batching window, and those of a renewal until it has looked
    twice at each command."""
    register: str
    """The function CertRegister; empty if no machine joins by its tags."""
    enrol_tags: Mapping[str, str]
    """What a machine must carry to join by itself."""
    ledger: str
    """The table of every certificate that was asked for."""
    profile_tag: str
    """The tag that names the certificate profile of such a machine; empty if none does."""
    starts: str
    """The table in which runs reserve the starts of their hosts."""


def find(aws: LocalAws) -> Automation:
    """The first automation by its name."""
    return find_all(aws)[0]


def find_all(aws: LocalAws) -> list[Automation]:
    """Every automation of the account, by its name."""
    functions = _functions(aws)
    deploys = sorted(
        (variables for service, variables in functions.values() if service == "CertDeploy"),
        key=lambda variables: variables["AUTOMATION_NAME"],
    )
    if not deploys:
        raise NoAutomationError("the app has no PcaCertificateAutomation: no function of it is called CertDeploy")
    return [_automation(aws, functions, deploy) for deploy in deploys]


def _automation(
    aws: LocalAws, functions: Mapping[str, tuple[str, dict[str, Any]]], deploy: Mapping[str, str]
) -> Automation:
    own = {
        service: (arn, variables)
        for arn, (service, variables) in functions.items()
        if variables.get("AUTOMATION_NAME") == deploy["AUTOMATION_NAME"]
    }
    machine = _machine_of(aws, own["CertCheck"][0])
    window = _window(aws, own["CertEnroll"][0]) if "CertEnroll" in own else 0.0
    sealed = _sealed(aws, deploy["INSTALL_DOCUMENT"])
    return Automation(
        name=deploy["AUTOMATION_NAME"],
        table=deploy["TABLE_NAME"],
        state_machine=machine,
        topic=own["CertReport"][1]["TOPIC_ARN"],
        authority=deploy["CA_ARN"],
        trust_anchor=sealed["trustAnchorArn"],
        profile=sealed["profileArn"],
        role=sealed["roleArn"],
        certificate_path=deploy["CERT_PATH"],
        key_path=deploy["KEY_PATH"],
        csr_path=sealed["csrPath"],
        ca_certificate_path=deploy["CACERT_PATH"],
        signing_helper_path=deploy["SIGNINGHELPER_PATH"],
        hooks_path=sealed["hooksPath"],
        crl_bucket=own["CRLProcessor"][1]["CRL_BUCKET"] if "CRLProcessor" in own else "",
        retire=own["CertRetire"][0],
        signing_algorithm=own["CertIssue"][1]["SIGNING_ALGORITHM"],
        profiles=frozenset(json.loads(own["CertIssue"][1]["CERTIFICATE_PROFILES"])),
        enrols="CertEnroll" in own,
        digest=own["CertDigest"][0] if "CertDigest" in own else "",
        enrolment_waits=window + _waits(_definition(aws, machine)),
        register=own["CertRegister"][0] if "CertRegister" in own else "",
        ledger=deploy["LEDGER_TABLE"],
        starts=own["CertCheck"][1]["STARTS_TABLE_NAME"],
        profile_tag=own["CertRegister"][1].get("PROFILE_TAG", "") if "CertRegister" in own else "",
        enrol_tags=json.loads(own["CertRegister"][1]["ENROL_TAGS"]) if "CertRegister" in own else {},
    )


def _sealed(aws: LocalAws, document: str) -> dict[str, str]:
    """What stands in the text of a document, because it is the same for every host."""
    return sealed_values(json.loads(aws.client("ssm").get_document(Name=document)["Content"]))


def _functions(aws: LocalAws) -> dict[str, tuple[str, dict[str, Any]]]:
    found = {}
    for page in aws.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            variables = function.get("Environment", {}).get("Variables", {})
            found[function["FunctionArn"]] = (variables.get("POWERTOOLS_SERVICE_NAME", ""), variables)
    return found


def _machine_of(aws: LocalAws, function_arn: str) -> str:
    states = aws.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        arn = str(machine["stateMachineArn"])
        if json.dumps(function_arn) in json.dumps(_definition(aws, arn)):
            return arn
    raise NoAutomationError("no state machine calls the function CertCheck")


def _definition(aws: LocalAws, machine: str) -> dict[str, Any]:
    described = aws.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    definition: dict[str, Any] = json.loads(described["definition"])
    return definition


def _waits(part: object, name: str = "") -> float:
    """The seconds of all Wait states in a definition, however deep they are, but of those behind a second look."""
    if isinstance(part, list):
        return sum(_waits(each) for each in part)
    if not isinstance(part, dict):
        return 0.0
    own = float(part.get("Seconds", 0)) if part.get("Type") == "Wait" and not name.endswith("Again") else 0.0
    return own + sum(_waits(each, key) for key, each in part.items())


def _window(aws: LocalAws, function_arn: str) -> float:
    mappings = aws.client("lambda").list_event_source_mappings(FunctionName=function_arn)["EventSourceMappings"]
    return float(max((each.get("MaximumBatchingWindowInSeconds", 0) for each in mappings), default=0))
