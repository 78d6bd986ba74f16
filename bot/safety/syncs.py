"""What people have Argo CD do with one Application: sync, refresh, stop a sync. Asked once more where it matters."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.application import Application, ApplicationRef
from bot.domain.approval import needs_approval
from bot.domain.caller import Caller, Permission, Target
from bot.domain.drift import Drift
from bot.domain.errors import IntegrationError, NotFound, Refused, UnknownRegistry, UserError
from bot.domain.event import Event
from bot.domain.image import Image, is_digest
from bot.domain.intent import SyncAction, SyncApplication
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import Promotion
from bot.domain.reply import Reply, SyncAsked, Told
from bot.domain.safety import Rejection
from bot.evaluation.rejected_content import RejectedContent
from bot.notify.ledger import Deed, Ledger
from bot.overlays.catalog import Catalog
from bot.policy import Policy, shows_all
from bot.ports import (
    ApplicationOperations,
    Applications,
    Freezes,
    ImageContents,
    Locks,
    Registry,
    Rejections,
)
from bot.promotions.promotions import Promotions
from bot.store.audit import Audit, AuditEntry
from bot.views import sync as views

STILL_RUNS = "Pilothouse stopped while it did this: `/status` shows whether the sync still runs."
"""that one, or another one by now"""
STOPPED_BEFORE = "Pilothouse stopped before it could tell you: no sync runs there any longer."

T = TypeVar("T")
Changes = Callable[[Application], Awaitable[tuple[tuple[Drift, ...] | None, str]]]
"""what differs from git, fit to be shown; None where Argo CD does not tell"""


class SyncService:
    """Raises NotAllowed, UnknownName, UserError where Argo CD refuses, and IntegrationError when it is away."""

    def __init__(
        self,
        applications: Applications,
        operations: ApplicationOperations,
        catalog: Catalog,
        policy: Policy,
        promotions: Promotions,
        locks: Locks,
        freezes: Freezes,
        rejections: Rejections,
        registry: Registry,
        contents: ImageContents,
        ledger: Ledger,
        audit: Audit,
    ) -> None:
        self._applications = applications
        self._operations = operations
        self._catalog = catalog
        self._policy = policy
        self._promotions = promotions
        self._locks = locks
        self._freezes = freezes
        self._rejections = rejections
        self._registry = registry
        self._content = RejectedContent(contents)
        self._ledger = ledger
        self._audit = audit

    async def run(self, ask: SyncApplication, caller: Caller, held: tuple[str, ...], changes: Changes) -> Reply:
        """`held`: sentences on what holds changes back there; they are said before anything goes past them."""
        target = Target(ask.app, ask.environment)
        await self._ledger.authorize(ask, caller, Permission.SYNC, target, f"have Argo CD {ask.action}")
        listing = await self._catalog.listing(fresh=True)
        overlay = self._catalog.find(listing, ask.app, ask.environment)
        images = await self._catalog.images_at(listing, overlay)
        built = await self._catalog.built.fingerprint(overlay.path, listing.files, listing.commit)
        app = await self._find(ask)
        if ask.action is SyncAction.REFRESH:
            return await self._refresh(ask, caller, app)
        begun = await self._ledger.done_before(ask.context, ask.action)
        if begun and ask.action is SyncAction.TERMINATE:
            return Told(STILL_RUNS if app.under_way else STOPPED_BEFORE)
        runs = begun and app.under_way is not None  # for this very request
        if not runs and (idle := _idle(ask.action, app)) is not None:
            return Told(idle)
        live = await self._promotions.live(ask.app, ask.environment)
        rejected = await self._rejected(ask, images)
        concerns = (*held, *self._under_way(live, caller), *rejected)
        holders = (*await self._holders(ask), live.id if live else "", len(held), *rejected, built)
        shown = _hash(ask, images, holders, app)
        careful = ask.environment in self._policy.careful
        if not runs and (careful or concerns) and ask.shown != shown:
            told = (None, "") if ask.action is SyncAction.TERMINATE else await changes(app)
            return SyncAsked(ask.app, ask.environment, ask.action, images, concerns, told[0], shown, app.operation)
        revision = "" if app.auto_sync else listing.commit  # another than its target is refused with auto-sync (A15)
        return await self._act(ask, caller, app, revision, concerns)

    async def _find(self, ask: SyncApplication) -> Application:
        name = self._policy.application(ask.app, ask.environment)
        try:
            return await self._applications.get(ApplicationRef(name, ask.environment))
        except NotFound as error:
            raise UserError(f"Argo CD has no Application {name}, or hides it from the bot.") from error

    async def _holders(self, ask: SyncApplication) -> tuple[str, ...]:
        """Which lock and which freeze it is: their sentences tell how long they last, and change by the minute."""
        locks = await self._locks.holding(ask.app, ask.environment)
        freeze = await self._freezes.active(ask.app, ask.environment)
        return freeze.id if freeze else "", *(f"{lock.owner.id} {lock.since.isoformat()}" for lock in locks)

    async def _rejected(self, ask: SyncApplication, images: tuple[OverlayImage, ...]) -> tuple[str, ...]:
        """A rejected image goes nowhere by a promotion; what is committed by hand, or runs there already, is told."""
        if ask.action is not SyncAction.SYNC:
            return ()
        known = await self._rejections.all()
        told = await asyncio.gather(*(self._told_against(ask.app, image, known) for image in images))
        return tuple(dict.fromkeys(sentence for sentences in told for sentence in sentences))

    async def _told_against(self, app: str, image: OverlayImage, known: Sequence[Rejection]) -> list[str]:
        """By what it is called and pinned to, else by what it consists of: another tag may hold the same."""
        if named := [one for one in known if _is(image, one, app)]:
            return [f"{one.by.name} rejects {image.label}: {one.reason.rstrip('.')}." for one in named]
        if not known or not (is_digest(image.digest) or image.tag):
            return []
        try:
            meant = await self._meant(image)
            found = await self._content.against(app, meant, known)
        except (NotFound, UnknownRegistry):
            return []  # it is no image of this registry
        except IntegrationError:
            return [f"The registry does not say what {image.label} contains: whether that is rejected is not known."]
        if found is None:
            return []
        return [f"{found.by.name} rejects an image that shares content with {image.label}: {found.reason.rstrip('.')}."]

    async def _meant(self, image: OverlayImage) -> Image:
        if is_digest(image.digest):
            return Image(image.repository, image.digest, image.tag)
        return (await self._registry.artifact(image.repository, image.tag)).image

    def _under_way(self, live: Promotion | None, caller: Caller) -> tuple[str, ...]:
        if live is None:
            return ()
        named = f" ({live.id})" if shows_all(self._policy, caller, live) else ""
        stands = "waits for an approval" if needs_approval(live) else "is under way"
        return (f"A promotion {stands} there{named}.",)

    async def _refresh(self, ask: SyncApplication, caller: Caller, app: Application) -> Reply:
        await self._record(ask, caller, {"application": app.ref.name})
        found = await self._done(ask, caller, self._applications.refresh(app.ref))
        at = f" It compared with `{found.revision[:7]}`." if found.revision else ""
        return Told(f"Argo CD has looked again: {found.sync} · {found.health}.{at}")

    async def _act(
        self, ask: SyncApplication, caller: Caller, app: Application, revision: str, past: tuple[str, ...]
    ) -> Reply:
        """On record before it happens: a crash in between leaves a row of what was about to be done."""
        await self._record(ask, caller, {"application": app.ref.name, "revision": revision, "past": list(past)})
        if ask.action is SyncAction.SYNC:
            if not app.under_way:  # else it is this request's own
                await self._done(ask, caller, self._applications.sync(app.ref, revision))
            said = f"Argo CD syncs {ask.app} in {ask.environment}. `/status {ask.app} {ask.environment}` follows it."
        elif await self._done(ask, caller, self._operations.terminate(app.ref)):
            whose = f", which {app.operation.by} requested" if app.operation and app.operation.by else ""
            stopped = f"You have asked Argo CD to stop the sync of {ask.app} in {ask.environment}{whose}."
            said = f"{stopped} What it has applied already stays."
        else:
            return Told("No sync runs there any longer.")
        await self._announce(ask, caller, past)
        return Told(said)

    async def _done(self, ask: SyncApplication, caller: Caller, effect: Awaitable[T]) -> T:
        try:
            return await effect
        except IntegrationError as error:
            detail = {"action": ask.action, "reason": error.detail[:300]}
            await self._audit.record(AuditEntry("sync-failed", caller.id, (ask.app,), ask.environment, detail=detail))
            if isinstance(error, Refused) and not isinstance(error, NotFound):
                why = error.detail.rstrip(".")[:300]
                raise UserError(f"Argo CD refuses: {why}. Nothing was done.") from error
            raise

    async def _record(self, ask: SyncApplication, caller: Caller, detail: dict[str, object]) -> None:
        entry = AuditEntry(ask.action, caller.id, (ask.app,), ask.environment, detail=detail, dedupe=_key(ask))
        await self._audit.record(entry)

    async def _announce(self, ask: SyncApplication, caller: Caller, past: tuple[str, ...]) -> None:
        context = ask.context
        deed = Deed(Event.SYNCED, context.request_id, caller.id, ask.environment, (ask.app,), channel=context.channel)
        said = views.synced(ask.app, ask.environment, caller.person, ask.action, past)

        async def announced(connection: AsyncConnection) -> None:
            await self._ledger.announce(connection, deed, said)

        await self._ledger.together(announced)


def _is(image: OverlayImage, rejection: Rejection, app: str) -> bool:
    """By content where the overlay pins that, else by what it was called."""
    if image.digest:
        return image.digest == rejection.digest
    return bool(image.tag) and (app, image.tag) == (rejection.app, rejection.tag)


def _key(ask: SyncApplication) -> str:
    return f"{ask.action}:{ask.context.request_id}"


def _idle(action: SyncAction, app: Application) -> str | None:
    """Why there is nothing to do; None where there is."""
    running = app.under_way
    if action is SyncAction.TERMINATE:
        return None if running else "No sync is running there."
    if running:
        of = f" of `{running.revision[:7]}`" if running.revision else ""
        return f"A sync{of} is running there already: wait for it, or stop it with `--terminate`."
    return None


def _hash(ask: SyncApplication, images: tuple[OverlayImage, ...], holders: tuple[object, ...], app: Application) -> str:
    """Of what is shown before a press."""
    began = app.operation.started_at.isoformat() if app.operation and app.operation.started_at else ""
    operation = began if ask.action is SyncAction.TERMINATE else ""
    pinned = sorted(f"{one.repository}:{one.tag}@{one.digest}" for one in images)
    said = [ask.action, ask.app, ask.environment, pinned, operation, *holders]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
