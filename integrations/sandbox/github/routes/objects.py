"""Git objects: commits, trees and blobs, read and made (G9)."""

import base64
import binascii
import tempfile
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.git import GitFailed
from integrations.sandbox.git.plumbing import git
from integrations.sandbox.github import history, shapes
from integrations.sandbox.github.access import Principal
from integrations.sandbox.github.errors import GitHubError, invalid, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body

MOST_TREE_ENTRIES = 100_000


class ObjectRoutes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        return [
            Route(f"{REPOSITORY}/git/commits", self.create_commit, methods=["POST"]),
            Route(f"{REPOSITORY}/git/commits/{{sha}}", self.commit, methods=["GET"]),
            Route(f"{REPOSITORY}/git/trees", self.create_tree, methods=["POST"]),
            Route(f"{REPOSITORY}/git/trees/{{sha:path}}", self.tree, methods=["GET"]),
            Route(f"{REPOSITORY}/git/blobs", self.create_blob, methods=["POST"]),
            Route(f"{REPOSITORY}/git/blobs/{{sha}}", self.blob, methods=["GET"]),
        ]

    async def commit(self, request: Request) -> Response:
        self._hub.enter(request)
        sha = request.path_params["sha"]
        if len(sha) != 40 or await self._hub.repository.resolve(sha) is None:
            raise not_found()
        return answer(request, await self._commit_shape(sha))

    async def create_commit(self, request: Request) -> Response:
        principal = self._hub.enter(request, level="write")
        asked = await body(request, "Commit", "message", "tree")
        parents = [option for parent in asked.get("parents") or [] for option in ("-p", str(parent))]
        try:
            sha = await git(
                self._hub.repository.path,
                "commit-tree",
                str(asked["tree"]),
                *parents,
                stdin=str(asked["message"]).encode(),
                environment=_people(asked, principal),
            )
        except GitFailed as error:
            raise GitHubError(422, "Tree SHA does not exist") from error
        return answer(request, await self._commit_shape(sha.decode().strip()), 201)

    async def tree(self, request: Request) -> Response:
        self._hub.enter(request)
        name = request.path_params["sha"]
        recursive = ("-r", "-t") if "recursive" in request.query_params else ()
        tree = await self._tree_id(await self._hub.resolve(name) or name)
        listing = await self._hub.repository.text("ls-tree", "-l", "-z", *recursive, tree)
        entries = [self._entry(one) for one in listing.split("\0") if one.strip()]
        return answer(request, self._tree_shape(tree, entries))

    async def create_tree(self, request: Request) -> Response:
        self._hub.enter(request, level="write")
        asked = await body(request, "Tree", "tree")
        lines = [await self._index_line(entry) for entry in asked["tree"]]
        with tempfile.TemporaryDirectory() as directory:
            environment = {"GIT_INDEX_FILE": str(Path(directory) / "index")}
            path = self._hub.repository.path
            try:
                if base := asked.get("base_tree"):
                    await git(path, "read-tree", await self._tree_id(str(base)), environment=environment)
                await git(path, "update-index", "--index-info", stdin="".join(lines).encode(), environment=environment)
                tree = (await git(path, "write-tree", environment=environment)).decode().strip()
            except GitFailed as error:
                raise GitHubError(422, "tree.sha does not exist or is not a valid object") from error
        listing = await self._hub.repository.text("ls-tree", "-l", "-z", tree)
        entries = [self._entry(one) for one in listing.split("\0") if one.strip()]
        return answer(request, self._tree_shape(tree, entries), 201)

    async def _index_line(self, entry: JSON) -> str:
        path = str(entry.get("path") or "")
        if not path or path.startswith("/"):
            raise GitHubError(422, "tree.path cannot start with a slash")
        if "content" in entry:
            sha = await self._store(str(entry["content"]).encode())
        elif entry.get("sha") is None:
            return f"0 {'0' * 40}\t{path}\n"
        else:
            sha = str(entry["sha"])
        return f"{entry.get('mode', '100644')} {sha}\t{path}\n"

    async def blob(self, request: Request) -> Response:
        self._hub.enter(request)
        sha = request.path_params["sha"]
        try:
            content = (await self._hub.repository.blobs([sha]))[sha]
        except KeyError as error:
            raise not_found() from error
        if "raw" in request.headers.get("accept", ""):
            return Response(content, media_type="application/vnd.github.raw+json")
        shape = {
            "sha": sha,
            "node_id": shapes.node_id("B", sha),
            "url": f"{self._hub.url}/git/blobs/{sha}",
            "size": len(content),
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
        return answer(request, shape)

    async def create_blob(self, request: Request) -> Response:
        self._hub.enter(request, level="write")
        asked = await body(request, "Blob", "content")
        try:
            is_base64 = asked.get("encoding") == "base64"
            content = base64.b64decode(asked["content"], validate=False) if is_base64 else asked["content"].encode()
        except (binascii.Error, ValueError) as error:
            raise invalid("Blob", "content", "invalid") from error
        sha = await self._store(content)
        return answer(request, {"sha": sha, "url": f"{self._hub.url}/git/blobs/{sha}"}, 201)

    async def _store(self, content: bytes) -> str:
        return (await git(self._hub.repository.path, "hash-object", "-w", "--stdin", stdin=content)).decode().strip()

    async def _tree_id(self, name: str) -> str:
        try:
            return await self._hub.repository.text("rev-parse", "--verify", "--quiet", f"{name}^{{tree}}")
        except GitFailed as error:
            raise not_found() from error

    def _entry(self, line: str) -> JSON:
        meta, path = line.split("\t", 1)
        mode, kind, sha, size = meta.split()
        folder = {"blob": "blobs", "tree": "trees"}.get(kind, "commits")
        entry = {"path": path, "mode": mode, "type": kind, "sha": sha, "url": f"{self._hub.url}/git/{folder}/{sha}"}
        return entry | ({"size": int(size)} if size != "-" else {})

    def _tree_shape(self, tree: str, entries: list[JSON]) -> JSON:
        return {
            "sha": tree,
            "url": f"{self._hub.url}/git/trees/{tree}",
            "tree": entries[:MOST_TREE_ENTRIES],
            "truncated": len(entries) > MOST_TREE_ENTRIES,
        }

    async def _commit_shape(self, sha: str) -> JSON:
        info = await history.commit(self._hub.repository, sha)
        return {
            "sha": sha,
            "node_id": shapes.node_id("C", sha),
            "url": f"{self._hub.url}/git/commits/{sha}",
            "html_url": f"{self._hub.html}/commit/{sha}",
            "author": vars(info.author),
            "committer": vars(info.committer),
            "tree": {"sha": info.tree, "url": f"{self._hub.url}/git/trees/{info.tree}"},
            "message": info.message,
            "parents": [self._hub.parent(parent) for parent in info.parents],
            "verification": self._hub.verification(sha),
        }


def _people(asked: JSON, principal: Principal) -> dict[str, str]:
    """Author and committer as git's environment; the committer is the author unless it is given."""
    default = {"name": principal.login, "email": principal.email}
    author: dict[str, Any] = asked.get("author") or default
    committer: dict[str, Any] = asked.get("committer") or author
    environment = {}
    for role, person in (("AUTHOR", author), ("COMMITTER", committer)):
        environment[f"GIT_{role}_NAME"] = str(person["name"])
        environment[f"GIT_{role}_EMAIL"] = str(person["email"])
        if person.get("date"):
            environment[f"GIT_{role}_DATE"] = str(person["date"])
    return environment
