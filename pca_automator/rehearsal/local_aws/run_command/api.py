"""The operations of Systems Manager that belong to documents and Run Command; the rest stays with MiniStack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pca_automator.rehearsal.local_aws.emulator import Handler, Response, json_error, json_response
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import run_command as facts
from pca_automator.rehearsal.local_aws.run_command import managed_nodes
from pca_automator.rehearsal.local_aws.run_command.documents import Document
from pca_automator.rehearsal.local_aws.run_command.service import HOST_ID, Command, RunCommand

Request = Mapping[str, Any]
Allowed = Callable[[str, Mapping[str, str], Mapping[str, str]], bool]
"""Whether the signer of a request, by its headers, may send commands to a host with these tags."""


class Api:
    """Answers requests as MiniStack hands them to a service."""

    def __init__(self, service: RunCommand, others: Handler, allowed: Allowed) -> None:
        self._service = service
        self._others = others
        self._allowed = allowed
        self._operations: dict[str, Callable[[Request], Request]] = {
            "CreateDocument": self._create_document,
            "GetDocument": self._get_document,
            "DescribeDocument": lambda r: {"Document": _description(service.find_document(r["Name"]))},
            "DeleteDocument": self._delete_document,
            "ListDocuments": lambda _: {"DocumentIdentifiers": [_description(d) for d in service.documents.values()]},
            "SendCommand": lambda r: {"Command": service.describe(service.send(r))},
            "GetCommandInvocation": self._get_invocation,
            "ListCommands": lambda r: {"Commands": [service.describe(c) for c in self._commands(r)]},
            "ListCommandInvocations": self._list_invocations,
            "CancelCommand": self._cancel,
            "DeregisterManagedInstance": lambda r: managed_nodes.deregister(service.fleet, r),
            "DescribeInstanceInformation": lambda r: managed_nodes.describe(service.fleet, r),
        }
        # Of other things than managed nodes, MiniStack keeps the tags.
        self._tag_operations: dict[str, Callable[[Request], Request]] = {
            "AddTagsToResource": lambda r: managed_nodes.add_tags(service.fleet, r),
            "ListTagsForResource": lambda r: managed_nodes.list_tags(service.fleet, r),
            "RemoveTagsFromResource": lambda r: managed_nodes.remove_tags(service.fleet, r),
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Serve one request."""
        request = json.loads(body or b"{}")
        operation = self._operation(headers.get("x-amz-target", "").rpartition(".")[2], request)
        if operation is None:
            return await self._others(method, path, headers, body, query)
        try:
            if operation == self._operations["SendCommand"]:
                self._check_hosts(request, headers)
            return json_response(operation(request))
        except ServiceError as error:
            return json_error(error.code, error.message, error.status)
        except KeyError as error:
            return json_error("ValidationException", f"{error.args[0]} is required")

    def _operation(self, name: str, request: Request) -> Callable[[Request], Request] | None:
        if name in self._tag_operations and managed_nodes.is_about_a_node(request):
            return self._tag_operations[name]
        return self._operations.get(name)

    def _check_hosts(self, request: Request, headers: Mapping[str, str]) -> None:
        """SendCommand is authorized for the document, by MiniStack, and for each host, here."""
        for host_id in request.get("InstanceIds") or []:
            host = self._service.fleet.find(host_id)
            if not self._allowed(host_id, host.tags if host else {}, headers):
                raise ServiceError(
                    "AccessDeniedException",
                    f"not authorized to perform: ssm:SendCommand on {host_id}",
                    fact=facts.ALLOWED_HOSTS,
                )

    def _create_document(self, request: Request) -> Request:
        if request["Name"] in self._service.documents:
            raise ServiceError(
                "DocumentAlreadyExists", f"Document {request['Name']} already exists", fact=facts.DOCUMENT_ONCE
            )
        return {"DocumentDescription": _description(self._service.put_document(request["Name"], request["Content"]))}

    def _get_document(self, request: Request) -> Request:
        document = self._service.find_document(request["Name"])
        return {**_description(document), "Content": json.dumps(document.content)}

    def _delete_document(self, request: Request) -> Request:
        self._service.documents.pop(self._service.find_document(request["Name"]).name, None)
        return {}

    def _get_invocation(self, request: Request) -> Request:
        if not HOST_ID.fullmatch(request["InstanceId"]):
            raise ServiceError("ValidationException", "InstanceId does not match its pattern", fact=facts.HOST_ID)
        return self._service.invocation(request["CommandId"], request["InstanceId"], request.get("PluginName"))

    def _commands(self, request: Request) -> list[Command]:
        wanted_id, wanted_host = request.get("CommandId"), request.get("InstanceId")
        return [
            command
            for command in list(self._service.commands.values())
            if wanted_id in (None, command.id) and (wanted_host is None or wanted_host in command.invocations)
        ]

    def _list_invocations(self, request: Request) -> Request:
        invocations = [
            {
                "CommandId": command.id,
                "InstanceId": invocation.host_id,
                "DocumentName": command.document.name,
                "RequestedDateTime": command.requested,
                "Status": invocation.status,
                "StatusDetails": invocation.details,
            }
            for command in self._commands(request)
            for invocation in command.invocations.values()
            if request.get("InstanceId") in (None, invocation.host_id)
        ]
        return {"CommandInvocations": invocations}

    def _cancel(self, request: Request) -> Request:
        self._service.cancel(request["CommandId"])
        return {}


def _description(document: Document) -> dict[str, Any]:
    return {
        "Name": document.name,
        "DocumentVersion": str(document.version),
        "DefaultVersion": str(document.version),
        "LatestVersion": str(document.version),
        "DocumentType": "Command",
        "DocumentFormat": "JSON",
        "SchemaVersion": "2.2",
        "Status": "Active",
        "PlatformTypes": ["Linux"],
    }
