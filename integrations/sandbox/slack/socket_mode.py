"""Socket Mode: one-use URLs, envelopes and their acknowledgements, disconnects (S21-S25)."""

import asyncio
import contextlib
import json
import secrets
from itertools import count
from typing import Literal

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from integrations.sandbox.slack.clock import within
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.delivery import ACK_SECONDS, Answer, SlackDelivery
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.web_api.call import Call, Method

CONNECTIONS_MAX = 10
URL_LIFE = 30.0
CONNECTION_LIFE = 18_060
WARNING_SECONDS = 10.0

DisconnectReason = Literal["warning", "refresh_requested", "too_many_websockets", "link_disabled"]


class Connection:
    """One open socket and the envelopes that wait on it for their acknowledgement."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self.waiting: dict[str, asyncio.Future[Json]] = {}
        self.retiring = False

    async def send(self, frame: Json) -> None:
        """Raises WebSocketDisconnect or RuntimeError when the other side is gone."""
        await self._socket.send_text(json.dumps(frame))

    async def disconnect(self, reason: DisconnectReason) -> None:
        self.retiring = True
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})

    async def close(self) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close()


HOST = "applink-sandbox"


class SocketMode:
    """The app's connections. Each envelope goes to any one of them (S24)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tickets: dict[str, float] = {}
        self._connections: list[Connection] = []
        self._turn = count()
        self.route = WebSocketRoute("/link/", self._serve)
        self.methods = (Method("apps.connections.open", self._open, Tier.ONE, "connections:write", "app"),)

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        connection = self._any_connection()
        if connection is None:
            return Answer(False, error="dispatch_failed", reason="connection_failed")
        envelope_id = secrets.token_hex(16)
        waiting = connection.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await connection.send(_envelope(envelope_id, delivery))
            frame = await within(self._core.clock, waiting, ACK_SECONDS)
        except TimeoutError:
            return Answer(False, error="operation_timeout", reason="timeout")
        except (WebSocketDisconnect, RuntimeError):
            return Answer(False, error="dispatch_failed", reason="connection_failed")
        finally:
            connection.waiting.pop(envelope_id, None)
        return Answer(True, self._reply(delivery, frame))

    async def refresh(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Asks every connection to be renewed, as Slack does every few hours; they are closed 10 s later (S23)."""
        for connection in tuple(self._connections):
            await connection.disconnect(reason)
            self._core.later(self._close_later(connection))

    async def drop(self) -> None:
        """Breaks every connection off without a word."""
        for connection in tuple(self._connections):
            await connection.close()

    async def _close_later(self, connection: Connection) -> None:
        await self._core.clock.sleep(WARNING_SECONDS)
        await connection.close()

    def _any_connection(self) -> Connection | None:
        open_ones = [c for c in self._connections if not c.retiring] or self._connections
        return open_ones[next(self._turn) % len(open_ones)] if open_ones else None

    def _reply(self, delivery: SlackDelivery, frame: Json) -> Json | None:
        payload = frame.get("payload")
        if not payload:
            return None
        if not delivery.wants_reply or not isinstance(payload, dict):
            self._core.complain(f"an acknowledgement carries a payload that {delivery.kind} does not accept (S22)")
            return None
        return payload

    async def _open(self, call: Call) -> Json:
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = call.core.clock.now()
        host = call.core.public_url.replace("http", "ws", 1)
        return {"url": f"{host}/link/?ticket={ticket}&app_id={call.core.workspace.app.app_id}"}

    async def _serve(self, socket: WebSocket) -> None:
        born = self._tickets.pop(socket.query_params.get("ticket", ""), None)
        if born is None or self._core.clock.now() - born > URL_LIFE:
            await socket.close()
            return
        await socket.accept()
        connection = Connection(socket)
        if len(self._connections) >= CONNECTIONS_MAX:
            await connection.disconnect("too_many_websockets")
            await connection.close()
            return
        self._connections.append(connection)
        self._core.changes.tell("connection", connections=self.connections)
        try:
            await connection.send(self._hello())
            while True:
                self._received(connection, await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._connections.remove(connection)
            self._core.changes.tell("connection", connections=self.connections)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.connections,
            "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": CONNECTION_LIFE},
            "connection_info": {"app_id": self._core.workspace.app.app_id},
        }

    def _received(self, connection: Connection, text: str) -> None:
        """An acknowledgement counts only on the connection that its envelope came by, and in time (S22)."""
        try:
            frame = json.loads(text)
        except ValueError:
            return
        envelope_id = frame.get("envelope_id") if isinstance(frame, dict) else None
        waiting = connection.waiting.get(envelope_id) if isinstance(envelope_id, str) else None
        if waiting is None:
            self._core.complain("an acknowledgement came too late, or on another connection than its envelope (S22)")
        elif not waiting.done():
            waiting.set_result(frame)


def _envelope(envelope_id: str, delivery: SlackDelivery) -> Json:
    envelope: Json = {
        "envelope_id": envelope_id,
        "payload": delivery.payload,
        "type": delivery.kind,
        "accepts_response_payload": delivery.wants_reply,
    }
    if delivery.kind == "events_api":
        envelope |= {"retry_attempt": delivery.retry_attempt, "retry_reason": delivery.retry_reason}
    return envelope
