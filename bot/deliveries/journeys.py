"""Facts and promotions → journeys: each build, and what has become of it in each environment. Pure, in any order."""

from collections.abc import Iterable, Sequence

from bot.deliveries.builds import KINDS as BUILT
from bot.deliveries.builds import builds
from bot.deliveries.fold import deployments
from bot.domain.build import Build
from bot.domain.delivery import Deployment, Fact, Outcome
from bot.domain.journey import Journey, Leg
from bot.domain.promotion import Phase, Promotion

KINDS = (*BUILT, "committed", "synced-by-hand", "judged")


def journeys(
    facts: Iterable[Fact], promotions: Iterable[Promotion], environments: Sequence[str]
) -> tuple[Journey, ...]:
    """Of every app and revision that was built, oldest first; `environments` in promotion order."""
    known = tuple(facts)
    changed: dict[tuple[str, str], list[Deployment]] = {}
    for one in deployments(known):
        changed.setdefault((one.app, one.environment), []).append(one)
    asked = sorted(promotions, key=lambda promotion: (promotion.plan.requested_at, promotion.id))
    return tuple(
        Journey(build, tuple(_leg(build, name, changed.get((build.app, name), ()), asked) for name in environments))
        for build in builds(known)
    )


def _leg(build: Build, environment: str, changed: Sequence[Deployment], asked: Sequence[Promotion]) -> Leg:
    mine = [one for one in asked if one.plan.environment == environment and _brings(one, build)]
    arrived = [one for one in changed if any(image.after and build.is_in(image.after) for image in one.images)]
    newest = mine[-1] if mine else None
    if arrived and (newest is None or newest.commit or newest.phase.final):
        return _arrived(environment, arrived[-1], mine)
    if newest is None:
        return Leg(environment)
    if newest.phase is Phase.SUCCEEDED:  # and the branch has not been read since
        return Leg(
            environment, Outcome.HEALTHY, at=newest.finished_at, promotion=newest.id, channel=newest.plan.channel
        )
    ended = newest.phase.final
    refused = newest.outcome or f"{newest.phase}." if ended else ""
    waits = None if ended else newest.stage
    return Leg(environment, promotion=newest.id, channel=newest.plan.channel, waits=waits, refused=refused)


def _arrived(environment: str, deployment: Deployment, mine: Sequence[Promotion]) -> Leg:
    by = next((one for one in mine if one.id == deployment.promotion), None)
    return Leg(
        environment,
        deployment.outcome,
        deployment.explanation,
        deployment.sha,
        deployment.ended_at or deployment.at,
        by.id if by else "",
        by.plan.channel if by else "",
    )


def _brings(promotion: Promotion, build: Build) -> bool:
    return any(move.app == build.app and move.after.digest in build.digests for move in promotion.moves)
