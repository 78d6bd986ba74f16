"""Plans: what was asked, turned into frozen facts. Reads; changes nothing."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatchmethod

from bot.domain.age import Older, compared, older_by
from bot.domain.application import ApplicationRef
from bot.domain.approval import together
from bot.domain.caller import PILOTHOUSE, Person
from bot.domain.environment import Environment
from bot.domain.errors import InvalidCommand, NotFound, NothingToPromote, UnknownName, UnknownRegistry
from bot.domain.identity import promotion_id
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.intent import Context, Deploy, Promote, Rollback, Wish
from bot.domain.overlay import Overlay, OverlayImage
from bot.domain.promotion import STORY, ApprovalRule, Kind, MissingImage, Move, Plan, Promotion
from bot.domain.reason import says_something
from bot.evaluation.panel import Panel
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy
from bot.ports import Clock, Registry
from bot.promotions.rollback_targets import RollbackTarget, RollbackTargets
from bot.promotions.source_changes import Changes
from bot.runtime.beside import asked_beside

Apps = tuple[str, ...]
Known = Callable[[Apps], Apps]
Found = Artifact | UnknownRegistry | None

NO_SOURCES = Changes(None)
OF_THE_IMAGE = ("scan", "signature")
"""Gates that a rollback goes past only where it is on record that this very image was Healthy there."""


@dataclass(frozen=True)
class Want:
    """What a plan is made of before its facts are looked up."""

    apps: tuple[str, ...]
    environment: Environment
    kind: Kind
    source: Environment | None = None
    reason: str = ""
    break_glass: bool = False
    nearest: bool = False
    """whether nobody named `source`: an app that is not there comes from the nearest earlier environment that has it"""
    on_record: bool = True
    """of a rollback: whether a promotion saw just these images Healthy there"""


class Planner:
    """Raises UserError for what cannot be planned, IntegrationError when a fact cannot be had."""

    def __init__(
        self,
        catalog: Catalog,
        registry: Registry,
        policy: Policy,
        panel: Panel,
        targets: RollbackTargets,
        clock: Clock,
        changes: Changes = NO_SOURCES,
    ) -> None:
        self._catalog = catalog
        self._registry = registry
        self._policy = policy
        self._panel = panel
        self._targets = targets
        self._changes = changes
        self._clock = clock

    @singledispatchmethod
    async def plan(self, wish: Wish, requester: Person, known: Known) -> Plan:  # noqa: ARG002 (each kind has its own)
        """The frozen facts of what is asked. `known`: of some apps, those that the requester may know of."""
        raise TypeError(f"nobody plans {type(wish).__name__} for {requester.name}")

    @plan.register
    async def _deploy(self, ask: Deploy, requester: Person, _known: Known) -> Plan:
        environment = self._catalog.environment(ask.environment)
        listing = await self._catalog.listing(fresh=True)
        if not ask.image:
            want = self._want((ask.app,), environment, "", ask.reason, break_glass=ask.break_glass)
            return await self._from_source(want, listing, requester, ask.context)
        overlay = self._catalog.find(listing, ask.app, environment.name)
        async with asked_beside(self._catalog.read_beside(listing, [overlay])) as beside:
            moves = await self._named(listing, overlay, ask.image)
            await beside
        want = Want((ask.app,), environment, Kind.PROMOTION, None, ask.reason, ask.break_glass)
        return await self._plan(want, listing, moves, requester, ask.context)

    @plan.register
    async def _promote(self, ask: Promote, requester: Person, known: Known) -> Plan:
        environment = self._catalog.environment(ask.environment)
        listing = await self._catalog.listing(fresh=True)
        everywhere = known(tuple(app for app in listing.apps if (app, environment.name) in listing.overlays))
        want = self._want(ask.apps or everywhere, environment, ask.source, ask.reason, break_glass=ask.break_glass)
        if not ask.apps and want.source:
            want = replace(want, apps=tuple(app for app in everywhere if self._has_source(want, listing, app)))
        if not want.apps:
            raise NothingToPromote(
                f"There is no app that you can promote to {environment.name}. "
                "`/pilothouse whoami` shows your roles; `/status` shows the apps that you can see."
            )
        return await self._from_source(want, listing, requester, ask.context)

    @plan.register
    async def _rollback(self, ask: Rollback, requester: Person, _known: Known) -> Plan:
        environment = self._catalog.environment(ask.environment)
        listing = await self._catalog.listing(fresh=True)
        overlay = self._catalog.find(listing, ask.app, environment.name)
        target = await self._targets.restore(listing, overlay, ask.to)
        before = {image.name: image for image in await self._catalog.images_at(listing, overlay, planned=True)}
        moves = await self._restored(overlay, before, target)
        want = self._way_back((ask.app,), environment, target, moves, ask.reason)
        want = replace(want, break_glass=ask.break_glass)
        return await self._plan(want, listing, moves, requester, ask.context)

    async def _restored(
        self, overlay: Overlay, before: Mapping[str, OverlayImage], target: RollbackTarget
    ) -> list[Move]:
        pairs = [(before[image.name], image) for image in target.images if image.name in before]
        found = (self._to_pinned(overlay, old, new, target.digests.get(new.repository, "")) for old, new in pairs)
        return [move for move in await asyncio.gather(*found) if move]

    def _way_back(
        self,
        apps: tuple[str, ...],
        environment: Environment,
        target: RollbackTarget,
        moves: Iterable[Move],
        reason: str,
    ) -> Want:
        """A rollback, if it leads to what ran before; what leads forward is a promotion, with all that it asks."""
        recorded = target.verified and all(
            move.after.digest == target.digests.get(move.after.repository) for move in moves
        )
        back = target.back and (recorded or not any(move.newer for move in moves))
        return Want(apps, environment, Kind.ROLLBACK if back else Kind.PROMOTION, None, reason, on_record=recorded)

    async def reissue(self, promotion: Promotion) -> Plan:
        """The same wish on the overlay as it is now: the images that were to go, from what each line shows by now."""
        old = promotion.plan
        listing = await self._catalog.listing(fresh=True)
        moves = await asyncio.gather(*(self._again(listing, move, old.environment) for move in promotion.moves))
        environment = self._catalog.environment(old.environment)
        want = Want(old.apps, environment, old.kind, None, old.reason, old.break_glass)
        if old.kind is Kind.ROLLBACK:
            want = await self._still_back(want, listing, promotion)
        plan = await self._plan(want, listing, [m for m in moves if m], old.requester, _context(old))
        return replace(plan, source=old.source, channel=old.channel, replaces=old.id)

    async def _still_back(self, want: Want, listing: Listing, promotion: Promotion) -> Want:
        """Somebody has moved the line since: what led back may lead forward by now."""
        wants = []
        for move in promotion.moves:
            overlay = self._catalog.find(listing, move.app, want.environment.name)
            try:
                target = await self._targets.restore(listing, overlay, move.after.tag or move.after.digest)
            except UnknownName:
                target = RollbackTarget((), back=False)
            wants.append(self._way_back(want.apps, want.environment, target, [move], want.reason))
        forward = next((each for each in wants if each.kind is Kind.PROMOTION), None)
        return forward or replace(want, on_record=all(each.on_record for each in wants))

    async def automatic_rollback(self, promotion: Promotion, evidence: str) -> Plan:
        """Back to the newest images that were Healthy there, else to what this promotion has replaced; asks nobody, for
        policy has decided.

        Its gates are those of any rollback, but for the alerts, which may be why.
        """
        old = promotion.plan
        listing = await self._catalog.listing(fresh=True)
        environment = self._catalog.environment(old.environment)
        found = await asyncio.gather(*(self._back(listing, move, old.environment) for move in promotion.moves))
        moves = [move for move, _ in found if move]
        want = Want(old.apps, environment, Kind.ROLLBACK, None, evidence, on_record=all(seen for _, seen in found))
        plan = await self._plan(want, listing, moves, PILOTHOUSE, _context(old))
        skipped = self._skipped(plan.apps, want) | {"alerts": "policy rolls back automatically"}
        rule = ApprovalRule(count=0, expires=plan.approval.expires)
        return replace(plan, channel=old.channel, replaces=old.id, automatic=True, approval=rule, skipped_gates=skipped)

    async def _again(self, listing: Listing, move: Move, environment: str) -> Move | None:
        overlay = self._catalog.find(listing, move.app, environment)
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        now = next((entry for entry in entries if entry.name == move.name), None)
        if now is None:
            raise UnknownName(f"{move.app} {move.after.label} can no longer be promoted to {environment}.")
        found, running = await asyncio.gather(self._found(now.repository, move.after.digest), self._running(now))
        artifact = _known(found)
        if artifact is None:
            raise UnknownName(f"{move.app} {move.after.label} can no longer be promoted to {environment}.")
        return self._move(overlay, now, artifact, move.after.tag, running)

    async def _back(self, listing: Listing, move: Move, environment: str) -> tuple[Move | None, bool]:
        """And whether a promotion saw just that image Healthy there. What the history of the overlay, or the messages
        of its commits, make of the time before may be anybody's: nobody approves this.
        """
        overlay = self._catalog.find(listing, move.app, environment)
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        now = next((entry for entry in entries if entry.name == move.name), None)
        if now is None or now.label not in (move.after.label, move.after.short_digest):
            raise UnknownName(f"{move.app} no longer runs {move.after.label} in {environment}.")
        good = await self._targets.restore(listing, overlay, "")
        pinned = next((each for each in good.images if each.name == move.name), move.before)
        if not good.verified and pinned != move.before:
            raise UnknownName(f"No promotion saw {move.app} {pinned.label} Healthy in {environment}.")
        recorded = good.digests.get(pinned.repository, "") if good.verified else move.digest_before
        back = await self._to_pinned(overlay, now, pinned, recorded)
        return back, good.verified and (back is None or back.after.digest == recorded)

    def _want(
        self, apps: tuple[str, ...], environment: Environment, source: str, reason: str, *, break_glass: bool
    ) -> Want:
        if source:
            origin: Environment | None = self._catalog.environment(source)
        else:
            origin = self._catalog.before(environment)
        if origin is None:
            raise InvalidCommand(
                f"{environment.name} is where images first arrive, so name one: "
                f"`/deploy {apps[0] if apps else 'APP'}@TAG {environment.name}`."
            )
        if origin == environment:
            raise InvalidCommand(f"Promote from one environment to another; both are {environment.name}.")
        if origin.order > environment.order and not self._policy.leads_back(origin.name, environment.name):
            app = apps[0] if apps else "APP"
            raise InvalidCommand(
                f"{origin.name} comes after {environment.name}, and images are promoted forwards. To go back to what "
                f"ran in {environment.name} before: `/rollback {app} {environment.name}`. Policy can allow this way "
                f"(`backwards_from` of {environment.name})."
            )
        return Want(apps, environment, Kind.PROMOTION, origin, reason, break_glass, nearest=not source)

    async def _from_source(self, want: Want, listing: Listing, requester: Person, context: Context) -> Plan:
        assert want.source is not None
        targets = [self._catalog.find(listing, app, want.environment.name) for app in want.apps]
        sources = [self._source(want, listing, app) for app in want.apps]
        async with asked_beside(self._catalog.read_beside(listing, targets)) as beside:
            images = await self._catalog.all_images_at(listing, [*targets, *sources], planned=True)
            pairs = [
                (target, source, old, new)
                for target, source in zip(targets, sources, strict=True)
                for old, new in _matched(images[target], images[source])
            ]
            pin = self._to_pinned if len(want.apps) == 1 else self._to_pinned_if_there
            found = await asyncio.gather(*(pin(target, old, new) for target, _, old, new in pairs))
            await beside
        missing = tuple(one for one in found if isinstance(one, MissingImage))
        gone = {one.app for one in missing}  # with its other images, too: half an app is not what anybody asked for
        moves = [
            replace(move, origin="" if source.environment == want.source.name else source.environment)
            for move, (_, source, _, _) in zip(found, pairs, strict=True)
            if isinstance(move, Move) and move.app not in gone
        ]
        if missing and not moves:
            raise UnknownName(missing[0].why)
        return replace(await self._plan(want, listing, moves, requester, context), missing=missing)

    def _source(self, want: Want, listing: Listing, app: str) -> Overlay:
        """Where an app's image comes from; further back for an app that skips environments, if nobody named one."""
        assert want.source is not None
        earlier = [want.source, *(reversed(self._catalog.environments[: want.source.order]) if want.nearest else ())]
        for environment in earlier:
            if overlay := listing.overlays.get((app, environment.name)):
                return overlay
        return self._catalog.find(listing, app, want.source.name)

    def _has_source(self, want: Want, listing: Listing, app: str) -> bool:
        try:
            self._source(want, listing, app)
        except UnknownName:
            return False
        return True

    async def _named(self, listing: Listing, overlay: Overlay, reference: str) -> list[Move]:
        """Every image of the overlay that exists by this tag or digest."""
        entries = await self._catalog.images_at(listing, overlay, planned=True)
        found, running = await asyncio.gather(
            asyncio.gather(*(self._found(entry.repository, reference) for entry in entries)),
            asyncio.gather(*(self._running(entry) for entry in entries)),
        )
        pairs = [
            (entry, one, now)
            for entry, one, now in zip(entries, found, running, strict=True)
            if isinstance(one, Artifact)
        ]
        if not pairs and (elsewhere := next((one for one in found if isinstance(one, UnknownRegistry)), None)):
            raise UnknownName(_not_ours(elsewhere))
        if not pairs:
            where = " or ".join(dict.fromkeys(entry.repository for entry in entries)) or overlay.path
            raise UnknownName(f"There is no image {reference!r} in {where}. {await self._what_there_is(entries)}")
        tag = "" if is_digest(reference) else reference
        moves = (self._move(overlay, entry, artifact, tag, now) for entry, artifact, now in pairs)
        return [move for move in moves if move]

    async def _what_there_is(self, entries: Iterable[OverlayImage]) -> str:
        for entry in entries:
            try:
                newest = await self._registry.newest(entry.repository, 5)
            except UnknownRegistry:
                continue
            tags = [artifact.tags[0] for artifact in newest if artifact.tags]
            if tags:
                return f"The newest are {', '.join(tags)}."
        return ""

    async def _to_pinned(
        self, overlay: Overlay, before: OverlayImage, pinned: OverlayImage, recorded: str = ""
    ) -> Move | None:
        """From what the overlay says now to what another place pins, or pinned; `recorded` is the digest that ran."""
        reference = pinned.digest or recorded or pinned.tag
        if not reference:
            raise UnknownName(
                f"{pinned.name} pins neither a tag nor a digest where it comes from: pin one there first."
            )
        if before == pinned and not recorded:
            return None  # of another registry, perhaps: what stays as it is needs nobody to vouch for it
        found, running = await asyncio.gather(self._found(pinned.repository, reference), self._running(before))
        artifact = _known(found)
        if artifact is None:
            raise UnknownName(f"The registry no longer has {pinned.repository} {pinned.label}: build it again.")
        if pinned.repository != before.repository:
            artifact = _known(await self._found(before.repository, artifact.image.digest))
            if artifact is None:
                raise UnknownName(
                    f"{pinned.repository} {pinned.label} is not in {before.repository}, which {overlay.path} names: "
                    "push it there, or change `newName:` there first."
                )
        # Beside a digest, a tag is what somebody wrote there: people must not approve "v1.4.2" and get another image.
        tag = pinned.tag if reference == pinned.tag or pinned.tag in artifact.tags else ""
        return self._move(overlay, before, artifact, tag, running)

    async def _to_pinned_if_there(
        self, overlay: Overlay, before: OverlayImage, pinned: OverlayImage
    ) -> Move | MissingImage | None:
        """One app whose image is missing must not keep the rest of a train."""
        try:
            return await self._to_pinned(overlay, before, pinned)
        except UnknownName as error:
            return MissingImage(overlay.app, before.label, pinned.label, error.sentence)

    def _move(self, overlay: Overlay, before: OverlayImage, artifact: Artifact, tag: str, now: Found) -> Move | None:
        """None when that is what the overlay pins already; `now` is what its image is in the registry."""
        if before.digest == artifact.image.digest:
            return None
        running = _known(now)
        if running and running.image.digest == artifact.image.digest:
            return None
        label = tag or (artifact.tags[0] if artifact.tags else "")
        return Move(
            app=overlay.app,
            overlay=overlay.path,
            before=before,
            after=Image(before.repository, artifact.image.digest, label),
            application=ApplicationRef(self._policy.application(overlay.app, overlay.environment), overlay.environment),
            revision=artifact.revision,
            revision_before=running.revision if running else "",
            source=artifact.source,
            tag_before=running.tags[0] if running and running.tags else "",
            newer=_newer(artifact, running),
            older=(Older.PUSHED,) if running and _newer(running, artifact, unknown=False) else (),
            digest_before=running.image.digest if running else "",
        )

    async def _running(self, before: OverlayImage) -> Found:
        if before.label == "nothing":
            return None
        return await self._found(before.repository, before.digest or before.tag)

    async def _found(self, repository: str, reference: str) -> Found:
        """None where the registry has none; the error for an image of a registry that is not configured."""
        try:
            return await self._registry.artifact(repository, reference)
        except UnknownRegistry as elsewhere:
            return elsewhere
        except NotFound:
            return None

    async def _plan(self, want: Want, listing: Listing, moves: list[Move], requester: Person, context: Context) -> Plan:
        environment = want.environment.name
        if not moves:
            raise NothingToPromote(
                f"{environment} already pins that in git: there is nothing to {'promote' if want.source else 'change'} "
                f"for {', '.join(want.apps)}. `/status {want.apps[0]}` shows what runs where."
            )
        apps = tuple(dict.fromkeys(move.app for move in moves))
        if want.break_glass and not says_something(want.reason):
            raise InvalidCommand("Breaking the glass needs a reason: add `! WHY` to the command.")
        gates = tuple(dict.fromkeys(name for app in apps for name in self._panel.names(app, environment)))
        written = [(move.overlay, move.name) for move in moves]
        told, _ = await asyncio.gather(self._changes.of(moves), self._catalog.built.check(written, listing.commit))
        aged = await asyncio.gather(*(self._aged(move, environment) for move in told.moves))
        id = promotion_id(context.request_id)
        return Plan(
            id=id,
            kind=want.kind,
            environment=environment,
            source=want.source.name if want.source else "",
            moves=tuple(aged),
            requester=requester,
            channel=self._policy.channels.default or context.channel or requester.id,
            requested_at=self._clock.now(),
            gates=gates,
            approval=ApprovalRule(count=0) if want.break_glass else self._approval(apps, want),
            seen_commit=listing.commit,
            reason=want.reason,
            skipped_gates=self._skipped(apps, want),
            break_glass=want.break_glass,
            authors=told.authors,
            authors_unknown=told.unknown,
            correlation_id=context.correlation_id,
            version=STORY,
            terms=self._panel.terms(apps, environment),
            pull_request=self._policy.rules_together(apps, environment).pull_request,
            branch=f"pilothouse/{id}-{secrets.token_hex(8)}",
        )

    async def _aged(self, move: Move, environment: str) -> Move:
        """With what says that it is older than what the line shows now."""
        version = compared(move.after.label, move.label_before)
        source = 0 if move.commits < 0 else (move.commits > 0) - (move.behind > 0 and not move.commits)
        signs = set(move.older)
        suspect = bool(signs) or version < 0 or source < 0
        if suspect and await self._targets.ran_before(move.app, environment, move.after.digest):
            signs.add(Older.RAN)
        return replace(move, older=older_by(signs, version=version, source=source))

    def _approval(self, apps: tuple[str, ...], want: Want) -> ApprovalRule:
        """What the rules of all of the apps ask for, together; a rollback may ask less only for what ran there."""
        rules = {app: self._policy.rules(app, want.environment.name) for app in apps}
        back = want.kind is Kind.ROLLBACK and want.on_record
        return together({app: r.rollback_approval() if back else r.approval() for app, r in rules.items()})

    def _skipped(self, apps: tuple[str, ...], want: Want) -> dict[str, str]:
        """Gates that policy does not ask here, for every one of the apps."""
        rules = [self._policy.rules(app, want.environment.name) for app in apps]
        skipped: dict[str, str] = {}
        if want.kind is Kind.ROLLBACK:
            named = set.intersection(*(set(r.rollback().skip_gates) for r in rules))
            asked = () if want.on_record else OF_THE_IMAGE
            skipped |= dict.fromkeys(sorted(named.difference(asked)), "policy skips it for a rollback")
        if want.break_glass:
            named = set.intersection(*(set(r.break_glass().skip_gates) for r in rules))
            skipped |= dict.fromkeys(sorted(named), f"the glass was broken: {want.reason}")
        return skipped


