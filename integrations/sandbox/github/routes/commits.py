"""The repository, its branches, commits and comparisons (G5, G9)."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.sandbox.github import history, shapes
from integrations.sandbox.github.errors import GitHubError, not_found
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.routes import REPOSITORY
from integrations.sandbox.github.web import answer, page_headers, paged, paging

COMPARED_FILES = 300
COMPARED_COMMITS = 250


class CommitRoutes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        return [
            Route(REPOSITORY, self.repository, methods=["GET"]),
            Route(f"{REPOSITORY}/branches", self.branches, methods=["GET"]),
            Route(f"{REPOSITORY}/branches/{{branch:path}}", self.branch, methods=["GET"]),
            Route(f"{REPOSITORY}/rules/branches/{{branch:path}}", self.rules, methods=["GET"]),
            Route(f"{REPOSITORY}/commits", self.list, methods=["GET"]),
            Route(f"{REPOSITORY}/compare/{{basehead:path}}", self.compare, methods=["GET"]),
            Route(f"{REPOSITORY}/collaborators/{{username}}/permission", self.permission, methods=["GET"]),
        ]

    def last_routes(self) -> list[Route]:
        """`ref` may hold slashes, so this one is tried after all that end in a word of their own."""
        return [Route(f"{REPOSITORY}/commits/{{ref:path}}", self.get, methods=["GET"])]

    async def repository(self, request: Request) -> Response:
        self._hub.enter(request, "metadata")
        clone_url = self._hub.clone_url or f"{self._hub.html}.git"
        return answer(request, shapes.full_repository(self._hub.base, self._hub.full_name, clone_url))

    async def branches(self, request: Request) -> Response:
        self._hub.enter(request)
        names = [ref.removeprefix("refs/heads/") for ref in self._hub.repository.refs()]
        return paged(request, [await self._short_branch(name) for name in names])

    async def _short_branch(self, name: str) -> JSON:
        sha = await self._hub.resolve(f"heads/{name}")
        commit = {"sha": sha, "url": f"{self._hub.url}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": self._protected(name)}

    async def branch(self, request: Request) -> Response:
        self._hub.enter(request)
        name = request.path_params["branch"]
        if f"refs/heads/{name}" not in self._hub.repository.refs():
            raise GitHubError(404, "Branch not found")
        info = await history.commit(self._hub.repository, await self._hub.must_resolve(f"heads/{name}"))
        url = f"{self._hub.url}/branches/{name}"
        classic = self._hub.rules.classic and name == "main"
        checks = list(self._hub.rules.required_checks) if classic else []
        protection = {
            "enabled": classic,
            "required_status_checks": {
                "enforcement_level": "non_admins" if checks else "off",
                "contexts": checks,
                "checks": [{"context": check, "app_id": None} for check in checks],
            },
        }
        shape = {
            "name": name,
            "commit": self._hub.commit_shape(info),
            "_links": {"self": url, "html": f"{self._hub.html}/tree/{name}"},
            "protected": self._protected(name),
            "protection": protection,
            "protection_url": f"{url}/protection",
        }
        return answer(request, shape)

    def _protected(self, branch: str) -> bool:
        return branch == "main" and (self._hub.rules.classic or bool(self._rules()))

    async def rules(self, request: Request) -> Response:
        self._hub.enter(request)
        return paged(request, self._rules() if request.path_params["branch"] == "main" else [])

    def _rules(self) -> list[JSON]:
        source = {"ruleset_source_type": "Repository", "ruleset_source": self._hub.full_name, "ruleset_id": 1}
        found: list[JSON] = []
        if self._hub.rules.classic:
            return found
        if checks := self._hub.rules.required_checks:
            contexts = [{"context": check} for check in checks]
            parameters = {"required_status_checks": contexts, "strict_required_status_checks_policy": False}
            found.append({"type": "required_status_checks", "parameters": parameters, **source})
        if self._hub.rules.pull_request_only or self._hub.rules.required_approvals:
            parameters = {
                "required_approving_review_count": self._hub.rules.required_approvals,
                "dismiss_stale_reviews_on_push": False,
                "require_code_owner_review": False,
                "require_last_push_approval": False,
                "required_review_thread_resolution": False,
            }
            found.append({"type": "pull_request", "parameters": parameters, **source})
        return found

    async def list(self, request: Request) -> Response:
        self._hub.enter(request)
        query, (page, size) = request.query_params, paging(request)
        start = await self._hub.resolve(query.get("sha", ""))
        if start is None:
            raise not_found()
        filters = [f"--{name}={query[name]}" for name in ("since", "until", "author") if query.get(name)]
        path = ("--", query["path"]) if query.get("path") else ()
        total = int(await self._hub.repository.text("rev-list", "--count", *filters, start, *path))
        options = (f"--skip={(page - 1) * size}", f"--max-count={size}", *filters, start, *path)
        found = await history.commits(self._hub.repository, *options)
        return answer(request, [self._hub.commit_shape(one) for one in found], headers=page_headers(request, total))

    async def get(self, request: Request) -> Response:
        self._hub.enter(request)
        sha = await self._hub.must_resolve(request.path_params["ref"])
        if "vnd.github.sha" in request.headers.get("accept", ""):
            return PlainTextResponse(sha, media_type="application/vnd.github.sha")
        info = await history.commit(self._hub.repository, sha)
        before = info.parents[0] if info.parents else history.EMPTY_TREE
        files = await history.changes(self._hub.repository, before, sha)
        added, deleted = sum(one.additions for one in files), sum(one.deletions for one in files)
        shape = self._hub.commit_shape(info) | {
            "stats": {"additions": added, "deletions": deleted, "total": added + deleted},
            "files": [shapes.file_change(self._hub.url, self._hub.html, sha, one) for one in files[:COMPARED_FILES]],
        }
        return answer(request, shape)

    async def compare(self, request: Request) -> Response:
        """At most 250 commits on a page, and 300 files on the first one (G9)."""
        self._hub.enter(request)
        base_name, dots, head_name = request.path_params["basehead"].partition("...")
        base, head = await self._hub.resolve(base_name), await self._hub.resolve(head_name)
        if not dots or not base_name or not head_name or base is None or head is None:
            raise not_found()
        repository = self._hub.repository
        fork = await history.merge_base(repository, base, head)
        if fork is None:
            raise GitHubError(404, f"No common ancestor between {base_name} and {head_name}.")
        ahead, behind = await history.count(repository, base, head), await history.count(repository, head, base)
        status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
        page, size = paging(request) if "per_page" in request.query_params else (1, COMPARED_COMMITS)
        newest_first = await history.commits(repository, f"{base}..{head}")
        chosen = newest_first[::-1][(page - 1) * size : page * size]
        files = await history.changes(repository, fork, head) if page == 1 else []
        url = f"{self._hub.url}/compare/{base_name}...{head_name}"
        html = f"{self._hub.html}/compare/{base_name}...{head_name}"
        shape = {
            "url": url,
            "html_url": html,
            "permalink_url": f"{self._hub.html}/compare/{base}...{head}",
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": self._hub.commit_shape(await history.commit(repository, base)),
            "merge_base_commit": self._hub.commit_shape(await history.commit(repository, fork)),
            "status": status.get((ahead > 0, behind > 0), "diverged"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [self._hub.commit_shape(one) for one in chosen],
            "files": [shapes.file_change(self._hub.url, self._hub.html, head, one) for one in files[:COMPARED_FILES]],
        }
        return answer(request, shape, headers=page_headers(request, ahead))

    async def permission(self, request: Request) -> Response:
        principal = self._hub.enter(request, "metadata")
        login = request.path_params["username"]
        level = "write" if login == principal.login and principal.may("contents", "write") else "read"
        user = shapes.user(self._hub.base, login) | {
            "permissions": {"pull": True, "triage": False, "push": level == "write", "maintain": False, "admin": False},
            "role_name": level,
        }
        return answer(request, {"permission": level, "role_name": level, "user": user})
