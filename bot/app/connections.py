"""Connections to the HTTP port: a request comes within seconds, and half a request keeps nobody else out."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from bot.runtime.request_body import BODY_SECONDS

HEADER_SECONDS = 5.0
"""from the connection, or from the first byte of a further request, to the end of the headers"""
REQUEST_SECONDS = BODY_SECONDS + 2
"""from the end of the headers to the end of the body; whoever reads it answers earlier"""
ANSWER_SECONDS = 60.0
"""from the whole request to the whole answer; nothing here takes as long"""
DRAIN_SECONDS = 2.0
"""for the rest of a body that was answered already: closing at once would lose the answer on its way"""
CONNECTIONS = 256
"""open at once; beyond them, the one goes that has been sending its request for longest"""

log = structlog.get_logger(__name__)


class BoundedProtocol(H11Protocol):
    """uvicorn's own waits for ever for headers and for the rest of a body, and limits nothing before they are there."""

    seconds: ClassVar[Mapping[str, float]] = {
        "headers": HEADER_SECONDS,
        "body": REQUEST_SECONDS,
        "answer": ANSWER_SECONDS,
        "rest": DRAIN_SECONDS,
    }
    most = CONNECTIONS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._stage = ""
        self.since = 0.0
        """when the request that is not whole yet began, by the loop's clock"""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._enter("headers")
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if not self._stage and self.conn.their_state is h11.IDLE:
            self._enter("headers")
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        self._leave()
        if self.conn.their_state is h11.SEND_BODY:
            self._enter("rest")
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """An answer that nobody fetched would hold the connection open beyond its close."""
        self.transport.abort()

    @property
    def answering(self) -> bool:
        return self._stage == "answer"

    def _look(self) -> None:
        """Where the request stands after what came."""
        theirs = self.conn.their_state
        if theirs is h11.SEND_BODY and self._stage == "headers":
            self._enter("body")
        elif theirs is h11.IDLE and self._stage == "rest":
            self._enter("headers")
        elif theirs is h11.DONE and self._stage in ("headers", "body"):
            self._enter("answer")

    def _enter(self, stage: str) -> None:
        self._leave()
        self._stage = stage
        if stage == "headers":
            self.since = self.loop.time()
        self._deadline = self.loop.call_later(self.seconds[stage], self._give_up)

    def _leave(self) -> None:
        self._stage = ""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        log.info("http.connection_closed", waited_for=self._stage)
        self._leave()
        self.connections.discard(self)
        self.transport.abort()

    def _make_room(self) -> None:
        """Closes the connection whose request began first and is not whole; this one, when all others are answered."""
        others = [one for one in self.connections if isinstance(one, BoundedProtocol) and not one.answering]
        min(others, key=lambda one: one.since, default=self)._give_up()
