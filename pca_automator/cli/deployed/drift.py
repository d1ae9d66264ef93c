"""What somebody changed by hand: parts of the deployment beside what the stack's template says of them.

CloudFormation does not look: to it a stack is as it was deployed until somebody asks it for its drift. What the
template leaves to the deployment (references, names, ARNs) is taken as it is found; all else has to be the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pca_automator.cli.deployed.deployment import Deployment, Resource
from pca_automator.cli.deployed.part import WHO_DEPLOYS, Part
from pca_automator.cli.deployed.schedule import get_schedule
from pca_automator.cli.errors import code_of, trouble_of
from pca_automator.cli.runtime import runtime

# Stands for what is only known when it is deployed; no template holds it.
_ANYTHING = "\0"
_AT_ONCE = 8
_NAMED = 5
# How Lambda spells what a template says of a function.
_OF_A_FUNCTION = ("Handler", "MemorySize", "Runtime", "Timeout")
_GONE = {"NoSuchBucketPolicy", "NoSuchEntity"}
Values = Mapping[str, Any]
Pair = tuple[Any, Any]
"""What the template says, and what there is."""


class Drift:
    """Looks at what a person can change in a console without anything else noticing.

    Args:
        deployment: the automation.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._finding = runtime("monitoring.finding")
        self._kinds: dict[str, Callable[[Resource, Values], Iterator[Pair]]] = {
            "AWS::Events::Rule": self._rule,
            "AWS::IAM::Policy": self._role_policy,
            "AWS::Lambda::Function": self._function,
            "AWS::S3::BucketPolicy": self._bucket_policy,
            "AWS::SNS::TopicPolicy": self._topic_policy,
            "AWS::SQS::QueuePolicy": self._queue_policy,
            "AWS::SSM::Document": self._document,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::StepFunctions::StateMachine": self._workflow,
        }

    def parts(self) -> Iterator[Part]:
        """One line for all of them."""
        yield "as deployed", self._look

    def _look(self) -> Any:
        template = self._template()
        compared = [each for each in self._deployment.resources if each.type in self._kinds]
        said = [each for each in compared if each.logical_id in template]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            verdicts = list(pool.map(lambda each: self._verdict(each, template[each.logical_id]), said))
        changed = [f"{self._word(each)} {why}" for each, why in zip(said, verdicts, strict=True) if why]
        if not changed:
            return self._finding.ok("as deployed", f"{len(said)} parts are as the template has them")
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        return self._finding.trouble(
            "as deployed", f"changed by hand: {', '.join(changed[:_NAMED])}{more}", who=WHO_DEPLOYS
        )

    def _template(self) -> Values:
        answer = self._client("cloudformation").get_template(
            StackName=self._deployment.stack, TemplateStage="Processed"
        )
        body = answer["TemplateBody"]
        resources: Values = (json.loads(body) if isinstance(body, str) else body)["Resources"]
        return resources

    def _verdict(self, resource: Resource, template: Values) -> str:
        """What has become of a part; "": it is as it was deployed."""
        try:
            pairs = list(self._kinds[resource.type](resource, template["Properties"]))
        except Exception as error:
            if trouble_of(error) is None or code_of(error) not in _GONE:
                raise
            return "is gone"
        return "" if all(same(_known(said), found) for said, found in pairs) else "is another"

    def _word(self, resource: Resource) -> str:
        return f"{resource.type.rpartition('::')[2]} {self._deployment.short(resource)}"

    def _client(self, service: str) -> Any:
        return self._deployment.aws.client(service)

    def _physical(self, reference: Any) -> str:
        """What a reference of the template stands for; what stands there itself, if it is none."""
        if not isinstance(reference, Mapping):
            return str(reference)
        found = (each for each in self._deployment.resources if each.logical_id == reference.get("Ref"))
        return next((each.physical_id for each in found), "")

    def _rule(self, resource: Resource, said: Values) -> Iterator[Pair]:
        bus, _, name = resource.physical_id.rpartition("|")
        where = {"EventBusName": bus} if bus else {}
        client = self._client("events")
        yield said["EventPattern"], json.loads(client.describe_rule(Name=name, **where)["EventPattern"])
        yield len(said["Targets"]), len(client.list_targets_by_rule(Rule=name, **where)["Targets"])

    def _role_policy(self, _: Resource, said: Values) -> Iterator[Pair]:
        for role in said["Roles"]:
            answer = self._client("iam").get_role_policy(
                RoleName=self._physical(role), PolicyName=self._physical(said["PolicyName"])
            )
            yield said["PolicyDocument"], answer["PolicyDocument"]

    def _function(self, resource: Resource, said: Values) -> Iterator[Pair]:
        found = self._client("lambda").get_function_configuration(FunctionName=resource.physical_id)
        yield [said[name] for name in _OF_A_FUNCTION], [found.get(name) for name in _OF_A_FUNCTION]
        variables = found.get("Environment", {}).get("Variables")
        if variables is not None:  # without the key Lambda shows none
            yield said["Environment"]["Variables"], variables

    def _bucket_policy(self, _: Resource, said: Values) -> Iterator[Pair]:
        answer = self._client("s3").get_bucket_policy(Bucket=self._physical(said["Bucket"]))
        yield said["PolicyDocument"], json.loads(answer["Policy"])

    def _topic_policy(self, _: Resource, said: Values) -> Iterator[Pair]:
        for topic in said["Topics"]:
            attributes = self._client("sns").get_topic_attributes(TopicArn=self._physical(topic))["Attributes"]
            yield said["PolicyDocument"], json.loads(attributes.get("Policy") or "{}")

    def _queue_policy(self, _: Resource, said: Values) -> Iterator[Pair]:
        for queue in said["Queues"]:
            url = self._physical(queue)
            answer = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
            yield said["PolicyDocument"], json.loads(answer.get("Attributes", {}).get("Policy") or "{}")

    def _document(self, resource: Resource, said: Values) -> Iterator[Pair]:
        # The version that commands name.
        answer = self._client("ssm").get_document(Name=resource.physical_id, DocumentVersion="$LATEST")
        yield said["Content"], json.loads(answer["Content"])

    def _schedule(self, resource: Resource, said: Values) -> Iterator[Pair]:
        found = get_schedule(self._deployment, resource.physical_id)
        yield said["ScheduleExpression"], found["ScheduleExpression"]
        yield said["Target"].get("Input", ""), found["Target"].get("Input", "")

    def _workflow(self, resource: Resource, said: Values) -> Iterator[Pair]:
        found = self._client("stepfunctions").describe_state_machine(stateMachineArn=resource.physical_id)
        definition = _known(said["DefinitionString"])
        # In the text a reference stands within a string.
        yield json.loads(definition.replace(_ANYTHING, "\\u0000")), json.loads(found["definition"])


