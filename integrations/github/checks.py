"""Is a revision green? Statuses and check-runs are two systems, and both are read (G10)."""

import asyncio

from bot.domain.errors import NotFound
from integrations.github import wire
from integrations.github.api import Api

_GOOD = frozenset({"success", "neutral", "skipped"})


class Checks:
    def __init__(self, api: Api, repository: str, branch: str) -> None:
        self._api = api
        self._base = f"/repos/{repository}"
        self._branch = branch

    async def of(self, sha: str) -> str:
        """ "success", "pending" or "failure". What the branch requires and nobody reported yet is pending."""
        statuses, runs, required = await asyncio.gather(self._statuses(sha), self._runs(sha), self._required())
        return verdict(statuses, runs, required)

    async def _statuses(self, sha: str) -> list[wire.Status]:
        """The newest of each context. The combined state is "pending" when there are none, so it is not asked (G10)."""
        found: list[wire.Status] = []
        path = f"{self._base}/commits/{sha}/status"
        async for page in self._api.pages(f"read statuses of {sha[:12]}", path, {}, wire.CombinedStatus):
            found += page.statuses
        return found

    async def _runs(self, sha: str) -> list[wire.CheckRun]:
        found: list[wire.CheckRun] = []
        path = f"{self._base}/commits/{sha}/check-runs"
        async for page in self._api.pages(f"read checks of {sha[:12]}", path, {"filter": "latest"}, wire.CheckRuns):
            found += page.check_runs
        return found

    async def _required(self) -> set[str]:
        try:
            answer = await self._api.get("read branch rules", f"{self._base}/rules/branches/{self._branch}")
        except NotFound:
            return set()
        rules = [rule.parameters for rule in answer.decode(list[wire.Rule]) if rule.type == "required_status_checks"]
        return {check.context for parameters in rules if parameters for check in parameters.required_status_checks}


def verdict(statuses: list[wire.Status], runs: list[wire.CheckRun], required: set[str]) -> str:
    """Pure. One failure decides; a run has no conclusion until it is completed (G10)."""
    ended = [run for run in runs if run.status == "completed"]
    if any(status.state in ("failure", "error") for status in statuses):
        return "failure"
    if any(run.conclusion not in _GOOD for run in ended):
        return "failure"
    reported = {status.context for status in statuses} | {run.name for run in runs}
    waiting = any(status.state == "pending" for status in statuses) or len(ended) < len(runs)
    return "pending" if waiting or required - reported else "success"
