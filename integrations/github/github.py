"""GitHub behind the ports OverlaySource, OverlayWriter, PullRequests and SourceHistory."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Self
from urllib.parse import urlsplit

from bot.domain.errors import NotFound
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.ports import Comparison, PullRequest
from bot.settings import GitHubSettings
from integrations.github import messages, wire
from integrations.github.api import BETWEEN_WRITES, GitHubApi, web_url
from integrations.github.checks import Checks
from integrations.github.commits import STALE_SECONDS, Commits
from integrations.github.differences import Differences
from integrations.github.failures import SYSTEM, Conflicting
from integrations.github.identity import GitHubIdentity
from integrations.github.pulls import GitHubPulls
from integrations.github.read_blobs import ReadBlobs
from integrations.github.trees import Trees, clean
from integrations.http import HttpPolicy

PAGE = 100
MOST_COMPARED = 300
"""commits of a comparison that are listed"""
MOST_SEARCHED = 2_000
"""commits looked through where history since a commit cannot be told"""
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_REPOSITORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*/(?!\.{1,2}$)[A-Za-z0-9_.-]+")
"""owner/name, as GitHub names them (G9)"""


class GitHub:
    """One overlay repository and branch, and the history of any source repository on the same GitHub.

    `between_writes` and `stale_seconds` in seconds (G16, G5). Raises ValueError for settings that are not complete.
    Close it, or use it as an async context manager.
    """

    def __init__(
        self,
        settings: GitHubSettings,
        branch: str = "main",
        policy: HttpPolicy | None = None,
        *,
        between_writes: float = BETWEEN_WRITES,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        if settings.app_id and not settings.installation_id:
            raise ValueError("PILOTHOUSE_GITHUB__INSTALLATION_ID is missing: an App acts through an installation")
        self._web = web_url(settings.api_url)
        self._base = f"/repos/{settings.repository}"
        self._api = GitHubApi(settings, policy or HttpPolicy(), between_writes)
        web = f"{self._web}/{settings.repository}"
        self._commits = Commits(self._api, settings.repository, branch, web, stale_seconds)
        checked = ReadBlobs()
        self._trees = Trees(self._api, settings.repository, checked)
        self._differences = Differences(self._api, settings.repository, checked)
        self._identity = GitHubIdentity(self._api)
        self._pulls = GitHubPulls(self._api, settings.repository, branch)
        self._checks = Checks(self._api, settings.repository, branch)

    async def head(self) -> str:
        return await self._commits.head()

    async def default_branch(self) -> str:
        answer = await self._api.get("ask for the default branch", self._base)
        return answer.decode(wire.GitHubRepository).default_branch

    async def paths(self, at: str) -> Mapping[str, str]:
        return await self._trees.paths(_sha(at))

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        return await self._trees.read(clean(paths), _sha(at))

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        shas = tuple(dict.fromkeys(commits))
        found = await asyncio.gather(*(self.read([path], sha) for sha in shas))
        return {sha: contents[path] for sha, contents in zip(shas, found, strict=True) if path in contents}

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        """The author is the person, also where GitHub made the bot the author (G4)."""
        params: dict[str, str | int] = {"sha": at or await self.head()}
        if path:
            params["path"] = path
        found: list[Commit] = []
        async for commit in self._listed("read history", params):
            if len(found) == limit:
                break
            found.append(messages.commit(commit))
        return tuple(found)

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """By the trees of both, folder by folder (G9)."""
        return await self._differences.between(_sha(before), _sha(after))

    async def commit(self, change: Change, expected_head: str) -> Commit:
        """Atomic and verified. The person is a co-author: GitHub takes no other author than the account (G4)."""
        return await self._commits.write(change, expected_head)

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        """Without `since`, or when the branch has left it, the newest 2,000 commits are looked through."""
        head = await self.head()
        if head == since:
            return ()
        found = {read.sha: read async for read in self._newer(since, head)}
        carrying = [read for read in found.values() if messages.commit(read).trailer(trailer) == value]
        ours = [messages.commit(read) for read in carrying if await self._identity.made(read)]
        return tuple(sorted(ours, key=lambda one: one.at, reverse=True))

    async def open(self, change: Change, branch: str, expected_head: str, title: str, body: str) -> PullRequest:
        return await self._pulls.open(change, branch, expected_head, title, body)

    async def opened(self, branch: str) -> PullRequest | None:
        return await self._pulls.opened(branch)

    async def get(self, number: int) -> PullRequest:
        return await self._pulls.get(number)

    async def merge(self, number: int, head: str, message: str, author: Author) -> PullRequest:
        return await self._pulls.merge(number, head, messages.with_co_author(message, author))

    async def close(self, number: int, comment: str) -> None:
        await self._pulls.close(number, comment)

    async def checks(self, sha: str) -> str:
        """ "success", "pending" or "failure", of statuses and check-runs together (G10)."""
        return await self._checks.of(_sha(sha))

    async def compare(self, source: str, before: str, after: str) -> Comparison:
        """Raises NotFound for a repository that is elsewhere, hidden, or does not know a revision.

        All three come from the labels of images, which whoever pushes an image writes.
        """
        path = f"/repos/{repository_of(source, self._web)}/compare/{_id(before)}...{_id(after)}"
        operation = f"compare {before[:12]} with {after[:12]}"
        first = (await self._api.get(operation, path, {"per_page": PAGE, "page": 1})).decode(wire.Compared)
        pages = {1: first.commits}
        last = -(-first.total_commits // PAGE)
        for number in range(last, max(1, last - MOST_COMPARED // PAGE), -1):
            answer = await self._api.get(operation, path, {"per_page": PAGE, "page": number})
            pages[number] = answer.decode(wire.Compared).commits
        kept = sorted(pages) if last - 1 <= MOST_COMPARED // PAGE else sorted(pages)[1:]
        commits = [messages.commit(commit) for number in kept for commit in pages[number]]
        return Comparison(first.total_commits, tuple(reversed(commits)), first.html_url, first.behind_by)

    async def aclose(self) -> None:
        await self._api.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _newer(self, since: str, head: str) -> AsyncIterator[wire.GitHubCommit]:
        """What lies between, when it can be told; else the newest of all."""
        try:
            if since:
                path = f"{self._base}/compare/{since}...{head}"
                async for page in self._api.pages("compare", path, {}, wire.Compared):
                    for compared in page.commits:
                        yield compared
                return
        except (NotFound, Conflicting):
            pass
        async for commit in self._listed("read history", {"sha": head}):
            yield commit

    async def _listed(self, operation: str, params: Mapping[str, str | int]) -> AsyncIterator[wire.GitHubCommit]:
        seen = 0
        async for page in self._api.pages(operation, f"{self._base}/commits", params, list[wire.GitHubCommit]):
            for commit in page:
                yield commit
            seen += len(page)
            if seen >= MOST_SEARCHED:
                return


def repository_of(source: str, web: str) -> str:
    """ "owner/name" of a repository's URL (https, ssh, or git@host:…). Raises NotFound when it is not at `web`."""
    text = re.sub(r"^git@([^:/]+):", r"ssh://git@\1/", source.strip())
    parts = urlsplit(text)
    path = parts.path.strip("/").removesuffix(".git")
    if (parts.hostname or "").lower() != (urlsplit(web).hostname or "").lower() or not _REPOSITORY.fullmatch(path):
        raise NotFound(SYSTEM, "compare", f"{source[:200]} is not a repository at {web}")
    return path


def _id(text: str) -> str:
    """Of a commit, perhaps shortened: a branch is another commit tomorrow, and `..` another path."""
    if not _COMMIT.fullmatch(text):
        raise NotFound(SYSTEM, "compare", f"{text[:80]!r} is not a commit's id")
    return text


def _sha(text: str) -> str:
    if not _SHA.fullmatch(text):
        raise NotFound(SYSTEM, "read a commit", f"{text[:80]!r} is not a commit's full sha")
    return text
