"""The REST-JSON protocol of IAM Roles Anywhere, except CreateSession, which is signed in its own way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pca_automator.rehearsal.local_aws.emulator import Response, json_error, json_response
from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.roles_anywhere.service import RolesAnywhere
from pca_automator.rehearsal.local_aws.roles_anywhere.store import Resource, Store

Answer = tuple[Mapping[str, Any], int]
Route = Callable[[str, Mapping[str, Any]], Answer]
_ID = r"(?P<id>[^/]+)"


class Api:
    """Answers requests as MiniStack hands them to a service."""

    def __init__(self, service: RolesAnywhere) -> None:
        self._service = service
        self._tags: dict[str, dict[str, str]] = {}
        self._routes: list[tuple[str, str, re.Pattern[str], Route]] = []
        self._route_store("TrustAnchor", "trustAnchor", service.anchors, service.create_anchor, ("name", "source"))
        self._route_store(
            "Profile", "profile", service.profiles, service.create_profile,
            ("name", "roleArns", "durationSeconds", "sessionPolicy", "managedPolicyArns", "acceptRoleSessionName"),
        )  # fmt: skip
        self._route_store("Crl", "crl", service.crls, None, ())
        self._add("ImportCrl", "POST", "/crls", lambda _, r: ({"crl": service.import_crl(r).detail()}, 201))
        self._add("UpdateCrl", "PATCH", f"/crl/{_ID}", lambda i, r: ({"crl": service.update_crl(i, r).detail()}, 200))
        self._add("DeleteCrl", "DELETE", f"/crl/{_ID}", lambda i, _: ({"crl": service.delete_crl(i).detail()}, 200))
        self._add("TagResource", "POST", "/TagResource", self._tag)
        self._add("UntagResource", "POST", "/UntagResource", self._untag)
        self._add("ListTagsForResource", "GET", "/ListTagsForResource", self._list_tags)

    def operation(self, method: str, path: str) -> str:
        """The name of the operation a request asks for, or empty."""
        return next((name for name, verb, pattern, _ in self._routes if verb == method and pattern.fullmatch(path)), "")

    async def handle(
        self, method: str, path: str, _headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Serve one request."""
        for _, verb, pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and verb == method:
                flat = {name: value[0] if isinstance(value, list) else value for name, value in query.items()}
                try:
                    answer, status = route(match.groupdict().get("id") or "", {**flat, **json.loads(body or b"{}")})
                except ServiceError as error:
                    return json_error(error.code, error.message, error.status)
                except KeyError as error:
                    return json_error("ValidationException", f"{error.args[0]} is required")
                return json_response(answer, status)
        return json_error("UnknownOperationException", f"{method} {path}", 404)

    def _add(self, name: str, method: str, path: str, route: Route) -> None:
        self._routes.append((name, method, re.compile(path), route))

    def _route_store(
        self,
        name: str,
        member: str,
        store: Store,
        create: Callable[[Mapping[str, Any]], Resource] | None,
        changeable: tuple[str, ...],
    ) -> None:
        """List, get, enable and disable, which are alike for all three kinds; create, update and delete for two."""
        base, service_anchors = name.lower(), self._service.anchors

        def changed(identifier: str, fields: Mapping[str, Any]) -> Answer:
            resource = store.get(identifier)
            resource.change(fields)
            if store is service_anchors:
                # It has the CA's certificate of this moment, whenever somebody next asks for a session.
                self._service.authorities(resource)
            return {member: resource.detail()}, 200

        self._add(
            f"List{name}s", "GET", f"/{base}s", lambda _, __: ({f"{member}s": [r.detail() for r in store.all()]}, 200)
        )
        self._add(f"Get{name}", "GET", f"/{base}/{_ID}", lambda i, _: ({member: store.get(i).detail()}, 200))
        self._add(f"Enable{name}", "POST", f"/{base}/{_ID}/enable", lambda i, _: changed(i, {"enabled": True}))
        self._add(f"Disable{name}", "POST", f"/{base}/{_ID}/disable", lambda i, _: changed(i, {"enabled": False}))
        if create is None:
            return
        self._add(f"Create{name}", "POST", f"/{base}s", lambda _, r: ({member: create(r).detail()}, 201))
        self._add(
            f"Update{name}", "PATCH", f"/{base}/{_ID}",
            lambda i, r: changed(i, {key: r[key] for key in changeable if key in r}),
        )  # fmt: skip
        self._add(f"Delete{name}", "DELETE", f"/{base}/{_ID}", lambda i, _: ({member: store.remove(i).detail()}, 200))

    def _tag(self, _: str, request: Mapping[str, Any]) -> Answer:
        tags = {tag["key"]: tag["value"] for tag in request["tags"]}
        self._tags.setdefault(request["resourceArn"], {}).update(tags)
        return {}, 201

    def _untag(self, _: str, request: Mapping[str, Any]) -> Answer:
        for key in request["tagKeys"]:
            self._tags.get(request["resourceArn"], {}).pop(key, None)
        return {}, 200

    def _list_tags(self, _: str, request: Mapping[str, Any]) -> Answer:
        tags = self._tags.get(request["resourceArn"], {})
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}, 200
