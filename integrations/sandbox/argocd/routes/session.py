"""Version, login, who am I, what may I (A1)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.argocd.api import API, body
from integrations.sandbox.argocd.errors import StatusError
from integrations.sandbox.argocd.store import NAMESPACE

VERSION = "v3.5.1"


class SessionRoutes:
    def __init__(self, api: API) -> None:
        self._api = api

    def routes(self) -> list[Route]:
        return [
            Route("/api/version", self.version),
            Route("/api/v1/settings", self.settings),
            Route("/api/v1/session", self.login, methods=["POST"]),
            Route("/api/v1/session", self.logout, methods=["DELETE"]),
            Route("/api/v1/session/userinfo", self.userinfo),
            Route("/api/v1/account/can-i/{resource}/{action}/{subresource:path}", self.can_i),
        ]

    async def version(self, _: Request) -> Response:
        return JSONResponse({"Version": VERSION})

    async def settings(self, _: Request) -> Response:
        """What anybody may know, without a token too."""
        return JSONResponse({"appsInAnyNamespaceEnabled": True, "controllerNamespace": NAMESPACE})

    async def login(self, request: Request) -> Response:
        asked = await body(request)
        token = self._api.access.login(str(asked.get("username", "")), str(asked.get("password", "")))
        return JSONResponse({"token": token})

    async def logout(self, _: Request) -> Response:
        response = JSONResponse({"token": ""})
        response.delete_cookie("argocd.token")
        return response

    async def userinfo(self, request: Request) -> Response:
        try:
            account = self._api.access.account(request)
        except StatusError:
            return JSONResponse({})
        return JSONResponse({"loggedIn": True, "username": account.name, "iss": "argocd"})

    async def can_i(self, request: Request) -> Response:
        account, path = self._api.access.account(request), request.path_params
        allowed = account.may(path["resource"], path["action"], path["subresource"])
        return JSONResponse({"value": "yes" if allowed else "no"})
