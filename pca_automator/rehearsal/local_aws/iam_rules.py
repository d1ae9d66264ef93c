"""IAM enforcement for the services added here: their actions, resources and condition keys.

MiniStack asks these tables for its own services; an action it does not know it allows. One lie: every request counts
as one over TLS, because loopback carries plain HTTP and policies that deny it are what this project deploys.
Source of the rules: the Service Authorization Reference of each service.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router

from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.counters import Counters
from pca_automator.rehearsal.local_aws.patching import replace
from pca_automator.rehearsal.local_aws.run_command import managed_nodes


def install(counters: Counters) -> None:
    """Teach MiniStack's IAM evaluation about the services added here, and note what it denies."""
    replace(iam_actions, "access_denied_response", lambda respond: _noting_denials(respond, counters))
    iam_actions.SERVICE_TO_IAM_NAMESPACE.update({"acm-pca": "acm-pca", "rolesanywhere": "rolesanywhere"})
    iam_actions._BOTOCORE_SERVICE_MAP["rolesanywhere"] = ["rolesanywhere"]  # its operations, by method and path
    replace(iam_actions, "_lambda_action", _by_method)
    replace(iam_actions, "extract_resource_arn", _with_resources)
    replace(iam_actions, "request_tag_context", _with_condition_keys)
    replace(app, "pin_request_origin", lambda pin: lambda address, _: pin(address, True))


def _by_method(action: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    """Two of Lambda's resources are read, written and deleted with permissions of their own; MiniStack has one each.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    """

    def lambda_action(method: str, path: str) -> str | None:
        verb = {"GET": "Get", "DELETE": "Delete"}.get(method)
        if re.fullmatch(r"/[\d-]+/functions/[^/]+/concurrency/?", path):
            return f"{verb or 'Put'}FunctionConcurrency"
        if re.fullmatch(r"/[\d-]+/event-source-mappings/[^/]+/?", path):
            return f"{verb or 'Update'}EventSourceMapping"
        return action(method, path)

    return lambda_action


def _with_resources(extract: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        if service == "acm-pca":
            return str(_json(body).get("CertificateAuthorityArn") or "*")
        if service == "rolesanywhere":
            match = re.match(r"/(crl|profile|trustanchor)/([^/]+)", path)
            kind = {"trustanchor": "trust-anchor"}.get(match[1], match[1]) if match else ""
            return f"arn:aws:rolesanywhere:{region}:{account}:{kind}/{match[2]}" if match else "*"
        if service == "ssm" and headers.get("x-amz-target", "").endswith(".SendCommand"):
            name = str(_json(body).get("DocumentName", ""))
            return name if name.startswith("arn:") else f"arn:aws:ssm:{region}:{account}:document/{name}"
        request = _json(body) if service == "ssm" and _is_about_tags(headers) else {}
        if managed_nodes.is_about_a_node(request):
            return f"arn:aws:ssm:{region}:{account}:managed-instance/{request.get('ResourceId')}"
        return extract(service, method, path, headers, body, query, region, account)

    return extract_resource_arn


def _is_about_tags(headers: Mapping[str, str]) -> bool:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return operation in ("AddTagsToResource", "ListTagsForResource", "RemoveTagsFromResource")


def _with_condition_keys(context: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def request_tag_context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
        found = context(service, action, body, params)
        if action == "acm-pca:IssueCertificate":
            default = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
            found["acm-pca:TemplateArn"] = _json(body).get("TemplateArn") or default
        if action == "events:PutEvents":
            # AWS authorizes each entry; this project puts one at a time.
            (entry, *_) = _json(body).get("Entries") or [{}]
            found["events:source"] = str(entry.get("Source", ""))
            found["events:detail-type"] = str(entry.get("DetailType", ""))
        return found

    return request_tag_context


def may_command(host_id: str, tags: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """Whether the signer of a request may send commands to a host: SendCommand is authorized for each of them."""
    if not app.AUTH:
        return True
    account, region = emulator.account_id(), emulator.region()
    if host_id.startswith("mi-"):
        arn = f"arn:aws:ssm:{region}:{account}:managed-instance/{host_id}"
    else:
        arn = f"arn:aws:ec2:{region}:{account}:instance/{host_id}"
    context = {
        f"{prefix}/{key}": value for prefix in ("ssm:resourceTag", "aws:ResourceTag") for key, value in tags.items()
    }
    key = router.extract_access_key_id(dict(headers))
    return iam_evaluator.enforce(key, "ssm:SendCommand", "ssm", region, arn, context) is None


def may_write_crl(bucket: str, key: str, headers: Mapping[str, str]) -> bool:
    """Whether the signer of a request may write a CA's CRL, by a request that AWS makes on the signer's behalf.

    Who revokes must, says https://docs.aws.amazon.com/privateca/latest/APIReference/API_RevokeCertificate.html.
    """
    if not app.AUTH:
        return True
    signer = router.extract_access_key_id(dict(headers))
    context = {"aws:ViaAWSService": "true"}
    arn = f"arn:aws:s3:::{bucket}/{key}"
    return iam_evaluator.enforce(signer, "s3:PutObject", "s3", emulator.region(), arn, context) is None


def _noting_denials(respond: Callable[..., Any], counters: Counters) -> Callable[..., Any]:
    def access_denied_response(service: str, action: str, principal: str, *others: Any, **more: Any) -> Any:
        counters.denial(f"{principal.rpartition('assumed-role/')[2]} {action} {more.get('resource_arn', '')}".strip())
        return respond(service, action, principal, *others, **more)

    return access_denied_response


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
