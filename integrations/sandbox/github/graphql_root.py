"""What the GraphQL fields do: reading a ref or a file, and createCommitOnBranch (G1-G4)."""

import base64
import binascii
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

from integrations.sandbox.git import HeadMoved, Signature
from integrations.sandbox.git.repository import Draft
from integrations.sandbox.github import shapes
from integrations.sandbox.github.access import Principal
from integrations.sandbox.github.errors import GitHubError
from integrations.sandbox.github.hub import JSON, Hub

Info: TypeAlias = "GraphQLResolveInfo[Any]"

WEB_FLOW = Signature("GitHub", "noreply@github.com")


def failure(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


class Root:
    """The methods carry the names of GitHub's fields."""

    def __init__(self, hub: Hub, principal: Principal) -> None:
        self._hub, self._principal = hub, principal

    def viewer(self, _: Info) -> JSON:
        return {"login": self._principal.login}

    def repository(self, _: Info, owner: str, name: str) -> "RepositoryNode":
        self._find(f"{owner}/{name}")
        return RepositoryNode(self._hub)

    def _find(self, name: str) -> None:
        readable = self._principal.may("contents", "read")
        if name.lower() != self._hub.full_name.lower() or not readable:
            raise failure("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")

    async def createCommitOnBranch(self, _: Info, input: JSON) -> JSON:  # noqa: N802
        ref, expected = self._branch(input["branch"]), str(input["expectedHeadOid"])
        if not self._principal.may("contents", "write"):
            raise failure("FORBIDDEN", "Resource not accessible by integration")
        head = await self._hub.repository.resolve(ref)
        if head is None:
            raise failure("NOT_FOUND", f"Could not resolve to a branch with the name '{ref}'.")
        if head != expected:
            raise _stale(expected)
        try:
            self._hub.refuse_direct_change(ref)
        except GitHubError as refusal:
            raise failure("UNPROCESSABLE", refusal.message) from refusal
        changes = _changes(input.get("fileChanges") or {}, await self._hub.repository.tree(head))
        message = "\n\n".join(filter(None, (input["message"]["headline"], input["message"].get("body"))))
        # The author is the token's owner and cannot be chosen; GitHub itself commits and signs (G4).
        author = Signature(self._principal.login, self._principal.email)
        try:
            sha = await self._hub.write(ref, Draft(changes, message, author, WEB_FLOW, (head,)))
        except HeadMoved as moved:
            raise _stale(expected) from moved
        self._hub.verified.add(sha)
        commit = _commit_node(self._hub, sha, message)
        return {
            "clientMutationId": input.get("clientMutationId"),
            "commit": commit,
            "ref": _ref_node(ref, commit),
        }

    def _branch(self, branch: JSON) -> str:
        """By node id or by names; `branchName` may be short or full (G1). Raises GraphQLError."""
        if branch.get("id"):
            known = {shapes.node_id("REF", f"refs/heads/{name}"): f"refs/heads/{name}" for name in ("main",)}
            if branch["id"] not in known:
                raise failure("NOT_FOUND", f"Could not resolve to a node with the global id of '{branch['id']}'.")
            return known[branch["id"]]
        name, short = branch.get("repositoryNameWithOwner"), branch.get("branchName")
        if not name or not short:
            raise failure("UNPROCESSABLE", "branch must have an id, or repositoryNameWithOwner and branchName")
        self._find(name)
        return f"refs/heads/{short.removeprefix('refs/heads/')}"


class RepositoryNode:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.id = shapes.node_id("R", hub.full_name)
        self.nameWithOwner = hub.full_name

    async def defaultBranchRef(self, _: Info) -> JSON | None:  # noqa: N802
        return await self._ref("refs/heads/main")

    async def ref(self, _: Info, qualifiedName: str) -> JSON | None:  # noqa: N803
        full = qualifiedName if qualifiedName.startswith("refs/") else f"refs/heads/{qualifiedName}"
        return await self._ref(full)

    async def _ref(self, name: str) -> JSON | None:
        sha = await self._hub.repository.resolve(name)
        return _ref_node(name, _commit_node(self._hub, sha, "")) if sha else None

    async def object(self, _: Info, oid: str | None = None, expression: str | None = None) -> JSON | None:
        revision, colon, path = (oid or expression or "").partition(":")
        sha = await self._hub.repository.resolve(revision)
        if sha is None or not colon:
            return _commit_node(self._hub, sha, "") if sha else None
        content = await self._hub.repository.read(path, sha)
        if content is None:
            return None
        blob = await self._hub.repository.text("rev-parse", f"{sha}:{path}")
        text = None if b"\0" in content else content.decode(errors="replace")
        return {"__typename": "Blob", "oid": blob, "byteSize": len(content), "text": text}


def _changes(asked: JSON, tree: dict[str, str]) -> dict[str, bytes | None]:
    """All or nothing (G4): a path once, no leading slash, deletions only of what is there, real base64."""
    additions, deletions = asked.get("additions") or [], asked.get("deletions") or []
    paths = [str(change["path"]) for change in [*additions, *deletions]]
    if len(set(paths)) != len(paths):
        raise failure("UNPROCESSABLE", "A path was specified more than once in fileChanges.")
    for path in paths:
        if any(part in {"", ".", "..", ".git"} for part in path.split("/")):
            raise failure("UNPROCESSABLE", f"A path was requested that is not valid: '{path}'.")
    changes: dict[str, bytes | None] = {}
    for deletion in deletions:
        if deletion["path"] not in tree:
            text = f"A path was requested for deletion which does not exist as of commit: '{deletion['path']}'"
            raise failure("UNPROCESSABLE", text)
        changes[deletion["path"]] = None
    for addition in additions:
        changes[addition["path"]] = _decoded(addition)
    return changes


def _decoded(addition: JSON) -> bytes:
    try:
        return base64.b64decode(addition["contents"], validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        text = f"The contents of '{addition['path']}' are not valid base64."
        raise failure("UNPROCESSABLE", text) from error


def _stale(expected: str) -> GraphQLError:
    return failure("STALE_DATA", f'Expected branch to point to "{expected}" but it did not.  Pull and try again.')


def _commit_node(hub: Hub, sha: str, message: str) -> JSON:
    return {"__typename": "Commit", "oid": sha, "url": f"{hub.html}/commit/{sha}", "message": message}


def _ref_node(ref: str, target: Any) -> JSON:
    return {
        "id": shapes.node_id("REF", ref),
        "name": ref.removeprefix("refs/heads/"),
        "prefix": "refs/heads/",
        "target": target,
    }
