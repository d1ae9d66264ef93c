"""Who may do what, to what, and under which condition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.constructs.promises.view import View, as_list

# What the service authorization reference gives no resource type; everything else must name its resource.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
WITHOUT_RESOURCE_TYPE = {
    "cloudwatch:GetMetricData",
    "dynamodb:ListStreams",
    "ec2:DescribeInstances",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "rolesanywhere:ImportCrl",
    "rolesanywhere:ListCrls",
    "ssm:DescribeInstanceInformation",
    "servicequotas:ListServiceQuotas",
    "ssm:GetCommandInvocation",
    "states:SendTaskFailure",
    "states:SendTaskSuccess",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# What each action may reach. One that is not here is a breach: say what it may reach.
_TABLE = r"InventoryHosts|StartLedgerStarts|LedgerCertificates|arn:aws:dynamodb:.*:table/[\w-]+"
_CA = r"PrivateCAAuthority|arn:aws:acm-pca:.*:certificate-authority/[\w-]+"
_KEY = r"Key|arn:aws:kms:.*:key/[\w-]+"
_RUN_FILES = r"WorkflowWorkBucket/runs/\*|arn:aws:s3:::WorkflowWorkBucket/\*"
_CRL_BUCKET = r"(\w*CrlBucket|arn:aws:s3:::[\w-]+)"
_CRL_FILES = rf"{_CRL_BUCKET}/(\*\.crl|audit-report/\*|acm-pca-permission-test-key(-private)?)"
_MACHINE = r"WorkflowStateMachine"
_EXECUTIONS = r"arn:aws:states:REGION:ACCOUNT:execution:\[6 of WorkflowStateMachine\]"
_QUEUES = r"DeadLetters|RevocationQueue|RevocationDeadLetters|RegistrationStarted|\w+Queue"
_HOSTS = r"arn:aws:ec2:REGION:ACCOUNT:instance/\*|arn:aws:ssm:REGION:ACCOUNT:managed-instance/\*"
_DOCUMENTS = r"arn:aws:ssm:REGION:ACCOUNT:document/Documents(GenerateCsr|InstallCertificate|RemoveCertificate)"
REACH = {
    "acm-pca:": _CA,
    "dynamodb:DescribeStream": rf"({_TABLE})\.StreamArn|arn:aws:dynamodb:.*/stream/.*",
    "dynamodb:GetRecords": rf"({_TABLE})\.StreamArn|arn:aws:dynamodb:.*/stream/.*",
    "dynamodb:GetShardIterator": rf"({_TABLE})\.StreamArn|arn:aws:dynamodb:.*/stream/.*",
    "dynamodb:Query": r"StartLedgerStarts|LedgerCertificates(/index/Work)?",
    "dynamodb:": _TABLE,
    "events:PutEvents": r"arn:aws:events:REGION:ACCOUNT:event-bus/default",
    "kms:": _KEY,
    "lambda:InvokeFunction": r"\w*(Cert[A-Z]\w+|CRLProcessor)(:\*)?",
    "logs:": r"\w+Log",
    "rolesanywhere:GetTrustAnchor": r"RolesAnywhereTrustAnchor|arn:aws:rolesanywhere:.*:trust-anchor/[\w-]+",
    "rolesanywhere:UpdateCrl": r"arn:aws:rolesanywhere:REGION:ACCOUNT:crl/\*",
    "s3:GetBucketAcl": _CRL_BUCKET,
    "s3:GetBucketLocation": _CRL_BUCKET,
    "s3:ListBucket": _CRL_BUCKET,
    "s3:": rf"{_RUN_FILES}|{_CRL_FILES}|LedgerAuditReports/audit-report/\*",
    "sns:Publish": r"NotificationsTopic|arn:aws:sns:.*",
    "sqs:": _QUEUES,
    "ssm:SendCommand": rf"{_DOCUMENTS}|{_HOSTS}",
    "states:StartExecution": _MACHINE,
    "states:DescribeExecution": rf"{_EXECUTIONS}:\*",
    "states:StopExecution": rf"{_EXECUTIONS}:\*",
    "states:RedriveExecution": rf"{_EXECUTIONS}/RenewHosts:\*",
}
# Which document a function may send, and which event it may publish.
DOCUMENT_OF = {"CertCSR": "GenerateCsr", "CertDeploy": "InstallCertificate", "CertRetire": "RemoveCertificate"}
EVENT_OF = {"CertDeployStatus": "Host Renewed", "CertFailure": "Host Renewal Failed", "CertReport": "Run Report"}
# Who may assume a role, and what has to hold: a service that is a stranger's deputy brings another account or source.
TRUST: dict[str, dict[str, dict[str, str]]] = {
    "lambda.amazonaws.com": {},
    "rolesanywhere.amazonaws.com": {
        "ArnEquals": {"aws:SourceArn": r"\w*TrustAnchor|arn:aws:rolesanywhere:.*:trust-anchor/[\w-]+"},
        # The anchor's ARN holds the account; AWS shows aws:SourceAccount in no example for this service.
        "StringLike": {"aws:PrincipalTag/x509Subject/CN": r"\['i-\?{8}', 'i-\?{17}', 'mi-\?{17}'\]"},
    },
    "scheduler.amazonaws.com": {
        "ArnLike": {"aws:SourceArn": r"arn:aws:scheduler:REGION:ACCOUNT:schedule-group/default"},
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
    },
    "states.amazonaws.com": {
        "ArnLike": {"aws:SourceArn": r"arn:aws:states:REGION:ACCOUNT:stateMachine:\*"},
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
    },
}
# The same for what carries a policy of its own, by the principal that it lets in.
GUESTS: dict[str, dict[str, dict[str, str]]] = {
    "acm-pca.amazonaws.com": {
        "ArnLike": {"aws:SourceArn": r"arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/\*"},
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
    },
    "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": "ACCOUNT"}},
    "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": r"\w+(NotWritten|Written|Started|Issued|Terminated)"}},
    "logging.s3.amazonaws.com": {
        "ArnLike": {"aws:SourceArn": r"\w+Bucket|LedgerAuditReports"},
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
    },
    "logs.REGION.amazonaws.com": {
        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": r"arn:aws:logs:REGION:ACCOUNT:\*"},
    },
}
# CloudWatch says for the topic which alarms they are; for the key it does not.
GUESTS_OF_A_TOPIC = {
    "cloudwatch.amazonaws.com": {
        "ArnLike": {"aws:SourceArn": r"arn:aws:cloudwatch:REGION:ACCOUNT:alarm:\*"},
        "StringEquals": {"aws:SourceAccount": "ACCOUNT"},
    }
}
_EMPTIES = "CustomS3AutoDeleteObjectsCustomResourceProviderRole"
_VIA_DYNAMODB = {"StringEquals": {"kms:ViaService": r"dynamodb\.REGION\.amazonaws\.com"}}
_POLICIES = {"S3::BucketPolicy": "Bucket", "SNS::TopicPolicy": "Topics", "SQS::QueuePolicy": "Queues"}


def roles(view: View) -> dict[str, dict[str, Any]]:
    """Name to properties, but for the one with which the CDK empties a bucket that is to go with its stack."""
    return {name: role for name, role in view.of_type("IAM::Role").items() if name != _EMPTIES}


def _every_resource_is_named_or_its_action_knows_none(view: View) -> Iterator[str]:
    for role, statement in view.statements():
        for action in as_list(statement["Action"]):
            pattern = next((REACH[known] for known in REACH if action.startswith(known)), None)
            for resource in as_list(statement["Resource"]):
                named = pattern is not None and re.fullmatch(pattern, resource)
                if not (named or (resource == "*" and action in WITHOUT_RESOURCE_TYPE)):
                    yield f"{role} may {action} to {resource}"


def _no_action_is_a_pattern_and_nothing_is_said_by_exclusion(view: View) -> Iterator[str]:
    for role, statement in view.statements():
        if [action for action in as_list(statement["Action"]) if "*" in action] or statement["Effect"] != "Allow":
            yield f"{role}: {statement['Effect']} {statement['Action']}"
        if {"NotAction", "NotResource", "NotPrincipal"} & set(statement):
            yield f"{role}: {sorted(statement)}"


def _a_function_writes_to_its_own_log(view: View) -> Iterator[str]:
    for role, statement in view.statements():
        if "logs:PutLogEvents" in as_list(statement["Action"]) and statement["Resource"] != f"{_base(role)}Log":
            yield f"{role} writes to {statement['Resource']}"


def _commands_are_the_functions_own_document_to_hosts_with_the_tag(view: View) -> Iterator[str]:
    """Where one function is bound to tags all are: an instance without them is nobody's to command."""
    to_hosts = []
    for role, statement in view.statements():
        if "ssm:SendCommand" not in as_list(statement["Action"]):
            continue
        document = DOCUMENT_OF.get(_function(role), "?")
        for resource in as_list(statement["Resource"]):
            if ":document/" in resource and not resource.endswith(f"document/Documents{document}"):
                yield f"{role} may send {resource}"
        if any("instance/" in resource for resource in as_list(statement["Resource"])):
            to_hosts.append((role, str(statement.get("Condition", ""))))
    if len({condition for _, condition in to_hosts}) > 1:
        yield f"{to_hosts}"


