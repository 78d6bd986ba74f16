"""Commit statuses and check runs (G10)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.sandbox.github import shapes
from integrations.sandbox.github.checks import CheckRun, Checks, Status, now
from integrations.sandbox.github.errors import GitHubError, invalid, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, body, paged, paging

_STATES = {"error", "failure", "pending", "success"}
_CONCLUSIONS = {"success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"}


class CheckRoutes:
    def __init__(self, hub: Hub, checks: Checks) -> None:
        self._hub, self._checks = hub, checks

    def routes(self) -> list[Route]:
        of_ref = f"{REPOSITORY}/commits/{{ref:path}}"
        return [
            Route(f"{REPOSITORY}/statuses/{{sha}}", self.create_status, methods=["POST"]),
            Route(f"{of_ref}/status", self.combined, methods=["GET"]),
            Route(f"{of_ref}/statuses", self.statuses, methods=["GET"]),
            Route(f"{of_ref}/check-runs", self.runs, methods=["GET"]),
            Route(f"{REPOSITORY}/check-runs", self.create_run, methods=["POST"]),
            Route(f"{REPOSITORY}/check-runs/{{id}}", self.run, methods=["GET"]),
            Route(f"{REPOSITORY}/check-runs/{{id}}", self.update_run, methods=["PATCH"]),
        ]

    async def create_status(self, request: Request) -> Response:
        principal, sha = self._hub.enter(request, "statuses", "write"), request.path_params["sha"]
        asked = await body(request, "Status", "state")
        if asked["state"] not in _STATES:
            raise invalid("Status", "state", "invalid")
        if await self._hub.repository.resolve(sha) is None:
            raise GitHubError(422, f"No commit found for SHA: {sha}")
        more = {name: asked.get(name) for name in ("description", "target_url")}
        context = str(asked.get("context") or "default")
        status = self._checks.add_status(sha, context, asked["state"], creator=self._hub.user(principal), **more)
        return answer(request, self._status(status) | {"creator": status.creator}, 201)

    async def combined(self, request: Request) -> Response:
        self._hub.enter(request, "statuses")
        sha = await self._hub.must_resolve(request.path_params["ref"])
        latest, (page, size) = self._checks.latest_statuses(sha), paging(request)
        shape = {
            "state": self._checks.combined(sha),
            "statuses": [self._status(one) for one in latest[(page - 1) * size : page * size]],
            "sha": sha,
            "total_count": len(latest),
            "repository": self._hub.repository_shape(),
            "commit_url": f"{self._hub.url}/commits/{sha}",
            "url": f"{self._hub.url}/commits/{sha}/status",
        }
        return answer(request, shape)

    async def statuses(self, request: Request) -> Response:
        self._hub.enter(request, "statuses")
        sha = await self._hub.must_resolve(request.path_params["ref"])
        found = self._checks.statuses_of(sha)
        return paged(request, [self._status(one) | {"creator": one.creator} for one in found])

    async def runs(self, request: Request) -> Response:
        self._hub.enter(request, "checks")
        sha, query = await self._hub.must_resolve(request.path_params["ref"]), request.query_params
        found = self._checks.runs_of(sha, latest=query.get("filter", "latest") == "latest")
        wanted = {"name": query.get("check_name"), "status": query.get("status")}
        chosen = [one for one in found if all(not v or getattr(one, k) == v for k, v in wanted.items())]
        return paged(request, [self._run(one) for one in chosen], wrap="check_runs")

    async def create_run(self, request: Request) -> Response:
        principal = self._hub.enter(request, "checks", "write")
        if principal.kind != "Bot":
            raise GitHubError(403, "You must authenticate via a GitHub App.")
        asked = await body(request, "CheckRun", "name", "head_sha")
        if await self._hub.repository.resolve(str(asked["head_sha"])) is None:
            raise GitHubError(422, f"No commit found for SHA: {asked['head_sha']}")
        run = self._checks.add_run(str(asked["head_sha"]), str(asked["name"]))
        self._change(run, asked)
        return answer(request, self._run(run), 201)

    async def run(self, request: Request) -> Response:
        self._hub.enter(request, "checks")
        return answer(request, self._run(self._find(request)))

    async def update_run(self, request: Request) -> Response:
        self._hub.enter(request, "checks", "write")
        run = self._find(request)
        self._change(run, await body(request, "CheckRun"))
        return answer(request, self._run(run))

    def _find(self, request: Request) -> CheckRun:
        number = request.path_params["id"]
        run = self._checks.runs.get(int(number)) if number.isdigit() else None
        if run is None:
            raise not_found()
        return run

    def _change(self, run: CheckRun, asked: JSON) -> None:
        """Giving a conclusion completes the run."""
        conclusion = asked.get("conclusion")
        if conclusion is not None and conclusion not in _CONCLUSIONS:
            raise invalid("CheckRun", "conclusion", "invalid")
        if asked.get("status") == "completed" and conclusion is None:
            raise invalid("CheckRun", "conclusion", "missing_field")
        for name in ("name", "details_url", "external_id", "started_at", "status", "output"):
            if asked.get(name) is not None:
                setattr(run, name, asked[name])
        if conclusion is not None:
            run.status, run.conclusion, run.completed_at = "completed", conclusion, asked.get("completed_at") or now()

    def _status(self, one: Status) -> JSON:
        return {
            "url": f"{self._hub.url}/statuses/{one.sha}",
            "avatar_url": (one.creator or {}).get("avatar_url"),
            "id": one.id,
            "node_id": shapes.node_id("SC", str(one.id)),
            "state": one.state,
            "description": one.description,
            "target_url": one.target_url,
            "context": one.context,
            "created_at": one.at,
            "updated_at": one.at,
        }

    def _run(self, one: CheckRun) -> JSON:
        url = f"{self._hub.url}/check-runs/{one.id}"
        output: dict[str, Any] = {name: one.output.get(name) for name in ("title", "summary", "text")}
        return {
            "id": one.id,
            "node_id": shapes.node_id("CR", str(one.id)),
            "head_sha": one.sha,
            "name": one.name,
            "external_id": one.external_id,
            "url": url,
            "html_url": f"{self._hub.html}/runs/{one.id}",
            "details_url": one.details_url,
            "status": one.status,
            "conclusion": one.conclusion,
            "started_at": one.started_at,
            "completed_at": one.completed_at,
            "output": output | {"annotations_count": 0, "annotations_url": f"{url}/annotations"},
            "check_suite": {"id": shapes.number_of(one.sha)},
            "app": None,
            "pull_requests": [],
        }
