"""Files at a commit: few by their paths, many by the tree and its blobs, which never change."""

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import quote

from bot.domain.errors import NotFound, Refused
from integrations.github import wire
from integrations.github.api import GitHubApi
from integrations.github.failures import SYSTEM, Conflicting
from integrations.github.objects import blob_sha
from integrations.github.read_blobs import ReadBlobs
from integrations.kept import Kept

FEW = 20
BATCH = 100
"""files asked for by one GraphQL query"""
CACHED_BYTES = 32 << 20
CACHED_TREES = 4
DEEPEST = 50
"""folders within each other, where they are read one by one"""


class Trees:
    """Reads one repository, `owner/name`."""

    def __init__(self, api: GitHubApi, repository: str, checked: ReadBlobs | None = None) -> None:
        self._api = api
        self._checked = checked or ReadBlobs()
        self._repository = repository
        self._base = f"/repos/{repository}"
        self._trees: Kept[dict[str, str]] = Kept(CACHED_TREES)
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    async def paths(self, at: str) -> dict[str, str]:
        """Blob sha by path."""
        known = self._trees.get(at)
        return self._trees.keep(at, await self._list(at)) if known is None else known

    async def read(self, paths: tuple[str, ...], at: str) -> dict[str, bytes]:
        if len(paths) <= FEW and self._trees.get(at) is None:
            bodies = await asyncio.gather(*(self._file(path, at) for path in paths))
            found = {path: body for path, body in zip(paths, bodies, strict=True) if body is not None}
            for path, body in found.items():
                self._checked.read(at, path, blob_sha(body))
            return found
        tree = await self.paths(at)
        wanted = {path: tree[path] for path in paths if path in tree}
        if len(wanted) <= FEW:
            for path, sha in wanted.items():
                self._checked.read(at, path, sha)
        blobs = await self._many({sha: path for path, sha in wanted.items()}, at)
        return {path: blobs[sha] for path, sha in wanted.items()}

    async def _list(self, at: str) -> dict[str, str]:
        operation = f"list files at {at[:12]}"
        try:
            tree = await self._tree(operation, at, recursive=True)
        except Conflicting as conflict:
            raise NotFound(SYSTEM, operation, conflict.detail) from conflict
        if not tree.truncated:
            return {entry.path: entry.sha for entry in tree.tree if entry.type == "blob"}
        return await self._walk(operation, at, "")

    async def _walk(self, operation: str, sha: str, prefix: str) -> dict[str, str]:
        """A tree that is too large for one answer, folder by folder (G9)."""
        if prefix.count("/") > DEEPEST:
            raise Refused(SYSTEM, operation, f"the folders are more than {DEEPEST} deep")
        tree = await self._tree(operation, sha, recursive=False)
        if tree.truncated:
            raise Refused(SYSTEM, operation, f"the folder {prefix or '/'} has more entries than GitHub lists")
        found = {prefix + entry.path: entry.sha for entry in tree.tree if entry.type == "blob"}
        folders = [entry for entry in tree.tree if entry.type == "tree"]
        for part in await asyncio.gather(
            *(self._folder(operation, one.sha, f"{prefix}{one.path}/") for one in folders)
        ):
            found |= part
        return found

    async def _folder(self, operation: str, sha: str, prefix: str) -> dict[str, str]:
        tree = await self._tree(operation, sha, recursive=True)
        if tree.truncated:
            return await self._walk(operation, sha, prefix)
        return {prefix + entry.path: entry.sha for entry in tree.tree if entry.type == "blob"}

    async def _tree(self, operation: str, sha: str, *, recursive: bool) -> wire.GitHubTree:
        params: dict[str, str | int] = {"recursive": "1"} if recursive else {}
        return (await self._api.get(operation, f"{self._base}/git/trees/{sha}", params)).decode(wire.GitHubTree)

    async def _file(self, path: str, at: str) -> bytes | None:
        operation = f"read {path}"
        url = f"{self._base}/contents/{quote(path)}"
        try:
            answer = await self._api.get(operation, url, {"ref": at})
        except NotFound:
            # An absent commit is 404 as well: then the commit itself is asked for.
            await self._require(at)
            return None
        if answer.body.lstrip().startswith(b"["):
            return None
        content = answer.decode(wire.Content)
        if content.type != "file":
            return None
        if content.encoding == "none":
            return (
                await self._api.get(operation, url, {"ref": at}, {"Accept": "application/vnd.github.raw+json"})
            ).body
        return _decoded(operation, content.content, content.encoding)

    async def _require(self, at: str) -> None:
        operation = f"read commit {at[:12]}"
        try:
            await self._api.get(operation, f"{self._base}/git/commits/{at}")
        except Conflicting as conflict:
            raise NotFound(SYSTEM, operation, conflict.detail) from conflict

    async def _many(self, shas: dict[str, str], at: str) -> dict[str, bytes]:
        """Blobs by sha; `shas` says for each a path where it is at that commit."""
        found = {sha: self._blobs[sha] for sha in shas if sha in self._blobs}
        missing = sorted(shas.keys() - found.keys())
        if len(missing) > FEW:
            batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
            for batch in await asyncio.gather(*(self._batch([shas[sha] for sha in some], at) for some in batches)):
                found |= {sha: body for sha, body in batch.items() if sha in shas}
            missing = sorted(shas.keys() - found.keys())
        found |= dict(zip(missing, await asyncio.gather(*map(self._blob, missing)), strict=True))
        for sha, body in found.items():
            self._keep(sha, body)
        return found

    async def _batch(self, paths: list[str], at: str) -> dict[str, bytes]:
        """Many texts by one query. Keyed by what they really are: what came back changed fits no sha of the tree."""
        owner, _, name = self._repository.partition("/")
        declared = "".join(f", $e{number}: String!" for number in range(len(paths)))
        fields = " ".join(
            f"e{number}: object(expression: $e{number}) {{ ... on Blob {{ text }} }}" for number in range(len(paths))
        )
        query = (
            f"query($owner: String!, $name: String!{declared}) "
            f"{{ repository(owner: $owner, name: $name) {{ {fields} }} }}"
        )
        expressions = {f"e{number}": f"{at}:{path}" for number, path in enumerate(paths)}
        variables = {"owner": owner, "name": name, **expressions}
        answered = await self._api.query("read files", query, variables, wire.BlobsAnswer)
        texts = (answered.data.repository if answered.data else None) or {}
        bodies = (blob.text.encode() for blob in texts.values() if blob and blob.text is not None)
        return {blob_sha(body): body for body in bodies}

    async def _blob(self, sha: str) -> bytes:
        operation = f"read blob {sha[:12]}"
        blob = (await self._api.get(operation, f"{self._base}/git/blobs/{sha}")).decode(wire.Blob)
        body = _decoded(operation, blob.content, blob.encoding)
        if blob_sha(body) != sha:
            raise Refused(SYSTEM, operation, "the content is not what was asked for: its sha is another one")
        return body

    def _keep(self, sha: str, body: bytes) -> None:
        if sha not in self._blobs:
            self._blobs[sha] = body
            self._size += len(body)
        self._blobs.move_to_end(sha)
        while self._size > CACHED_BYTES and len(self._blobs) > 1:
            self._size -= len(self._blobs.popitem(last=False)[1])


def _decoded(operation: str, content: str, encoding: str) -> bytes:
    if encoding == "utf-8":
        return content.encode()
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError) as error:
        raise Refused(SYSTEM, operation, "the content is not base64") from error


def is_clean(path: str) -> bool:
    """A path as git stores it."""
    return bool(path) and not set(path) & {"\0", "\n"} and not {"", ".", "..", ".git"} & set(path.split("/"))


def clean(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(is_clean, paths)))