def _what_narrows_an_action_is_there(view: View) -> Iterator[str]:
    for role, statement in view.statements():
        actions, condition = set(as_list(statement["Action"])), statement.get("Condition", {})
        if "acm-pca:IssueCertificate" in actions:
            # Those of the profiles, one or several, and never one of a CA's own certificate.
            one = r"'?arn:aws:acm-pca:::template/EndEntity(ClientAuth|ServerAuth)?Certificate_APIPassthrough/V1'?"
            wanted = {"StringEquals": {"acm-pca:TemplateArn": rf"\[?{one}(, {one})*\]?"}}
            yield from _lacks(role, condition, wanted)
        if "events:PutEvents" in actions:
            event = EVENT_OF.get(_function(role), "?")
            wanted = {"events:source": "pca-automator", "events:detail-type": event}
            yield from _lacks(role, condition, {"StringEquals": wanted})
        if actions & {"s3:PutObjectAcl", "s3:GetBucketAcl"}:
            yield from _lacks(role, condition, {"Bool": {"aws:ViaAWSService": "true"}})


def _the_key_is_used_through_the_table_or_for_the_bucket_and_topic_that_one_may_use(view: View) -> Iterator[str]:
    for role in {role for role, _ in view.statements()}:
        statements = [statement for owner, statement in view.statements() if owner == role]
        every = {action for statement in statements for action in as_list(statement["Action"])}
        needs = every & {
            "sns:Publish",
            "s3:PutObject",
            "s3:GetObject",
            "states:DescribeExecution",
            "logs:CreateLogDelivery",
        }
        for statement in statements:
            actions = set(as_list(statement["Action"]))
            if not any(action.startswith("kms:") for action in actions):
                continue
            if "Condition" not in statement and needs and actions <= {"kms:Decrypt", "kms:GenerateDataKey"}:
                continue
            yield from _lacks(role, statement.get("Condition", {}), _VIA_DYNAMODB)


