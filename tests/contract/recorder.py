"""Every request and answer that passes an ASGI application."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Exchange:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    answer: bytes = b""

    @property
    def asked(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def answered(self) -> Any:
        return json.loads(self.answer) if self.answer else None


@dataclass
class Recorder:
    app: ASGIApp
    exchanges: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        path = scope.get("raw_path", scope["path"].encode()).decode()
        exchange = Exchange(scope["method"], path, parse_qs(scope["query_string"].decode()), headers)

        async def heard() -> Message:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def told(message: Message) -> None:
            exchange.status = message.get("status", exchange.status)
            exchange.answer += message.get("body", b"")
            await send(message)

        await self.app(scope, heard, told)
        self.exchanges.append(exchange)


def template_of(path: str, templates: list[str]) -> str:
    """The path template that `path` is an instance of; the one with the fewest parameters where several match."""
    many = r"[^?]+"  # `{path}`, `{ref}` and `{basehead}` may hold slashes
    matching = [
        template
        for template in templates
        if re.fullmatch(
            "".join(
                (many if part in ("{path}", "{ref}", "{basehead}") else "[^/]+")
                if part.startswith("{")
                else re.escape(part)
                for part in re.split(r"(\{[^}]+\})", template)
            ),
            path,
        )
    ]
    assert matching, f"no operation at {path}"
    return min(matching, key=lambda template: (template.count("{"), "{ref}" in template, -len(template)))
