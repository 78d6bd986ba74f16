"""GitHub's JSON for pull requests."""

from integrations.sandbox.github import history, shapes
from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.pulls import Pull, Pulls


class PullShapes:
    def __init__(self, hub: Hub, pulls: Pulls) -> None:
        self._hub, self._pulls = hub, pulls

    def simple(self, pull: Pull) -> JSON:
        hub, url = self._hub, f"{self._hub.url}/pulls/{pull.number}"
        html, issue = f"{hub.html}/pull/{pull.number}", f"{hub.url}/issues/{pull.number}"
        links = {
            "self": url,
            "html": html,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{hub.url}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": f"{hub.url}/statuses/{pull.head_sha}",
        }
        return {
            "id": shapes.number_of(f"{hub.full_name}#{pull.number}"),
            "node_id": shapes.node_id("PR", str(pull.number)),
            "number": pull.number,
            "state": pull.state,
            "locked": False,
            "title": pull.title,
            "body": pull.body,
            "user": hub.user(pull.user),
            "labels": [],
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "milestone": None,
            "draft": pull.draft,
            "created_at": pull.created_at,
            "updated_at": pull.updated_at,
            "closed_at": pull.closed_at,
            "merged_at": pull.closed_at if pull.merged else None,
            "merge_commit_sha": pull.merge_sha,
            "head": self._side(pull.head, pull.head_sha),
            "base": self._side(pull.base, pull.base_sha),
            "author_association": "MEMBER",
            "auto_merge": None,
            "url": url,
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": issue,
            **{f"{name}_url": links[name] for name in ("commits", "comments", "statuses")},
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "_links": {name: {"href": href} for name, href in links.items()},
        }

    def _side(self, ref: str, sha: str) -> JSON:
        owner = self._hub.full_name.partition("/")[0]
        repository = self._hub.repository_shape()
        return {"label": f"{owner}:{ref}", "ref": ref, "sha": sha, "user": repository["owner"], "repo": repository}

    async def full(self, pull: Pull) -> JSON:
        changes = await history.changes(self._hub.repository, pull.base_sha, pull.head_sha)
        mergeable = await self._pulls.mergeable(pull)
        return self.simple(pull) | {
            "merged": pull.merged,
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": await self._mergeable_state(pull, mergeable),
            "merged_by": self._hub.user(pull.merged_by) if pull.merged_by else None,
            "comments": 0,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": await history.count(self._hub.repository, pull.base_sha, pull.head_sha),
            "additions": sum(one.additions for one in changes),
            "deletions": sum(one.deletions for one in changes),
            "changed_files": len(changes),
        }

    async def _mergeable_state(self, pull: Pull, mergeable: bool | None) -> str:
        if mergeable is None:
            return "unknown"
        if not mergeable:
            return "dirty"
        if pull.draft:
            return "draft"
        return "blocked" if await self._pulls.blocked(pull) else "clean"