def _a_service_assumes_a_role_for_this_account_alone(view: View) -> Iterator[str]:
    for role, properties in roles(view).items():
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            principal = statement["Principal"].get("Service", str(statement["Principal"]))
            if principal not in TRUST:
                yield f"{role} trusts {principal}"
                continue
            yield from _lacks(role, statement.get("Condition", {}), TRUST[principal])


def _nobody_has_a_policy_that_is_kept_elsewhere(view: View) -> Iterator[str]:
    """But for what a function in a VPC needs for its network interfaces, which AWS keeps."""
    for role, properties in roles(view).items():
        network = ["arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"]
        if properties.get("ManagedPolicyArns", []) not in ([], network) or properties.get("Policies"):
            yield f"{role} has managed or inline policies"


def _whoever_is_let_in_by_a_policy_comes_from_here(view: View) -> Iterator[str]:
    for kind in _POLICIES:
        for name, properties in view.of_type(kind).items():
            guests = GUESTS | (GUESTS_OF_A_TOPIC if kind.startswith("SNS") else {})
            yield from _guests(name, properties["PolicyDocument"]["Statement"], guests)
    for name, properties in view.of_type("KMS::Key").items():
        for statement in properties["KeyPolicy"]["Statement"]:
            if statement["Principal"] == {"AWS": "arn:aws:iam::ACCOUNT:root"}:
                continue
            yield from _guests(name, [statement], GUESTS)
            if "kms:*" in as_list(statement["Action"]):
                yield f"{name} gives everything to {statement['Principal']}"


