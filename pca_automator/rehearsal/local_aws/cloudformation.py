"""The CloudFormation types that MiniStack lacks: AWS::ACMPCA::*, AWS::RolesAnywhere::* and AWS::SSM::Document.

And the tags of a bucket, which it forgets: by one of them the CDK's function knows that it may empty the bucket.
"""

# MiniStack carries no types.
# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from pca_automator.rehearsal.local_aws.private_ca.service import PrivateCa
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.store import Resource
from pca_automator.rehearsal.local_aws.run_command.service import RunCommand

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, Any]]
Create = Callable[[str, Properties, str], Provisioned]
Update = Callable[[str, Properties, Properties, str], Provisioned]
Delete = Callable[[str, Properties], None]


def install(private_ca: PrivateCa, roles_anywhere: RolesAnywhere, run_command: RunCommand) -> None:
    """Register the types with MiniStack's CloudFormation."""
    authorities = _AuthorityTypes(private_ca)
    _register("AWS::ACMPCA::CertificateAuthority", authorities.create, authorities.delete, authorities.update)
    _register("AWS::ACMPCA::Certificate", authorities.create_certificate, _nothing)
    _register("AWS::ACMPCA::CertificateAuthorityActivation", authorities.activate, _nothing)
    _register("AWS::ACMPCA::Permission", authorities.permit, _nothing)
    anywhere = _RolesAnywhereTypes(roles_anywhere)
    for kind in ("TrustAnchor", "Profile", "CRL"):
        _register(
            f"AWS::RolesAnywhere::{kind}", anywhere.creating(kind), anywhere.deleting(kind), anywhere.updating(kind)
        )
    documents = _DocumentType(run_command)
    _register("AWS::SSM::Document", documents.create, documents.delete, documents.update)

    for name in ("create", "update"):
        _keep_tags_of_buckets(provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"], name)


def _keep_tags_of_buckets(handlers: dict[str, Any], name: str) -> None:
    make = handlers[name]

    def tagging(identifier: str, *given: Any) -> Provisioned:
        bucket, attributes = make(identifier, *given)
        # The last properties are the present ones; behind them stands the stack's name.
        tags = {each["Key"]: str(each["Value"]) for each in given[-2].get("Tags") or []}
        if tags:
            s3._bucket_tags[bucket] = tags
        else:
            s3._bucket_tags.pop(bucket, None)
        return bucket, attributes

    handlers[name] = tagging


def _register(name: str, create: Create, delete: Delete, update: Update | None = None) -> None:
    handlers: dict[str, Any] = {"create": create, "delete": delete}
    if update is not None:
        handlers["update"] = update
    provisioners._RESOURCE_HANDLERS[name] = handlers


def _nothing(_: str, __: Properties) -> None:
    """Nothing is left to delete: the certificate, activation or permission goes with its authority."""


class _AuthorityTypes:
    """AWS::ACMPCA::*, on top of the API's own operations."""

    def __init__(self, private_ca: PrivateCa) -> None:
        self._ca = private_ca

    def create(self, _: str, properties: Properties, __: str) -> Provisioned:
        configured = {key: properties[key] for key in ("KeyAlgorithm", "SigningAlgorithm", "Subject")}
        authority = self._ca.create(
            {
                "CertificateAuthorityConfiguration": configured,
                "CertificateAuthorityType": properties["Type"],
                "UsageMode": properties.get("UsageMode"),
                "RevocationConfiguration": _with_types(properties.get("RevocationConfiguration") or {}),
                "Tags": properties.get("Tags"),
            }
        )
        return authority.arn, {"Arn": authority.arn, "CertificateSigningRequest": authority.csr}

    def update(self, arn: str, _: Properties, new: Properties, __: str) -> Provisioned:
        authority = self._ca.find(arn)
        authority.revocation = _with_types(new.get("RevocationConfiguration") or {})
        return arn, {"Arn": arn, "CertificateSigningRequest": authority.csr}

    def delete(self, arn: str, _: Properties) -> None:
        self._ca.find(arn).status = "DELETED"

    def create_certificate(self, _: str, properties: Properties, __: str) -> Provisioned:
        issued = self._ca.issue({**properties, "Csr": properties["CertificateSigningRequest"]})
        return issued.arn, {"Arn": issued.arn, "Certificate": issued.pem}

    def activate(self, _: str, properties: Properties, __: str) -> Provisioned:
        authority = self._ca.find(properties["CertificateAuthorityArn"])
        chain = properties.get("CertificateChain")
        authority.install(properties["Certificate"].encode(), chain.encode() if chain else None)
        authority.status = properties.get("Status", "ACTIVE")
        return authority.arn, {"CompleteCertificateChain": authority.certificate_pem + authority.chain}

    def permit(self, _: str, properties: Properties, __: str) -> Provisioned:
        authority = self._ca.find(properties["CertificateAuthorityArn"])
        authority.permissions[properties["Principal"]] = dict(properties)
        return f"{authority.arn}|{properties['Principal']}", {}


def _with_types(value: Any) -> Any:
    """Booleans and numbers as such: a template may carry them as text."""
    if isinstance(value, Mapping):
        return {key: _with_types(item) for key, item in value.items()}
    if value in ("true", "false"):
        return value == "true"
    return value


class _RolesAnywhereTypes:
    """AWS::RolesAnywhere::*: three types that differ in their store and the names of their attributes."""

    def __init__(self, service: RolesAnywhere) -> None:
        self._service = service

    def creating(self, kind: str) -> Create:
        def create(_: str, properties: Properties, __: str) -> Provisioned:
            fields = _camel(properties)
            if kind == "CRL":
                return self._provisioned(kind, self._service.import_crl(_crl_request(fields)))
            make = self._service.create_anchor if kind == "TrustAnchor" else self._service.create_profile
            return self._provisioned(kind, make({"enabled": True, **fields}))

        return create

    def updating(self, kind: str) -> Update:
        def update(identifier: str, _: Properties, new: Properties, __: str) -> Provisioned:
            fields = _camel(new)
            if kind == "CRL":
                return self._provisioned(kind, self._service.update_crl(identifier, _crl_request(fields)))
            store = self._service.anchors if kind == "TrustAnchor" else self._service.profiles
            resource = store.get(identifier)
            resource.change(fields)
            return self._provisioned(kind, resource)

        return update

    def deleting(self, kind: str) -> Delete:
        def delete(identifier: str, _: Properties) -> None:
            if kind == "CRL":
                self._service.delete_crl(identifier)
            else:
                (self._service.anchors if kind == "TrustAnchor" else self._service.profiles).remove(identifier)

        return delete

    @staticmethod
    def _provisioned(kind: str, resource: Resource) -> Provisioned:
        prefix = "Crl" if kind == "CRL" else kind
        return resource.id, {f"{prefix}Arn": resource.arn, f"{prefix}Id": resource.id}


def _crl_request(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "crlData": base64.b64encode(fields["crlData"].encode()).decode()}


def _camel(value: Any) -> Any:
    """Property names as the API spells them: the first letter small."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return _with_types(value)


class _DocumentType:
    """AWS::SSM::Document; Ref is the document's name."""

    def __init__(self, run_command: RunCommand) -> None:
        self._run_command = run_command

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id)
        self._run_command.put_document(name, properties["Content"])
        return name, {}

    def update(self, name: str, _: Properties, new: Properties, __: str) -> Provisioned:
        self._run_command.put_document(name, new["Content"])
        return name, {}

    def delete(self, name: str, _: Properties) -> None:
        self._run_command.documents.pop(name, None)
