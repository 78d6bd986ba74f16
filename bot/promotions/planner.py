"""Plans: what was asked, turned into frozen facts. Reads; changes nothing."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import singledispatchmethod

from bot.domain.caller import PILOTHOUSE, Person
from bot.domain.environment import Environment
from bot.domain.errors import InvalidCommand, NothingToPromote, UnknownName
from bot.domain.identity import promotion_id
from bot.domain.intent import Context, Deploy, Promote, Rollback, Wish
from bot.domain.overlay import Overlay
from bot.domain.promotion import STORY, ApprovalRule, Kind, MissingImage, Move, Plan, Promotion
from bot.domain.reason import says_something
from bot.domain.sentence import shortened
from bot.evaluation.evaluator import GateEvaluator
from bot.notify.audience import card_channel
from bot.overlays.catalog import Catalog, Listing
from bot.policy import Policy
from bot.ports import Clock
from bot.promotions.moves import Moves, matched
from bot.promotions.rollback_targets import RollbackTarget, RollbackTargets
from bot.promotions.source_changes import Changes
from bot.promotions.wanted import Want, approval_rule, skipped_gates
from bot.runtime.beside import asked_beside

Apps = tuple[str, ...]
Known = Callable[[Apps], Apps]
NO_SOURCES = Changes(None)

NAMED = 10
"""apps that a sentence names"""


class Planner:
    """Raises UserError for what cannot be planned, IntegrationError when a fact cannot be had."""

    def __init__(
        self,
        catalog: Catalog,
        moves: Moves,
        policy: Policy,
        evaluator: GateEvaluator,
        targets: RollbackTargets,
        clock: Clock,
        changes: Changes = NO_SOURCES,
    ) -> None:
        self._catalog = catalog
        self._moves = moves
        self._policy = policy
        self._evaluator = evaluator
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
            moves = await self._moves.named(listing, overlay, ask.image)
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
        moves = await self._moves.restored(overlay, before, target)
        want = self._way_back((ask.app,), environment, target, moves, ask.reason)
        want = replace(want, break_glass=ask.break_glass)
        return await self._plan(want, listing, moves, requester, ask.context)

    def _way_back(
        self,
        apps: tuple[str, ...],
        environment: Environment,
        target: RollbackTarget,
        moves: Iterable[Move],
        reason: str,
    ) -> Want:
        """A rollback, if it leads to what ran before; what leads forward is a promotion, with all that it asks."""
        recorded = target.verified and all(move.after.digest == target.digests.get(move.name) for move in moves)
        back = target.back and (recorded or not any(move.newer for move in moves))
        return Want(apps, environment, Kind.ROLLBACK if back else Kind.PROMOTION, None, reason, on_record=recorded)

    async def reissue(self, promotion: Promotion) -> Plan:
        """The same wish on the overlay as it is now: the images that were to go, from what each line shows by now."""
        old = promotion.plan
        listing = await self._catalog.listing(fresh=True)
        moves = await asyncio.gather(*(self._moves.again(listing, move, old.environment) for move in promotion.moves))
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
        found = await asyncio.gather(*(self._moves.back(listing, move, old.environment) for move in promotion.moves))
        moves = [move for move, _ in found if move]
        want = Want(old.apps, environment, Kind.ROLLBACK, None, evidence, on_record=all(seen for _, seen in found))
        plan = await self._plan(want, listing, moves, PILOTHOUSE, _context(old))
        skipped = skipped_gates(self._policy, plan.apps, want) | {"alerts": "policy rolls back automatically"}
        rule = ApprovalRule(count=0, expires=plan.approval.expires)
        return replace(plan, channel=old.channel, replaces=old.id, automatic=True, approval=rule, skipped_gates=skipped)

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
                for old, new in matched(images[target], images[source])
            ]
            pin = self._moves.to_pinned if len(want.apps) == 1 else self._moves.to_pinned_if_there
            found = await asyncio.gather(*(pin(target, old, new) for target, _, old, new in pairs))
            await beside
        named = [
            replace(one, origin="" if source.environment == want.source.name else source.environment)
            for one, (_, source, _, _) in zip(found, pairs, strict=True)
            if one is not None
        ]
        missing = tuple(one for one in named if isinstance(one, MissingImage))
        gone = {one.app for one in missing}  # with its other images, too: half an app is not what anybody asked for
        moves = [one for one in named if isinstance(one, Move) and one.app not in gone]
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

    async def _plan(self, want: Want, listing: Listing, moves: list[Move], requester: Person, context: Context) -> Plan:
        environment = want.environment.name
        if not moves:
            what = f"what {want.source.name} has" if want.source else "that image"
            raise NothingToPromote(
                f"There is nothing to {'promote' if want.source else 'change'}: {environment} already pins {what} of "
                f"{shortened(want.apps, NAMED)} in git. `/status {want.apps[0]}` shows what runs where."
            )
        apps = tuple(dict.fromkeys(move.app for move in moves))
        if want.break_glass and not says_something(want.reason):
            raise InvalidCommand("Breaking the glass needs a reason: add `! WHY` to the command.")
        gates = tuple(dict.fromkeys(name for app in apps for name in self._evaluator.names(app, environment)))
        written = [(move.overlay, move.name) for move in moves]
        told, _ = await asyncio.gather(self._changes.of(moves), self._catalog.built.check(written, listing.commit))
        aged = await asyncio.gather(*(self._moves.aged(move, environment) for move in told.moves))
        id = promotion_id(context.request_id)
        return Plan(
            id=id,
            kind=want.kind,
            environment=environment,
            source=want.source.name if want.source else "",
            moves=tuple(aged),
            requester=requester,
            channel=card_channel(self._policy, context.channel, requester.id),
            requested_at=self._clock.now(),
            gates=gates,
            approval=ApprovalRule(count=0) if want.break_glass else approval_rule(self._policy, apps, want),
            seen_commit=listing.commit,
            reason=want.reason,
            skipped_gates=skipped_gates(self._policy, apps, want),
            break_glass=want.break_glass,
            authors=told.authors,
            authors_unknown=told.unknown,
            correlation_id=context.correlation_id,
            version=STORY,
            terms=self._evaluator.terms(apps, environment),
            pull_request=self._policy.rules_together(apps, environment).pull_request,
            branch=f"pilothouse/{id}-{secrets.token_hex(8)}",
            gate_timeout=self._policy.rules_together({*apps, *want.apps}, environment).gate_timeout,
        )


def _context(plan: Plan) -> Context:
    """The successor's request: derived from the plan that it replaces, so that it is planned once."""
    return Context(f"after:{plan.id}", plan.channel, plan.correlation_id)