def _whoever_must_come_in_is_let_in(view: View) -> Iterator[str]:
    """Where a rule may not write to its queue, or an alarm not tell the topic, nothing fails and nobody hears of it."""
    let_in = {
        (owner, statement["Principal"].get("Service"), condition)
        for kind in _POLICIES
        for properties in view.of_type(kind).values()
        for owner in as_list(properties[_POLICIES[kind]])
        for statement in properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and isinstance(statement["Principal"], dict)
        for condition in [_source(statement)]
    }
    wanted = {
        (topic, "cloudwatch.amazonaws.com", "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:*")
        for topic in view.names("SNS::Topic")
        if view.of_type("CloudWatch::Alarm")
    }
    for name, rule in view.of_type("Events::Rule").items():
        for target in rule["Targets"]:
            queues = {target["Arn"], target["DeadLetterConfig"]["Arn"]} & view.names("SQS::Queue")
            wanted |= {(queue, "events.amazonaws.com", name) for queue in queues}
    buckets = view.of_type("S3::Bucket")
    for name, bucket in buckets.items():
        logs = bucket.get("LoggingConfiguration", {}).get("DestinationBucketName", name)
        if logs in buckets and logs != name:
            wanted.add((logs, "logging.s3.amazonaws.com", name))
    for authority in view.of_type("ACMPCA::CertificateAuthority").values():
        bucket = authority.get("RevocationConfiguration", {}).get("CrlConfiguration", {}).get("S3BucketName")
        if bucket in buckets:
            wanted.add((bucket, "acm-pca.amazonaws.com", "arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/*"))
    yield from sorted(map(str, wanted - let_in))
    # https://docs.aws.amazon.com/privateca/latest/userguide/crl-planning.html#s3-policies
    crl = {"s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject", "s3:PutObjectAcl"}
    for name, properties in view.of_type("S3::BucketPolicy").items():
        allowed = {
            action
            for each in properties["PolicyDocument"]["Statement"]
            if each["Effect"] == "Allow" and each["Principal"] == {"Service": "acm-pca.amazonaws.com"}
            for action in as_list(each["Action"])
        }
        if allowed not in (set(), crl):
            yield f"{name}: AWS Private CA may {sorted(allowed)}"
    for name, properties in view.of_type("KMS::Key").items():
        allowed = [each for each in properties["KeyPolicy"]["Statement"] if each["Effect"] == "Allow"]
        if [each["Resource"] for each in allowed] != ["*"] * 3:
            yield f"{name}: root, logs and alarms use it: {allowed}"


def _source(statement: dict[str, Any]) -> str:
    condition = statement.get("Condition", {})
    arns = {**condition.get("ArnLike", {}), **condition.get("ArnEquals", {})}
    return str(arns.get("aws:SourceArn"))


def _a_policy_of_its_own_speaks_of_nothing_else(view: View) -> Iterator[str]:
    for kind in _POLICIES:
        for name, properties in view.of_type(kind).items():
            owners = tuple(as_list(properties[_POLICIES[kind]]))
            for statement in properties["PolicyDocument"]["Statement"]:
                reach = as_list(statement.get("Resource"))
                if not reach or not all(each.partition("/")[0] in owners for each in reach):
                    yield f"{name}: {reach}"
                if statement["Effect"] not in ("Allow", "Deny"):
                    yield f"{name}: {statement['Effect']}"


def _a_role_can_be_assumed_by_the_service_it_is_for(view: View) -> Iterator[str]:
    issuers = {
        authority["Subject"].get("CommonName") for authority in view.of_type("ACMPCA::CertificateAuthority").values()
    }
    for role, properties in roles(view).items():
        statements = properties["AssumeRolePolicyDocument"]["Statement"]
        actions = {action for each in statements if each["Effect"] == "Allow" for action in as_list(each["Action"])}
        anywhere = any("rolesanywhere" in str(each["Principal"]) for each in statements)
        wanted = {"sts:AssumeRole"} | ({"sts:TagSession", "sts:SetSourceIdentity"} if anywhere else set())
        if actions != wanted or {each["Effect"] for each in statements} != {"Allow"}:
            yield f"{role}: {sorted(actions)}"
        for each in statements:
            issuer = each.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalTag/x509Issuer/CN")
            if anywhere and issuers and issuer not in issuers:
                yield f"{role} trusts certificates of {issuer}"


