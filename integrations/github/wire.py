"""The parts of GitHub's answers that are read."""

from datetime import datetime
from typing import Any

import msgspec


class GitHubWire(msgspec.Struct, frozen=True, kw_only=True):
    """Unknown fields pass."""


class InstallationToken(GitHubWire, frozen=True):
    token: str
    expires_at: datetime


class GitObject(GitHubWire, frozen=True):
    sha: str


class Ref(GitHubWire, frozen=True):
    object: GitObject


class GitHubTreeEntry(GitHubWire, frozen=True):
    path: str
    type: str
    sha: str = ""
    mode: str = ""


class GitHubTree(GitHubWire, frozen=True):
    sha: str
    tree: list[GitHubTreeEntry]
    truncated: bool = False


class CommitTree(GitHubWire, frozen=True):
    """A commit as git stores it."""

    tree: GitObject


class Content(GitHubWire, frozen=True):
    """A file; for a folder GitHub answers an array instead (G8)."""

    type: str
    content: str = ""
    encoding: str = ""


class Blob(GitHubWire, frozen=True):
    content: str
    encoding: str


class GitSignature(GitHubWire, frozen=True):
    name: str = ""
    email: str = ""
    date: datetime | None = None


class CommitBody(GitHubWire, frozen=True):
    message: str
    author: GitSignature | None = None
    committer: GitSignature | None = None


class Account(GitHubWire, frozen=True):
    """`type` is "User" or "Bot"."""

    login: str = ""
    type: str = ""


class GitHubCommit(GitHubWire, frozen=True):
    """As the commits API shows it; `author` is the account, None where the e-mail address belongs to nobody."""

    sha: str
    commit: CommitBody
    html_url: str = ""
    author: Account | None = None
    parents: list[GitObject] = []


class Parents(GitHubWire, frozen=True):
    """Of a commit."""

    parents: list[GitObject]


class Compared(GitHubWire, frozen=True):
    """`merge_base_commit` is the newest commit that both sides have."""

    total_commits: int
    commits: list[GitHubCommit]
    html_url: str = ""
    behind_by: int = 0
    merge_base_commit: GitObject | None = None


class GitHubRepository(GitHubWire, frozen=True):
    full_name: str = ""
    default_branch: str = ""


class Head(GitHubWire, frozen=True):
    """`repo` is None where the fork that it came from is gone."""

    ref: str
    sha: str
    repo: GitHubRepository | None = None

    def within(self, repository: str) -> bool:
        """Whether the branch is of this repository, `owner/name`, and not of a fork of it."""
        return self.repo is not None and self.repo.full_name.lower() == repository.lower()


class Pull(GitHubWire, frozen=True):
    """`mergeable` is null while it is computed (G11)."""

    number: int
    html_url: str
    state: str
    head: Head
    base: Head
    merged: bool = False
    mergeable: bool | None = None
    merge_commit_sha: str | None = None
    commits: int = 1


class PullSummary(GitHubWire, frozen=True):
    number: int
    head: Head


class CommitStatus(GitHubWire, frozen=True):
    context: str
    state: str


class CombinedStatus(GitHubWire, frozen=True):
    state: str
    total_count: int
    statuses: list[CommitStatus] = []


class CheckRun(GitHubWire, frozen=True):
    """`conclusion` is null until the status is "completed" (G10)."""

    name: str
    status: str
    conclusion: str | None = None


class CheckRuns(GitHubWire, frozen=True):
    total_count: int
    check_runs: list[CheckRun]


class RequiredCheck(GitHubWire, frozen=True):
    context: str


class RuleParameters(GitHubWire, frozen=True):
    required_status_checks: list[RequiredCheck] = []


class BranchRule(GitHubWire, frozen=True):
    type: str
    parameters: RuleParameters | None = None


class Protection(GitHubWire, frozen=True):
    """`contexts` are the names of `checks`, and all that older servers tell."""

    enforcement_level: str = ""
    contexts: list[str] | None = None
    checks: list[RequiredCheck] | None = None


class BranchProtection(GitHubWire, frozen=True):
    enabled: bool = False
    required_status_checks: Protection | None = None


class Branch(GitHubWire, frozen=True):
    protection: BranchProtection | None = None

    def required(self) -> set[str]:
        """The checks without which nothing is merged."""
        found = self.protection.required_status_checks if self.protection and self.protection.enabled else None
        if found is None or found.enforcement_level == "off":
            return set()
        return {*(found.contexts or ()), *(check.context for check in found.checks or ())}


class GraphQLError(GitHubWire, frozen=True):
    type: str = ""
    message: str = ""


class CreatedCommit(GitHubWire, frozen=True):
    oid: str


class CreatedCommitPayload(GitHubWire, frozen=True):
    commit: CreatedCommit | None = None


class CreatedCommitData(GitHubWire, frozen=True):
    created: CreatedCommitPayload | None = msgspec.field(default=None, name="createCommitOnBranch")


class GraphQLAnswer(GitHubWire, frozen=True):
    data: CreatedCommitData | None = None
    errors: list[GraphQLError] | None = None


class Viewer(GitHubWire, frozen=True):
    login: str


class ViewerData(GitHubWire, frozen=True):
    viewer: Viewer | None = None


class ViewerAnswer(GitHubWire, frozen=True):
    data: ViewerData | None = None
    errors: list[GraphQLError] | None = None


class BlobText(GitHubWire, frozen=True):
    """`text` is null for what is no text."""

    text: str | None = None


class BlobsData(GitHubWire, frozen=True):
    repository: dict[str, BlobText | None] | None = None


class BlobsAnswer(GitHubWire, frozen=True):
    data: BlobsData | None = None
    errors: list[GraphQLError] | None = None


class ErrorItem(GitHubWire, frozen=True):
    code: str = ""
    field: Any = ""
    message: str = ""


class GitHubErrorBody(GitHubWire, frozen=True):
    """422 has several meanings: `message` and the codes tell which (G7, G14)."""

    message: str = ""
    errors: list[ErrorItem | str] | None = None
