"""Git refs: get, matching, create, update, delete (G6, G7)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.git import HeadMoved
from integrations.sandbox.git.repository import NULL_SHA
from integrations.sandbox.github import shapes
from integrations.sandbox.github.errors import GitHubError, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body, paged


class RefRoutes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        return [
            Route(f"{REPOSITORY}/git/ref/{{ref:path}}", self.get, methods=["GET"]),
            Route(f"{REPOSITORY}/git/matching-refs/{{ref:path}}", self.matching, methods=["GET"]),
            Route(f"{REPOSITORY}/git/refs", self.create, methods=["POST"]),
            Route(f"{REPOSITORY}/git/refs/{{ref:path}}", self.update, methods=["PATCH"]),
            Route(f"{REPOSITORY}/git/refs/{{ref:path}}", self.delete, methods=["DELETE"]),
        ]

    async def get(self, request: Request) -> Response:
        self._hub.enter(request)
        ref = f"refs/{request.path_params['ref']}"
        if ref not in self._hub.repository.refs("refs/"):
            raise not_found()
        sha = await self._hub.resolve(ref)
        assert sha is not None
        return answer(request, self._shape(ref, sha))

    async def matching(self, request: Request) -> Response:
        self._hub.enter(request)
        prefix, refs = f"refs/{request.path_params['ref']}", self._hub.repository.refs("refs/")
        return paged(request, [self._shape(ref, sha) for ref, sha in refs.items() if ref.startswith(prefix)])

    async def create(self, request: Request) -> Response:
        self._hub.enter(request, level="write")
        asked = await body(request, "Reference", "ref", "sha")
        ref, sha = str(asked["ref"]), str(asked["sha"])
        if not ref.startswith("refs/") or ref.count("/") < 2:
            raise GitHubError(422, f"{ref} is not a valid ref name.")
        await self._must_exist(sha)
        try:
            await self._hub.repository.update_ref(ref, sha, NULL_SHA)
        except HeadMoved as exists:
            raise GitHubError(422, "Reference already exists") from exists
        await self._hub.git.notice()
        return answer(request, self._shape(ref, sha), 201)

    async def update(self, request: Request) -> Response:
        """Without `force` only a fast-forward, which makes it a compare-and-set (G7)."""
        self._hub.enter(request, level="write")
        asked, ref = await body(request, "Reference", "sha"), f"refs/{request.path_params['ref']}"
        sha, present = str(asked["sha"]), await self._hub.repository.resolve(ref)
        if present is None:
            raise GitHubError(422, "Reference does not exist")
        await self._must_exist(sha)
        if not asked.get("force") and not await self._contains(sha, present):
            raise GitHubError(422, "Update is not a fast forward")
        self._hub.refuse_direct_change(ref)
        try:
            await self._hub.repository.update_ref(ref, sha, present)
        except HeadMoved as moved:
            raise GitHubError(422, "Update is not a fast forward") from moved
        await self._hub.git.notice()
        return answer(request, self._shape(ref, sha))

    async def delete(self, request: Request) -> Response:
        self._hub.enter(request, level="write")
        ref = f"refs/{request.path_params['ref']}"
        present = await self._hub.repository.resolve(ref)
        if present is None:
            raise GitHubError(422, "Reference does not exist")
        await self._hub.repository.update_ref(ref, NULL_SHA, present)
        await self._hub.git.notice()
        return Response(status_code=204)

    async def _contains(self, descendant: str, ancestor: str) -> bool:
        return await self._hub.repository.text("rev-list", "--count", f"{descendant}..{ancestor}") == "0"

    async def _must_exist(self, sha: str) -> None:
        if len(sha) != 40 or await self._hub.repository.resolve(sha) is None:
            raise GitHubError(422, "Object does not exist")

    def _shape(self, ref: str, sha: str) -> JSON:
        return {
            "ref": ref,
            "node_id": shapes.node_id("REF", ref),
            "url": f"{self._hub.url}/git/{ref}",
            "object": {"type": "commit", "sha": sha, "url": f"{self._hub.url}/git/commits/{sha}"},
        }
