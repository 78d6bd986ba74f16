"""git's own HTTP server (`git http-backend`, a CGI program) as an ASGI application, streamed both ways."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from integrations.sandbox.git.answers import Answers, about_refs, state
from integrations.sandbox.git.plumbing import git, isolated_environment, reap

_CHUNK = 65536


@dataclass(frozen=True)
class RefsAnswer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class SmartHTTP:
    """Serves the repositories below `root`. `received` is awaited after each push, before its answer ends."""

    def __init__(self, root: Path, received: Callable[[], Awaitable[None]]) -> None:
        self.root = root
        self.received = received
        self._refs = Answers[RefsAnswer](lambda answer: len(answer.body))
        self._backend = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, first = Request(scope), await receive()
        path, body = _path_of(request), first.get("body", b"")
        if not first.get("more_body", False) and about_refs(request.method, path, body):
            protocol = request.headers.get("git-protocol", "")
            question = (request.method, path, request.url.query, protocol, body)
            repository = self.root / path.removesuffix("/info/refs").removesuffix("/git-upload-pack").strip("/")
            answer = await self._refs.of(question, state(repository), lambda: self._answer(request, body))
            await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
            await send({"type": "http.response.body", "body": answer.body})
            return
        await self._stream(request, first, receive, send)

    async def _answer(self, request: Request, body: bytes) -> RefsAnswer:
        process = await self._begin(request)
        try:
            output, _ = await process.communicate(body)
        finally:
            await reap(process)
        head, _, body = output.partition(b"\r\n\r\n")
        return RefsAnswer(*_status_and_headers(head.splitlines()), body)

    async def _stream(self, request: Request, first: Message, receive: Receive, send: Send) -> None:
        process = await self._begin(request)
        feeding = asyncio.create_task(_feed(process, first, receive))
        try:
            await self._relay(process, send)
            if request.method == "POST" and _path_of(request).endswith("/git-receive-pack"):
                await self.received()
            await send({"type": "http.response.body", "body": b""})
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await reap(process)

    async def _begin(self, request: Request) -> asyncio.subprocess.Process:
        # `git http-backend` would begin this as one more process.
        self._backend = self._backend or f"{(await git(self.root, '--exec-path')).decode().strip()}/git-http-backend"
        return await asyncio.create_subprocess_exec(
            self._backend,
            env={**isolated_environment(self.root), **self._cgi_variables(request)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

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
            "PATH_INFO": _path_of(request),
            "QUERY_STRING": request.url.query,
            "REMOTE_USER": "sandbox",
            "REMOTE_ADDR": request.client.host if request.client else "",
            **{name: request.headers[header] for name, header in headers.items() if header in request.headers},
        }

    @staticmethod
    async def _relay(process: asyncio.subprocess.Process, send: Send) -> None:
        assert process.stdout is not None
        head = []
        while line := (await process.stdout.readline()).rstrip(b"\r\n"):
            head.append(line)
        status, headers = _status_and_headers(head)
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})
        while chunk := await process.stdout.read(_CHUNK):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await process.wait()


def _path_of(request: Request) -> str:
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return path


def _status_and_headers(lines: list[bytes]) -> tuple[int, tuple[tuple[bytes, bytes], ...]]:
    """Of a CGI program's answer."""
    status, headers = 200, []
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    return status, tuple(headers)


async def _feed(process: asyncio.subprocess.Process, first: Message, receive: Receive) -> None:
    """The request's body into the program; it may end without reading all of it."""
    assert process.stdin is not None
    message = first
    try:
        while True:
            if message["type"] != "http.request":
                process.kill()
                return
            process.stdin.write(message.get("body", b""))
            await process.stdin.drain()
            if not message.get("more_body", False):
                return
            message = await receive()
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        process.stdin.close()