def _context(plan: Plan) -> Context:
    """The successor's request: derived from the plan that it replaces, so that it is planned once."""
    return Context(f"after:{plan.id}", plan.channel, plan.correlation_id)


def _not_ours(error: UnknownRegistry) -> str:
    return f"{error.detail} {error.advice.remedy}" if error.advice else error.detail


def _known(found: Found) -> Artifact | None:
    """Raises UnknownName for an image of a registry that is not configured."""
    if isinstance(found, UnknownRegistry):
        raise UnknownName(_not_ours(found))
    return found


def _newer(artifact: Artifact, running: Artifact | None, *, unknown: bool = True) -> bool:
    """What runs may be gone from the registry, and must not keep anybody from going back."""
    if running is None:
        return False
    if artifact.pushed_at is None or running.pushed_at is None:
        return unknown
    return artifact.pushed_at > running.pushed_at


def _matched(
    targets: Iterable[OverlayImage], sources: Iterable[OverlayImage]
) -> list[tuple[OverlayImage, OverlayImage]]:
    """The entries of two overlays that stand for the same image: by name, else by repository."""
    known = list(sources)
    by_name = {image.name: image for image in known}
    by_repository = {image.repository: image for image in known}
    found = [(target, by_name.get(target.name) or by_repository.get(target.repository)) for target in targets]
    return [(target, source) for target, source in found if source]
