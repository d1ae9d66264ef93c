"""moto's answers with less work: most of what a test of a function takes is moto's, and most of that is repetition."""

from __future__ import annotations

from functools import cache
from typing import Any

import moto.core.models
import moto.core.responses
from botocore import UNSIGNED
from botocore.config import Config
from moto.core.base_backend import BaseBackend
from moto.core.serialize import ResponseSerializer

# moto looks at no name of a program, and only in S3 at who has signed: neither has to be made for each call.
QUICK_CALLS = {"s3": Config(user_agent="tests"), "": Config(user_agent="tests", signature_version=UNSIGNED)}


@cache
def make_quick() -> None:
    """Let moto ask once what it asks at every call, and look only for what is there."""
    moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)
    # For programs that do not use botocore it enters the addresses of all services anew for each test; there are none.
    moto.core.models.RESPONSES_METHODS = []
    _ask_once_for_addresses()
    _look_only_for_what_is_there()


def _ask_once_for_addresses() -> None:
    made = BaseBackend.urls.fget
    known: dict[type, Any] = {}

    def urls(self: BaseBackend) -> Any:
        if type(self) not in known:
            known[type(self)] = made(self)
        return known[type(self)]

    BaseBackend.urls = property(urls)


def _look_only_for_what_is_there() -> None:
    """Of each value in an item moto looks for all ten types, under up to eight names each; one of them is there."""
    as_before = ResponseSerializer._serialize_type_structure

    def serialize(self: ResponseSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or type(value) is not dict or not key:
            as_before(self, serialized, value, shape, key)
            return
        wrapper = self.MAP_TYPE()
        for name in value:
            self._serialize_structure_member(wrapper, value, shape.members[name], name)
        self._default_serialize(serialized, wrapper, shape, key)

    ResponseSerializer._serialize_type_structure = serialize
