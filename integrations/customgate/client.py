"""Asking a team's own endpoint."""

import asyncio
import hashlib
import hmac
from dataclasses import replace
from typing import Self

import msgspec
from msgspec import Struct

from bot.domain.errors import Refused
from bot.ports import CustomQuestion
from bot.settings import Tls
from integrations.http import Connection, HttpPolicy

SYSTEM = "custom gate"
SIGNATURE = "X-Pilothouse-Signature-256"
REASON_LIMIT = 1000
BODY_LIMIT = 64 * 1024


class CustomGateAnswer(Struct, frozen=True):
    """What the endpoint answers: `{"pass": true, "reason": "…"}`. `pass` must be a boolean, so that no typo passes."""

    passes: bool = msgspec.field(name="pass")
    reason: str = ""


class CustomGateClient:
    """The port CustomGates.

    The question is a POST whose exact bytes are signed: `X-Pilothouse-Signature-256: sha256=<hex HMAC-SHA256>`, as
    GitHub signs its webhooks (G17), so the endpoint can verify it with what it has for those. It is asked once, within
    the question's own timeout.
    """

    def __init__(self, tls: Tls | None = None, policy: HttpPolicy | None = None) -> None:
        self._tls = tls
        self._policy = policy or HttpPolicy()
        self._connections: dict[str, Connection] = {}

    async def ask(self, question: CustomQuestion) -> tuple[bool, str]:
        body = msgspec.json.encode(question.body)
        headers = {SIGNATURE: signature(question.secret, body)} if question.secret else {}
        connection = await self._connection(question.url)
        seconds = question.timeout.total_seconds()
        policy = replace(self._policy, read=seconds, total=seconds, body_limit=BODY_LIMIT)
        answer = await connection.request("ask", "POST", question.url, content=body, headers=headers, policy=policy)
        verdict = answer.decode(CustomGateAnswer)
        return verdict.passes, verdict.reason[:REASON_LIMIT]

    async def aclose(self) -> None:
        for connection in self._connections.values():
            await connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _connection(self, url: str) -> Connection:
        """One for each URL of the policy, which are few."""
        if url not in self._connections:
            try:
                made = await asyncio.to_thread(Connection, SYSTEM, url, tls=self._tls, policy=self._policy)
            except (ValueError, OSError) as error:
                raise Refused(SYSTEM, "ask", str(error)) from error
            self._connections.setdefault(url, made)
        return self._connections[url]


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
