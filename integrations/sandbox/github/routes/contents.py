"""Files and folders at a ref; one file written or deleted (G8)."""

import base64
import binascii
import posixpath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.git import HeadMoved, Signature
from integrations.sandbox.git.repository import Draft
from integrations.sandbox.github import history
from integrations.sandbox.github.access import Principal
from integrations.sandbox.github.errors import GitHubError, invalid, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body

MOST_ENTRIES = 1000
INLINE_BYTES = 1_000_000


class ContentRoutes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        one = f"{REPOSITORY}/contents/{{path:path}}"
        return [
            Route(f"{REPOSITORY}/contents", self.get, methods=["GET"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.put, methods=["PUT"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

    async def get(self, request: Request) -> Response:
        self._hub.enter(request)
        path, ref = request.path_params.get("path", ""), request.query_params.get("ref", "")
        if path.endswith("/"):
            raise not_found()
        sha = await self._hub.resolve(ref)
        if sha is None:
            raise GitHubError(404, f"No commit found for the ref {ref}")
        content = await self._hub.repository.read(path, sha) if path else None
        if content is None:
            return await self._folder(request, path, sha, ref or "main")
        accept = request.headers.get("accept", "")
        if "raw" in accept:
            return Response(content, media_type="application/vnd.github.raw+json; charset=utf-8")
        blob = (await self._hub.repository.text("rev-parse", f"{sha}:{path}")).strip()
        return answer(request, self._file(path, blob, content, ref or "main"))

    async def _folder(self, request: Request, path: str, sha: str, ref: str) -> Response:
        listing = await self._hub.repository.text("ls-tree", "-l", "-z", f"{sha}:{path}" if path else sha) if (
            not path or await self._is_folder(path, sha)
        ) else ""  # fmt: skip
        entries = []
        for line in filter(None, listing.split("\0")):
            meta, name = line.split("\t", 1)
            _, kind, blob, size = meta.split()
            base = {"type": "dir" if kind == "tree" else "file", "size": 0 if size == "-" else int(size)}
            entries.append(self._links(posixpath.join(path, name), blob, ref) | base)
        if not entries:
            raise not_found()
        return answer(request, entries[:MOST_ENTRIES])

    async def _is_folder(self, path: str, sha: str) -> bool:
        return bool(await self._hub.repository.text("ls-tree", "-d", sha, "--", path))

    def _file(self, path: str, blob: str, content: bytes, ref: str) -> JSON:
        """From 1 MB on an object has no content: only the raw media type does (G8)."""
        large = len(content) > INLINE_BYTES
        return self._links(path, blob, ref) | {
            "type": "file",
            "size": len(content),
            "encoding": "none" if large else "base64",
            "content": "" if large else _base64_lines(content),
        }

    def _links(self, path: str, blob: str, ref: str) -> JSON:
        url = f"{self._hub.url}/contents/{path}?ref={ref}"
        html, git_url = f"{self._hub.html}/blob/{ref}/{path}", f"{self._hub.url}/git/blobs/{blob}"
        return {
            "name": posixpath.basename(path),
            "path": path,
            "sha": blob,
            "url": url,
            "html_url": html,
            "git_url": git_url,
            "download_url": f"{self._hub.html}/raw/{ref}/{path}",
            "_links": {"self": url, "git": git_url, "html": html},
        }

    async def put(self, request: Request) -> Response:
        principal, path = self._hub.enter(request, level="write"), request.path_params["path"]
        asked = await body(request, "Commit", "message", "content")
        try:
            content = base64.b64decode(asked["content"], validate=False)
        except (binascii.Error, ValueError) as error:
            raise GitHubError(422, "content is not valid Base64") from error
        blob, head = await self._expected(path, asked)
        sha = await self._write(asked, {path: content}, principal, head)
        written = await self._hub.repository.text("rev-parse", f"{sha}:{path}")
        shape = self._file(path, written, content, str(asked.get("branch") or "main"))
        return answer(request, await self._file_commit(shape, sha), 200 if blob else 201)

    async def delete(self, request: Request) -> Response:
        principal, path = self._hub.enter(request, level="write"), request.path_params["path"]
        asked = await body(request, "Commit", "message", "sha")
        blob, head = await self._expected(path, asked)
        if blob is None:
            raise not_found()
        sha = await self._write(asked, {path: None}, principal, head)
        return answer(request, await self._file_commit(None, sha))

    async def _expected(self, path: str, asked: JSON) -> tuple[str | None, str]:
        """(present blob, head). Raises GitHubError 409 when `sha` differs from it, 422 when it is missing (G8)."""
        if path.startswith("/") or any(part in {"", ".", ".."} for part in path.split("/")):
            raise GitHubError(422, "path contains a malformed path component")
        branch = str(asked.get("branch") or "main")
        head = await self._hub.repository.resolve(f"refs/heads/{branch}")
        if head is None:
            raise GitHubError(404, f"Branch {branch} not found")
        blob = (await self._hub.repository.tree(head)).get(path)
        if blob and not asked.get("sha"):
            raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if asked.get("sha") and asked["sha"] != blob:
            raise GitHubError(409, f"{path} does not match {asked['sha']}")
        return blob, head

    async def _write(self, asked: JSON, changes: dict[str, bytes | None], principal: Principal, head: str) -> str:
        author = _person(asked.get("author")) or Signature(principal.login, principal.email)
        committer = _person(asked.get("committer")) or author
        ref = f"refs/heads/{asked.get('branch') or 'main'}"
        self._hub.refuse_direct_change(ref)
        try:
            return await self._hub.write(ref, Draft(changes, str(asked["message"]), author, committer, (head,)))
        except HeadMoved as moved:
            raise GitHubError(409, f"is at {moved.present} but expected {head}") from moved

    async def _file_commit(self, content: JSON | None, sha: str) -> JSON:
        info = await history.commit(self._hub.repository, sha)
        shape = self._hub.commit_shape(info)
        commit = shape["commit"] | {name: shape[name] for name in ("sha", "node_id", "html_url", "parents")}
        return {"content": content, "commit": commit | {"url": f"{self._hub.url}/git/commits/{sha}"}}


def _base64_lines(content: bytes) -> str:
    """In lines of 60 characters, as GitHub breaks them."""
    text = base64.b64encode(content).decode()
    return "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))


def _person(given: Any) -> Signature | None:
    if not given:
        return None
    if not isinstance(given, dict) or not given.get("name") or not given.get("email"):
        raise invalid("Commit", "author", "missing_field")
    return Signature(str(given["name"]), str(given["email"]))
