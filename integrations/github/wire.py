"""The parts of GitHub's answers that are read."""

from datetime import datetime
from typing import Any

import msgspec


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """Unknown fields pass."""


class InstallationToken(Wire, frozen=True):
    token: str
    expires_at: datetime


class GitObject(Wire, frozen=True):
    sha: str


class Ref(Wire, frozen=True):
    object: GitObject


class TreeEntry(Wire, frozen=True):
    path: str
    type: str
    sha: str = ""
    mode: str = ""


class Tree(Wire, frozen=True):
    sha: str
    tree: list[TreeEntry]
    truncated: bool = False


class Content(Wire, frozen=True):
    """A file; for a folder GitHub answers an array instead (G8)."""

    type: str
    content: str = ""
    encoding: str = ""


class Blob(Wire, frozen=True):
    content: str
    encoding: str


class Signature(Wire, frozen=True):
    name: str = ""
    email: str = ""
    date: datetime | None = None


class CommitBody(Wire, frozen=True):
    message: str
    author: Signature | None = None
    committer: Signature | None = None


class Account(Wire, frozen=True):
    """`type` is "User" or "Bot"."""

    login: str = ""
    type: str = ""


class Commit(Wire, frozen=True):
    """As the commits API shows it; `author` is the account, None where the e-mail address belongs to nobody."""

    sha: str
    commit: CommitBody
    html_url: str = ""
    author: Account | None = None
    parents: list[GitObject] = []


class Parents(Wire, frozen=True):
    """Of a commit."""

    parents: list[GitObject]


class Compared(Wire, frozen=True):
    """`merge_base_commit` is the newest commit that both sides have."""

    total_commits: int
    commits: list[Commit]
    html_url: str = ""
    behind_by: int = 0
    merge_base_commit: GitObject | None = None


class Repository(Wire, frozen=True):
    full_name: str = ""
    default_branch: str = ""


class Head(Wire, frozen=True):
    """`repo` is None where the fork that it came from is gone."""

    ref: str
    sha: str
    repo: Repository | None = None

    def within(self, repository: str) -> bool:
        """Whether the branch is of this repository, `owner/name`, and not of a fork of it."""
        return self.repo is not None and self.repo.full_name.lower() == repository.lower()


class Pull(Wire, frozen=True):
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


class PullSummary(Wire, frozen=True):
    number: int
    head: Head


class Status(Wire, frozen=True):
    context: str
    state: str


class CombinedStatus(Wire, frozen=True):
    state: str
    total_count: int
    statuses: list[Status] = []


class CheckRun(Wire, frozen=True):
    """`conclusion` is null until the status is "completed" (G10)."""

    name: str
    status: str
    conclusion: str | None = None


class CheckRuns(Wire, frozen=True):
    total_count: int
    check_runs: list[CheckRun]


class RequiredCheck(Wire, frozen=True):
    context: str


class RuleParameters(Wire, frozen=True):
    required_status_checks: list[RequiredCheck] = []


class Rule(Wire, frozen=True):
    type: str
    parameters: RuleParameters | None = None


class Protection(Wire, frozen=True):
    """`contexts` are the names of `checks`, and all that older servers tell."""

    enforcement_level: str = ""
    contexts: list[str] | None = None
    checks: list[RequiredCheck] | None = None


class BranchProtection(Wire, frozen=True):
    enabled: bool = False
    required_status_checks: Protection | None = None


class Branch(Wire, frozen=True):
    protection: BranchProtection | None = None

    def required(self) -> set[str]:
        """The checks without which nothing is merged."""
        found = self.protection.required_status_checks if self.protection and self.protection.enabled else None
        if found is None or found.enforcement_level == "off":
            return set()
        return {*(found.contexts or ()), *(check.context for check in found.checks or ())}


class GraphQLError(Wire, frozen=True):
    type: str = ""
    message: str = ""


class CreatedCommit(Wire, frozen=True):
    oid: str


class Payload(Wire, frozen=True):
    commit: CreatedCommit | None = None


class Data(Wire, frozen=True):
    created: Payload | None = msgspec.field(default=None, name="createCommitOnBranch")


class GraphQLAnswer(Wire, frozen=True):
    data: Data | None = None
    errors: list[GraphQLError] | None = None


class Viewer(Wire, frozen=True):
    login: str


class ViewerData(Wire, frozen=True):
    viewer: Viewer | None = None


class ViewerAnswer(Wire, frozen=True):
    data: ViewerData | None = None
    errors: list[GraphQLError] | None = None


class BlobText(Wire, frozen=True):
    """`text` is null for what is no text."""

    text: str | None = None


class BlobsData(Wire, frozen=True):
    repository: dict[str, BlobText | None] | None = None


class BlobsAnswer(Wire, frozen=True):
    data: BlobsData | None = None
    errors: list[GraphQLError] | None = None


class ErrorItem(Wire, frozen=True):
    code: str = ""
    field: Any = ""
    message: str = ""


class ErrorBody(Wire, frozen=True):
    """422 has several meanings: `message` and the codes tell which (G7, G14)."""

    message: str = ""
    errors: list[ErrorItem | str] | None = None
