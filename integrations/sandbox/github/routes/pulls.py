"""Pull requests and their reviews (G11)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.github import history, shapes
from integrations.sandbox.github.checks import now
from integrations.sandbox.github.errors import GitHubError, invalid, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.pull_shapes import PullShapes
from integrations.sandbox.github.pulls import Pull, Pulls
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body, paged

_REVIEW_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class PullRoutes:
    def __init__(self, hub: Hub, pulls: Pulls) -> None:
        self._hub, self._pulls, self._shapes = hub, pulls, PullShapes(hub, pulls)

    def routes(self) -> list[Route]:
        one = f"{REPOSITORY}/pulls/{{number}}"
        return [
            Route(f"{REPOSITORY}/pulls", self.list, methods=["GET"]),
            Route(f"{REPOSITORY}/pulls", self.create, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.update, methods=["PATCH"]),
            Route(f"{one}/merge", self.is_merged, methods=["GET"]),
            Route(f"{one}/merge", self.merge, methods=["PUT"]),
            Route(f"{one}/files", self.files, methods=["GET"]),
            Route(f"{one}/commits", self.commits, methods=["GET"]),
            Route(f"{one}/reviews", self.reviews, methods=["GET"]),
            Route(f"{one}/reviews", self.review, methods=["POST"]),
            Route(f"{REPOSITORY}/commits/{{sha}}/pulls", self.of_commit, methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        self._hub.enter(request, "pull_requests")
        query, found = request.query_params, []
        for pull in sorted(self._pulls.all.values(), key=lambda one: -one.number):
            await self._pulls.follow_head(pull)
            wanted = {"head": query.get("head", "").partition(":")[2] or query.get("head"), "base": query.get("base")}
            right = all(not value or getattr(pull, name) == value for name, value in wanted.items())
            if right and query.get("state", "open") in {"all", pull.state}:
                found.append(self._shapes.simple(pull))
        return paged(request, found)

    async def create(self, request: Request) -> Response:
        principal = self._hub.enter(request, "pull_requests", "write")
        asked = await body(request, "PullRequest", "title", "head", "base")
        head, base = str(asked["head"]).rpartition(":")[2], str(asked["base"])
        head_sha, base_sha = [await self._hub.repository.resolve(f"refs/heads/{name}") for name in (head, base)]
        for field, sha in (("head", head_sha), ("base", base_sha)):
            if sha is None:
                raise invalid("PullRequest", field, "invalid")
        assert head_sha is not None
        assert base_sha is not None
        if await history.count(self._hub.repository, base_sha, head_sha) == 0:
            raise invalid("PullRequest", "", "custom", f"No commits between {base} and {head}")
        if any(one.state == "open" and (one.head, one.base) == (head, base) for one in self._pulls.all.values()):
            owner = self._hub.full_name.partition("/")[0]
            raise invalid("PullRequest", "", "custom", f"A pull request already exists for {owner}:{head}.")
        number = max(self._pulls.all, default=0) + 1
        pull = Pull(number, str(asked["title"]), asked.get("body"), head, base, principal, head_sha, base_sha)
        pull.draft = bool(asked.get("draft"))
        self._pulls.add(pull)
        shape = await self._shapes.full(pull)
        self._emit("opened", shape)
        return answer(request, shape, 201)

    async def get(self, request: Request) -> Response:
        return answer(request, await self._shapes.full(await self._pull(request)))

    async def update(self, request: Request) -> Response:
        pull = await self._pull(request, "write")
        asked = await body(request, "PullRequest")
        if pull.merged and asked.get("state") == "open":
            raise invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request is merged.")
        pull.title, pull.body = asked.get("title") or pull.title, asked.get("body", pull.body)
        pull.updated_at = now()
        if asked.get("state") == "closed" and pull.state == "open":
            pull.close()
            self._emit("closed", await self._shapes.full(pull))
        elif asked.get("state") == "open" and pull.state == "closed":
            pull.state, pull.closed_at = "open", None
        return answer(request, await self._shapes.full(pull))

    async def merge(self, request: Request) -> Response:
        principal, pull = self._hub.enter(request, "contents", "write"), await self._pull(request, "write")
        asked = await body(request, "PullRequest")
        method = asked.get("merge_method") or "merge"
        if method not in {"merge", "squash", "rebase"}:
            raise invalid("PullRequest", "merge_method", "invalid")
        owner = self._hub.full_name.partition("/")[0]
        default = f"Merge pull request #{pull.number} from {owner}/{pull.head}"
        title = asked.get("commit_title") or (default if method == "merge" else f"{pull.title} (#{pull.number})")
        text = asked.get("commit_message")
        message = f"{title}\n\n{pull.title if text is None and method == 'merge' else text or ''}".rstrip()
        sha = await self._pulls.merge(pull, method, message, principal, asked.get("sha"))
        self._emit("closed", await self._shapes.full(pull))
        return answer(request, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})

    async def is_merged(self, request: Request) -> Response:
        if not (await self._pull(request)).merged:
            raise not_found()
        return Response(status_code=204)

    async def files(self, request: Request) -> Response:
        pull = await self._pull(request)
        fork = await history.merge_base(self._hub.repository, pull.base_sha, pull.head_sha) or pull.base_sha
        changes = await history.changes(self._hub.repository, fork, pull.head_sha)
        return paged(request, [shapes.file_change(self._hub.url, self._hub.html, pull.head_sha, c) for c in changes])

    async def commits(self, request: Request) -> Response:
        pull = await self._pull(request)
        found = await history.commits(self._hub.repository, f"{pull.base_sha}..{pull.head_sha}")
        return paged(request, [self._hub.commit_shape(one) for one in found[::-1]])

    async def of_commit(self, request: Request) -> Response:
        self._hub.enter(request, "pull_requests")
        sha = request.path_params["sha"]
        return paged(
            request,
            [self._shapes.simple(one) for one in self._pulls.all.values() if sha in {one.head_sha, one.merge_sha}],
        )

    async def reviews(self, request: Request) -> Response:
        return paged(request, (await self._pull(request)).reviews)

    async def review(self, request: Request) -> Response:
        """Answers 200, not 201; a review is for one commit (G11)."""
        principal, pull = self._hub.enter(request, "pull_requests", "write"), await self._pull(request, "write")
        asked = await body(request, "PullRequestReview")
        event = asked.get("event") or "PENDING"
        if event == "APPROVE" and principal.login == pull.user.login:
            raise GitHubError(422, "Unprocessable Entity: Can not approve your own pull request")
        number = len(pull.reviews) + 1
        html = f"{self._hub.html}/pull/{pull.number}#pullrequestreview-{number}"
        url = f"{self._hub.url}/pulls/{pull.number}"
        review = {
            "id": number,
            "node_id": shapes.node_id("PRR", f"{pull.number}/{number}"),
            "user": self._hub.user(principal),
            "body": asked.get("body") or "",
            "state": _REVIEW_STATES.get(event, "PENDING"),
            "html_url": html,
            "pull_request_url": url,
            "_links": {"html": {"href": html}, "pull_request": {"href": url}},
            "submitted_at": now(),
            "commit_id": asked.get("commit_id") or pull.head_sha,
            "author_association": "MEMBER",
        }
        pull.reviews.append(review)
        return answer(request, review)

    async def _pull(self, request: Request, level: str = "read") -> Pull:
        self._hub.enter(request, "pull_requests", level)
        number = request.path_params["number"]
        pull = self._pulls.all.get(int(number)) if number.isdigit() else None
        if pull is None:
            raise not_found()
        await self._pulls.follow_head(pull)
        return pull

    def _emit(self, action: str, shape: JSON) -> None:
        self._hub.emit("pull_request", {"action": action, "number": shape["number"], "pull_request": shape})
