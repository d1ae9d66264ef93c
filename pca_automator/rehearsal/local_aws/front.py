"""What stands before MiniStack: the control path of the rehearsal and CreateSession.

CreateSession is not signed with an access key but with a certificate's key (SigV4-X509), which MiniStack's own
routing by credential scope and account cannot read.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pca_automator.rehearsal.local_aws import emulator
from pca_automator.rehearsal.local_aws.emulator import Response

CONTROL_PREFIX = "/_rehearsal/"

Application = Callable[[Any, Any, Any], Awaitable[None]]
Control = Callable[[str, str, dict[str, Any]], Any]
CreateSession = Callable[[str, str, dict[str, str], bytes], Response]


class Front:
    """An ASGI application that answers two paths itself and leaves everything else to MiniStack."""

    def __init__(self, application: Application, control: Control, create_session: CreateSession) -> None:
        self._application = application
        self._control = control
        self._create_session = create_session

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].startswith(CONTROL_PREFIX):
            body = await _body(receive)
            await _answer(send, self._controlled(scope["method"], scope["path"], body))
        elif headers.get("authorization", "").startswith("AWS4-X509-"):
            body = await _body(receive)
            target = scope["path"]
            query = scope.get("query_string", b"").decode("latin-1")
            await _answer(send, self._create_session(target, query, headers, body))
        else:
            await self._application(scope, receive, send)

    def _controlled(self, method: str, path: str, body: bytes) -> Response:
        emulator.enter_default_scope()
        try:
            result = self._control(method, path.removeprefix(CONTROL_PREFIX), json.loads(body or b"{}"))
        except (ValueError, LookupError) as error:
            return emulator.json_error("ValidationException", str(error))
        return emulator.json_response(result if result is not None else {})


async def _body(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Any, response: Response) -> None:
    status, headers, body = response
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
