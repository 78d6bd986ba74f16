"""An intent's way in: who asks, and whether they may; then the command runs."""

from contextlib import nullcontext

import structlog

from bot.command import Runner
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import IntegrationError, NotAllowed, NotFound
from bot.domain.intent import Intent
from bot.domain.reply import Reply
from bot.overlays.catalog import Catalog
from bot.policy import EVERY, Policy, authorize, known, may, no_app, who_could
from bot.ports import Directory
from bot.promotions.promotions import Promotions
from bot.router.incoming import Incoming
from bot.store.audit import Audit

log = structlog.get_logger(__name__)


class Dispatcher:
    """Knows nothing of Slack's messages."""

    def __init__(
        self,
        runner: Runner,
        policy: Policy,
        directory: Directory,
        catalog: Catalog,
        promotions: Promotions,
        audit: Audit | None = None,
    ) -> None:
        self._runner = runner
        self._policy = policy
        self._directory = directory
        self._catalog = catalog
        self._promotions = promotions
        self._audit = audit

    async def admit(self, incoming: Incoming, permission: Permission) -> Caller:
        """Who it is; raises NotAllowed for somebody who holds the permission nowhere, before anything is told."""
        caller = await self._caller(incoming)
        await self._authorize(incoming.request_id, caller, permission, Target())
        return caller

    async def ask(self, intent: Intent, incoming: Incoming) -> Reply:
        """Raises NotAllowed, and what the command raises."""
        caller = await self._caller(incoming)
        command = self._runner.registry.answering(intent)
        if not command.everybody:
            await self._admit(intent, caller, command.allow)
        return await self._runner.run(intent, caller)

    async def _admit(self, intent: Intent, caller: Caller, permission: Permission) -> None:
        if not may(self._policy, caller, Permission.VIEW, Target()):
            await self._authorize(intent.context.request_id, caller, permission, Target())
        await self._find(intent, caller, permission)
        for target in targets(intent):
            await self._authorize(intent.context.request_id, caller, permission, target)

    async def _find(self, intent: Intent, caller: Caller, permission: Permission) -> None:
        """Raises UnknownName for an app or a promotion that is not there, or that the caller may not know of.

        Whatever an intent names is looked at here, so no command can tell more by how it refuses.
        """
        for app in filter(None, (target.app for target in targets(intent))):
            if app != EVERY and not known(self._policy, caller, permission, app):
                raise no_app(self._policy, caller, app, await self._catalog.apps())
        if id := getattr(intent, "promotion", ""):
            await self._promotions.find(id, caller)

    async def _authorize(self, request: str, caller: Caller, permission: Permission, target: Target) -> None:
        """Raises NotAllowed, once the refusal is on record."""
        about = (caller.id, permission, (target.app,), target.environment)
        async with self._audit.refusals(*about, request=request) if self._audit else nullcontext():
            authorize(self._policy, caller, permission, target)

    async def _caller(self, incoming: Incoming) -> Caller:
        """As the workspace says now. Raises NotAllowed when it cannot say: nobody is let in unknown."""
        try:
            return await self._directory.caller(incoming.user, incoming.team)
        except NotFound as error:
            helps = who_could(self._policy, Permission.ADMINISTER, Target())
            raise NotAllowed(f"Slack does not know your account, so nothing was done. {helps}") from error
        except IntegrationError as error:
            log.warning("caller.unknown", error=str(error))
            raise NotAllowed(
                "Slack cannot confirm who you are right now, so nothing was done. Try again in a minute."
            ) from error


def targets(intent: Intent) -> tuple[Target, ...]:
    """What an intent is about, by its fields `app` or `apps`, and `environment`.

    Where that shows only when something is looked up (a promotion, a run), the command asks policy itself.
    """
    apps = getattr(intent, "apps", ()) or (getattr(intent, "app", ""),)
    return tuple(Target(app, getattr(intent, "environment", "")) for app in apps)
