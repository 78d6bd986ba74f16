"""An EventListener on a socket, as the controller serves it at `el-<name>` (R7)."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.triggers.evaluation import Manifest, Secrets, Stopped, objects_of

LABELS = "triggers.tekton.dev"
KINDS = ("EventListener", "TriggerBinding", "TriggerTemplate")
Create = Callable[[Manifest], Awaitable[object]]


class EventListener:
    """The one in `manifests`. `create` makes an object with the rights of its service account; what it raises is kept
    in `failed`, as is why a trigger made nothing: who sends hears of neither (R1).
    """

    def __init__(self, manifests: Iterable[Manifest], secrets: Secrets, create: Create) -> None:
        self._manifests = [one for one in manifests if one.get("kind") in KINDS]
        self._secrets = secrets
        self._create = create
        listener = next(one for one in self._manifests if one["kind"] == "EventListener")
        self.name: str = listener["metadata"]["name"]
        self.namespace: str = listener["metadata"].get("namespace", "default")
        self.service_account: str = listener["spec"]["serviceAccountName"]
        self._triggers: list[Manifest] = listener["spec"]["triggers"]
        self._uid = str(uuid.uuid4())
        self._working: set[asyncio.Task[None]] = set()
        self.failed: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        said: dict[str, Any] = {"eventListener": self.name, "namespace": self.namespace}
        try:
            json.loads(body)
        except ValueError as error:
            return _text({**said, "eventListenerUID": "", "errorMessage": str(error)}, 400)
        event = str(uuid.uuid4())
        working = asyncio.create_task(self._evaluate(body, dict(request.headers), event))
        self._working.add(working)
        working.add_done_callback(self._working.discard)
        return _text({**said, "eventListenerUID": self._uid, "eventID": event}, 202)

    async def settled(self) -> None:
        """Wait until every delivery that was taken has been evaluated."""
        while self._working:
            await asyncio.gather(*self._working)

    async def _evaluate(self, body: bytes, headers: dict[str, str], event: str) -> None:
        """Each trigger by itself."""
        for trigger in self._triggers:
            try:
                for made in objects_of(trigger, body, headers, self._manifests, self._secrets):
                    await self._create(self._labelled(made, trigger["name"], event))
            except Stopped as stopped:
                self.failed.append(str(stopped))
            except Exception as error:  # noqa: BLE001 (the API server's refusal is the listener's log, and no answer)
                self.failed.append(repr(error))

    def _labelled(self, made: Manifest, trigger: str, event: str) -> Manifest:
        """R2."""
        labels = {f"{LABELS}/eventlistener": self.name, f"{LABELS}/trigger": trigger}
        metadata = made["metadata"]
        known = {**metadata.get("labels", {}), **labels, f"{LABELS}/triggers-eventid": event}
        return {**made, "metadata": {"namespace": self.namespace, **metadata, "labels": known}}


def _text(body: dict[str, Any], status: int) -> Response:
    """R1: it arrives as text."""
    return Response(json.dumps(body), status, media_type="text/plain")
