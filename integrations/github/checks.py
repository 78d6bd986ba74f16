"""Is a revision green? Statuses and check-runs are two systems, and both are read (G10).

What is required is in two places as well: in rulesets, and in the older branch protection.
"""

import asyncio
from urllib.parse import quote

from bot.domain.errors import Refused
from integrations.github import wire
from integrations.github.api import GitHubApi
from integrations.github.failures import BadCredentials

_GOOD = frozenset({"success", "neutral", "skipped"})


class Checks:
    def __init__(self, api: GitHubApi, repository: str, branch: str) -> None:
        self._api = api
        self._base = f"/repos/{repository}"
        self._branch = quote(branch, safe="")

    async def of(self, sha: str) -> str:
        """ "success", "pending" or "failure". What the branch requires and nobody reported yet is pending."""
        (statuses, all_statuses), (runs, all_runs), ruled, protected = await asyncio.gather(
            self._statuses(sha), self._runs(sha), self._ruled(), self._protected()
        )
        found = verdict(statuses, runs, ruled | protected)
        # A list that is shorter than its own count leaves out what may not be green.
        return "pending" if found == "success" and not (all_statuses and all_runs) else found

    async def _statuses(self, sha: str) -> tuple[list[wire.CommitStatus], bool]:
        """The newest of each context, and whether that is all of them.

        The combined state is "pending" when there are none, so it is not asked (G10).
        """
        found: list[wire.CommitStatus] = []
        total = 0
        path = f"{self._base}/commits/{sha}/status"
        async for page in self._api.pages(f"read statuses of {sha[:12]}", path, {}, wire.CombinedStatus):
            found += page.statuses
            total = max(total, page.total_count)
        return found, len(found) >= total

    async def _runs(self, sha: str) -> tuple[list[wire.CheckRun], bool]:
        """The newest of each, and whether that is all of them."""
        found: list[wire.CheckRun] = []
        total = 0
        path = f"{self._base}/commits/{sha}/check-runs"
        async for page in self._api.pages(f"read checks of {sha[:12]}", path, {"filter": "latest"}, wire.CheckRuns):
            found += page.check_runs
            total = max(total, page.total_count)
        return found, len(found) >= total

    async def _ruled(self) -> set[str]:
        """By rulesets. None where the repository's plan has no rulesets (403)."""
        rules: list[wire.BranchRule] = []
        path = f"{self._base}/rules/branches/{self._branch}"
        try:
            async for page in self._api.pages("read branch rules", path, {}, list[wire.BranchRule]):
                rules += page
        except BadCredentials:
            raise
        except Refused:
            return set()
        wanted = [rule.parameters for rule in rules if rule.type == "required_status_checks" and rule.parameters]
        return {check.context for parameters in wanted for check in parameters.required_status_checks}

    async def _protected(self) -> set[str]:
        """By branch protection, as whoever may read the branch is told; its own address is for administrators."""
        try:
            answer = await self._api.get("read branch protection", f"{self._base}/branches/{self._branch}")
        except BadCredentials:
            raise
        except Refused:
            return set()
        return answer.decode(wire.Branch).required()


def verdict(statuses: list[wire.CommitStatus], runs: list[wire.CheckRun], required: set[str]) -> str:
    """Pure. One failure decides; a run has no conclusion until it is completed (G10)."""
    ended = [run for run in runs if run.status == "completed"]
    if any(status.state in ("failure", "error") for status in statuses):
        return "failure"
    if any(run.conclusion not in _GOOD for run in ended):
        return "failure"
    reported = {status.context for status in statuses} | {run.name for run in runs}
    waiting = any(status.state != "success" for status in statuses) or len(ended) < len(runs)
    return "pending" if waiting or required - reported else "success"
