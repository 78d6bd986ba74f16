"""Why one app in one environment is not as git says, or not well: asked of Argo CD and the gates."""

import asyncio
from dataclasses import replace

from bot.domain.application import Application, ApplicationRef, HealthStatus, ResourceHealth, SyncStatus
from bot.domain.caller import Caller, Permission, Target
from bot.domain.drift import ABSENT, Difference, Drift
from bot.domain.errors import IntegrationError
from bot.domain.intent import SyncAction
from bot.domain.promotion import GateResult, VerdictState
from bot.domain.reply import StatusDetail, StatusRow
from bot.policy import Policy, may
from bot.ports import ApplicationOperations, Applications
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.status import problem
from bot.runtime.redaction import Redactor

VALUE = 200
"""characters of a value that are kept"""


class Explanation:
    def __init__(
        self,
        applications: Applications,
        operations: ApplicationOperations,
        holds: PipelineHolds,
        policy: Policy,
        redactor: Redactor | None = None,
    ) -> None:
        self._applications = applications
        self._operations = operations
        self._holds = holds
        self._policy = policy
        self._redactor = redactor or Redactor()

    async def explain(self, row: StatusRow, caller: Caller) -> StatusDetail:
        """Argo CD that does not answer leaves its part open, and says so. Raises DatabaseAway."""
        app = row.application
        sick: tuple[ResourceHealth, ...] | None = ()
        drift, why = await self.drift(app) if app and app.sync is not SyncStatus.SYNCED else (None, "")
        if app and app.health is not HealthStatus.HEALTHY:
            sick = await self._sick(app.ref)
        held = await self._holds.on(row.app, row.environment)
        allowed = may(self._policy, caller, Permission.SYNC, Target(row.app, row.environment))
        return StatusDetail(
            row,
            drift,
            why,
            sick,
            tuple(one.verdict.reason for one in held if not _on_the_row(one, row)),
            _possible(app) if app and allowed else (),
        )

    async def drift(self, app: Application) -> tuple[tuple[Drift, ...] | None, str]:
        """What differs from git, with values that may be shown; None, and why, where Argo CD does not tell."""
        try:
            found = await self._operations.drift(app.ref)
        except IntegrationError as error:
            return None, problem(error)
        # Thousands of fields may differ, and each value passes dozens of patterns: not on the event loop.
        return await asyncio.to_thread(lambda: tuple(map(self._shown, found))), ""

    def _shown(self, drift: Drift) -> Drift:
        secret = drift.kind == "Secret"
        return replace(drift, differences=tuple(self._masked(one, secret=secret) for one in drift.differences))

    def _masked(self, one: Difference, *, secret: bool) -> Difference:
        """As text. What is in a Secret is never shown, though Argo CD masks it (A21)."""
        if secret:
            return replace(one, live="", target="")
        return replace(one, live=self._text(one.path, one.live), target=self._text(one.path, one.target))

    def _text(self, path: str, value: str) -> str:
        """The name of a variable says whether its value is a secret: it stands in the path."""
        if value == ABSENT:
            return ABSENT
        name = "_".join(part for part in path.replace("[", ".").replace("]", "").split(".") if part)
        return self._redactor.text(f"{name}={value}").removeprefix(f"{name}=")[:VALUE]

    async def _sick(self, ref: ApplicationRef) -> tuple[ResourceHealth, ...] | None:
        try:
            return await self._applications.unhealthy(ref)
        except IntegrationError:
            return None


def _on_the_row(held: GateResult, row: StatusRow) -> bool:
    """Whether the row shows that lock or freeze itself. What could not be asked, no row shows."""
    shown = {"lock": row.lock, "freeze": row.freeze or row.closed}.get(held.gate)
    return shown is not None and held.verdict.state is VerdictState.BLOCKED


def _possible(app: Application) -> tuple[SyncAction, ...]:
    return (SyncAction.TERMINATE, SyncAction.REFRESH) if app.under_way else (SyncAction.SYNC, SyncAction.REFRESH)
