"""The inbound webhook: it only triggers a refresh (A26)."""

import hashlib
import hmac
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.argocd.controller import Controller


class WebhookRoutes:
    """`secret` "": unsigned deliveries are taken, as Argo CD does when none is configured."""

    def __init__(self, controller: Controller, secret: str) -> None:
        self._controller, self._secret = controller, secret

    def routes(self) -> list[Route]:
        return [Route("/api/webhook", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        raw, event = await request.body(), request.headers.get("x-github-event")
        if event is None:
            return PlainTextResponse("Unknown webhook event", 400)
        if not self._signed(raw, request.headers.get("x-hub-signature-256", "")):
            return PlainTextResponse("Webhook processing failed: HMAC verification failed", 401)
        if event not in {"push", "ping", "pull_request"}:
            return PlainTextResponse("Webhook processing failed: event not defined to be parsed", 400)
        try:
            payload = json.loads(raw)
        except ValueError:
            return PlainTextResponse("Webhook processing failed: error parsing payload", 400)
        if event == "push":
            self._controller.webhook(_changed_files(payload))
        return Response(status_code=200)

    def _signed(self, raw: bytes, signature: str) -> bool:
        if not self._secret:
            return True
        expected = "sha256=" + hmac.new(self._secret.encode(), raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, signature)


def _changed_files(payload: dict[str, Any]) -> list[str]:
    return [
        path
        for commit in payload.get("commits") or []
        for field in ("added", "modified", "removed")
        for path in commit.get(field) or []
    ]