def _known(said: Any) -> Any:
    """What a template says, with what it leaves to the deployment as anything."""
    match said:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_known(part)) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{[^}]*\}", _ANYTHING, text)
        case {"Ref": _} if len(said) == 1:
            return _ANYTHING
        case Mapping() if len(said) == 1 and next(iter(said)).startswith("Fn::"):
            return _ANYTHING
        case Mapping():
            return {key: _known(value) for key, value in said.items()}
        case list():
            return [_known(each) for each in said]
        case _:
            return said


def same(said: Any, found: Any) -> bool:
    """Whether there is what a template says. Policies may list in any order, and a list of one may be that one."""
    if said == _ANYTHING:
        return bool(found != "*")  # which no reference stands for
    if isinstance(said, Mapping):
        return (
            isinstance(found, Mapping)
            and said.keys() == found.keys()
            and all(same(said[key], found[key]) for key in said)
        )
    if isinstance(said, list) or isinstance(found, list):
        left = list(found) if isinstance(found, list) else [found]
        wanted = said if isinstance(said, list) else [said]
        for each in wanted:
            at = next((number for number, other in enumerate(left) if same(each, other)), None)
            if at is None:
                return False
            left.pop(at)
        return not left
    if isinstance(said, str) and _ANYTHING in said:
        pattern = "[^*]*".join(map(re.escape, said.split(_ANYTHING)))
        return re.fullmatch(pattern, str(found), re.DOTALL) is not None
    return _word(said) == _word(found)


def _word(value: Any) -> str:
    """A number or truth is the same as its text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
