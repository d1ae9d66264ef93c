"""Trust anchors, profiles and CRLs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography import x509

from pca_automator.rehearsal.local_aws.errors import ServiceError
from pca_automator.rehearsal.local_aws.facts import roles_anywhere as facts


def timestamp() -> str:
    """Now, as the REST-JSON protocol carries a timestamp of this service."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclasses.dataclass
class Resource:
    """One trust anchor, profile or CRL: an id, an ARN and the fields of its Detail shape."""

    kind: str
    id: str
    arn: str
    fields: dict[str, Any]
    revision: int = 0
    """How often it was changed: the times that the API shows are whole seconds."""

    @property
    def enabled(self) -> bool:
        """Whether it takes part in CreateSession."""
        return bool(self.fields.get("enabled"))

    def change(self, fields: Mapping[str, Any]) -> None:
        """Overwrite fields and note the time."""
        self.fields.update(fields, updatedAt=timestamp())
        self.revision += 1

    def detail(self) -> dict[str, Any]:
        """The Detail shape of the API."""
        prefix = {"trust-anchor": "trustAnchor"}.get(self.kind, self.kind)
        return {f"{prefix}Id": self.id, f"{prefix}Arn": self.arn, **self.fields}


@dataclasses.dataclass
class Revocations:
    """A parsed CRL."""

    crl: x509.CertificateRevocationList
    serials: frozenset[int]


class Store:
    """The resources of one kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._resources: dict[str, Resource] = {}
        self._lock = threading.Lock()

    def add(self, account: str, region: str, fields: Mapping[str, Any]) -> Resource:
        """Make a resource with a new id."""
        identifier = str(uuid.uuid4())
        now = timestamp()
        resource = Resource(
            self._kind,
            identifier,
            f"arn:aws:rolesanywhere:{region}:{account}:{self._kind}/{identifier}",
            {"enabled": True, "createdAt": now, "updatedAt": now, **fields},
        )
        with self._lock:
            self._resources[identifier] = resource
        return resource

    def all(self) -> list[Resource]:
        """Every resource, oldest first."""
        with self._lock:
            return list(self._resources.values())

    def get(self, identifier: str) -> Resource:
        """One resource by its id."""
        with self._lock:
            if identifier in self._resources:
                return self._resources[identifier]
        raise ServiceError(
            "ResourceNotFoundException", f"{self._kind} {identifier} does not exist", 404, fact=facts.KNOWN
        )

    def by_arn(self, arn: str) -> Resource | None:
        """One resource by its ARN, or nothing."""
        return next((resource for resource in self.all() if resource.arn == arn), None)

    def remove(self, identifier: str) -> Resource:
        """Delete one resource and return what it was."""
        resource = self.get(identifier)
        with self._lock:
            self._resources.pop(identifier, None)
        return resource