def _guests(name: str, statements: list[dict[str, Any]], guests: dict[str, dict[str, dict[str, str]]]) -> Iterator[str]:
    for statement in statements:
        if statement["Effect"] == "Deny":
            continue
        principal = statement["Principal"].get("Service", "") if isinstance(statement["Principal"], dict) else "*"
        if statement["Principal"] == {"AWS": _EMPTIES}:
            continue
        if principal not in guests:
            yield f"{name} lets in {statement['Principal']}"
            continue
        for_the_key = principal in ("cloudwatch.amazonaws.com", "logs.REGION.amazonaws.com")
        if not for_the_key and any("*" in action for action in as_list(statement["Action"])):
            yield f"{name} lets {principal} {statement['Action']}"
        yield from _lacks(name, statement.get("Condition", {}), guests[principal])


def _nobody_comes_without_tls(view: View) -> Iterator[str]:
    """Denied to everybody, for every action on the thing and what is in it."""
    kinds = {"S3::Bucket": "S3::BucketPolicy", "SQS::Queue": "SQS::QueuePolicy", "SNS::Topic": "SNS::TopicPolicy"}
    for kind, policy in kinds.items():
        denied: dict[str, list[dict[str, Any]]] = {name: [] for name in view.names(kind)}
        for properties in view.of_type(policy).values():
            for owner in as_list(properties[_POLICIES[policy]]):
                denied.setdefault(owner, []).extend(
                    each for each in properties["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"
                )
        for name, statements in denied.items():
            yield from _without_tls(kind, name, statements)


def _without_tls(kind: str, name: str, statements: list[dict[str, Any]]) -> Iterator[str]:
    everything = {"S3::Bucket": "s3:*", "SQS::Queue": "sqs:*", "SNS::Topic": "sns:Publish"}[kind]
    reach = [name, f"{name}/*"] if kind == "S3::Bucket" else [name]
    wanted = [{"Bool": {"aws:SecureTransport": "false"}}]
    if kind == "S3::Bucket":
        wanted.append({"NumericLessThan": {"s3:TlsVersion": 1.2}})
    found = [
        statement["Condition"]
        for statement in statements
        if statement["Principal"] in ("*", {"AWS": "*"})
        and as_list(statement["Action"]) == [everything]
        and as_list(statement["Resource"]) == reach
        and "Condition" in statement
    ]
    if found != wanted:
        yield f"{name} denies {found}"


def _lacks(name: str, condition: dict[str, Any], wanted: dict[str, dict[str, str]]) -> Iterator[str]:
    for operator, keys in wanted.items():
        for key, pattern in keys.items():
            value = condition.get(operator, {}).get(key)
            if value is None or not re.fullmatch(pattern, str(value)):
                yield f"{name}: {operator} {key} is {value}"


def _base(role: str) -> str:
    return role.removesuffix("Role")


def _function(role: str) -> str:
    """``HostFunctionsCertCSRRole`` is CertCSR's."""
    found = re.search(r"(Cert[A-Z]\w*|CRLProcessor)Role$", role)
    return found[1] if found else role


PROMISES = (
    _every_resource_is_named_or_its_action_knows_none,
    _no_action_is_a_pattern_and_nothing_is_said_by_exclusion,
    _a_function_writes_to_its_own_log,
    _commands_are_the_functions_own_document_to_hosts_with_the_tag,
    _what_narrows_an_action_is_there,
    _the_key_is_used_through_the_table_or_for_the_bucket_and_topic_that_one_may_use,
    _a_service_assumes_a_role_for_this_account_alone,
    _nobody_has_a_policy_that_is_kept_elsewhere,
    _whoever_is_let_in_by_a_policy_comes_from_here,
    _nobody_comes_without_tls,
    _whoever_must_come_in_is_let_in,
    _a_policy_of_its_own_speaks_of_nothing_else,
    _a_role_can_be_assumed_by_the_service_it_is_for,
)
