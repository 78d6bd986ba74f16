"""GitHub's JSON for the things that exist once: the repository, its people, links."""

import hashlib
from typing import Any

JSON = dict[str, Any]

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_USER_LINKS = {
    "events_url": "/events{/privacy}",
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "organizations_url": "/orgs",
    "received_events_url": "/received_events",
    "repos_url": "/repos",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
}
_NOTHING_COUNTED = dict.fromkeys(
    ("forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers", "watchers_count"), 0
)


def number_of(text: str) -> int:
    """A stable id for what has none of its own here."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def node_id(kind: str, text: str) -> str:
    return f"{kind}_{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def user(base: str, login: str, kind: str = "User", number: int | None = None) -> JSON:
    url = f"{base}/users/{login}"
    return {
        "login": login,
        "id": number if number is not None else number_of(login),
        "node_id": node_id("U", login),
        "avatar_url": f"{base}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{base}/{login}",
        "type": kind,
        "site_admin": False,
        **{name: url + path for name, path in _USER_LINKS.items()},
    }


def repository(base: str, full_name: str, clone_url: str) -> JSON:
    owner, _, name = full_name.partition("/")
    url = f"{base}/repos/{full_name}"
    return {
        "id": number_of(full_name),
        "node_id": node_id("R", full_name),
        "name": name,
        "full_name": full_name,
        "owner": user(base, owner, "Organization"),
        "private": True,
        "html_url": f"{base}/{full_name}",
        "description": None,
        "fork": False,
        "url": url,
        **{link: url + path for link, path in _REPOSITORY_LINKS.items()},
        "clone_url": clone_url,
        "git_url": clone_url,
        "ssh_url": clone_url,
        "svn_url": clone_url,
        "default_branch": "main",
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "visibility": "private",
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "custom_properties": {},
        "size": 1,
        "pushed_at": "2026-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_pages", "has_downloads"), False),
        "has_discussions": False,
        **_NOTHING_COUNTED,
    }


def full_repository(base: str, full_name: str, clone_url: str) -> JSON:
    rights = {"permissions": {"admin": False, "push": True, "pull": True}}
    return repository(base, full_name, clone_url) | {"network_count": 0, "subscribers_count": 0} | rights


def file_change(repo_url: str, html: str, ref: str, change: Any) -> JSON:
    """A diff entry; `change` is a history.FileChange."""
    shape = {
        "sha": change.sha,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{html}/blob/{ref}/{change.path}",
        "raw_url": f"{html}/raw/{ref}/{change.path}",
        "contents_url": f"{repo_url}/contents/{change.path}?ref={ref}",
    }
    return shape | ({"patch": change.patch} if change.patch else {})
