"""git's own HTTP server (`git http-backend`, a CGI program) as an ASGI application, streamed both ways."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from integrations.sandbox.git.plumbing import isolated_environment, reap

_CHUNK = 65536


class SmartHTTP:
    """Serves the repositories below `root`. `received` is awaited after each push, before its answer ends."""

    def __init__(self, root: Path, received: Callable[[], Awaitable[None]]) -> None:
        self.root = root
        self.received = received

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env={**isolated_environment(self.root), **self._cgi_variables(Request(scope))},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        feeding = asyncio.create_task(_feed(process, receive))
        try:
            await self._relay(process, send)
            if scope["method"] == "POST" and scope["path"].endswith("/git-receive-pack"):
                await self.received()
            await send({"type": "http.response.body", "body": b""})
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await reap(process)

    def _cgi_variables(self, request: Request) -> dict[str, str]:
        headers = {
            "CONTENT_TYPE": "content-type",
            "CONTENT_LENGTH": "content-length",
            "HTTP_CONTENT_ENCODING": "content-encoding",
            "GIT_PROTOCOL": "git-protocol",
        }
        return {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.scope["path"].removeprefix(request.scope.get("root_path", "")),
            "QUERY_STRING": request.url.query,
            "REMOTE_USER": "sandbox",
            "REMOTE_ADDR": request.client.host if request.client else "",
            **{name: request.headers[header] for name, header in headers.items() if header in request.headers},
        }

    @staticmethod
    async def _relay(process: asyncio.subprocess.Process, send: Send) -> None:
        assert process.stdout is not None
        status, headers = 200, []
        while line := (await process.stdout.readline()).rstrip(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"status":
                status = int(value.split()[0])
            else:
                headers.append((name.lower(), value.strip()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while chunk := await process.stdout.read(_CHUNK):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await process.wait()


async def _feed(process: asyncio.subprocess.Process, receive: Receive) -> None:
    """The request's body into the program; it may end without reading all of it."""
    assert process.stdin is not None
    try:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                process.kill()
                return
            process.stdin.write(message.get("body", b""))
            await process.stdin.drain()
            if not message.get("more_body", False):
                return
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        process.stdin.close()
