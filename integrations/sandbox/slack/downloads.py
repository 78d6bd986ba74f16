"""The hosts beside the Web API: where uploads are POSTed to and private files are read from (S9)."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.slack.core import Core


class FileEndpoints:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.routes = [
            Route("/upload/v1/{slot}", self._upload, methods=["POST"]),
            Route("/files-pri/{key}/{name:path}", self._download, methods=["GET"]),
        ]

    async def _upload(self, request: Request) -> Response:
        """Raw bytes without a token; a plain answer, not an ok-JSON (S9)."""
        content = await request.body()
        if not self._core.files.fill(f"/upload/v1/{request.path_params['slot']}", content):
            return PlainTextResponse("invalid upload", 400)
        return PlainTextResponse(f"OK - {len(content)}")

    async def _download(self, request: Request) -> Response:
        file = self._core.files.find(request.path_params["key"].rpartition("-")[2])
        if request.headers.get("authorization") != f"Bearer {self._core.config.bot_token}":
            return PlainTextResponse("sign in first", 403)
        if file is None or file.content is None:
            return PlainTextResponse("file not found", 404)
        return Response(file.content, media_type="application/octet-stream")
