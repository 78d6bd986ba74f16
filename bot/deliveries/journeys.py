"""Facts and promotions → journeys: each build, and what has become of it in each environment. Pure, in any order."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.deliveries.builds import KINDS as BUILT
from bot.deliveries.builds import Pinned, builds, pinned, pins
from bot.deliveries.fold import deployments
from bot.domain.build import Build
from bot.domain.delivery import Committed, Deployment, Fact, Judged, Outcome, SyncedByHand
from bot.domain.journey import Journey, Leg
from bot.domain.promotion import Phase, Promotion

KINDS = (*BUILT, "committed", "synced-by-hand", "judged")


def journeys(
    facts: Iterable[Fact], promotions: Iterable[Promotion], environments: Sequence[str]
) -> tuple[Journey, ...]:
    """Of every app and revision that was built, oldest first; `environments` in promotion order."""
    known = tuple(facts)
    arrivals = _Arrivals(known)
    asked = _asked(promotions)
    found: list[Journey] = []
    for build in builds(known):
        arrived = arrivals.of(build)
        brought = {one.id: one for digest in build.digests for one in asked.get((build.app, digest), ())}
        mine = sorted(brought.values(), key=lambda one: (one.plan.requested_at, one.id))
        found.append(Journey(build, tuple(_leg(build, name, arrived, mine) for name in environments)))
    return tuple(found)


class _Arrivals:
    """What has pinned an image anywhere, and what was said of it, by the image: each fact is looked at once."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._pinning: dict[Pinned, list[Fact]] = defaultdict(list)
        self._verdicts: dict[Pinned, list[Fact]] = defaultdict(list)
        for fact in facts:
            detail = fact.detail
            if isinstance(detail, Judged):
                self._verdicts[fact.app, fact.environment, detail.sha].append(fact)
            elif isinstance(detail, Committed | SyncedByHand):
                for image in detail.images:
                    if image.after:
                        self._pinning[pinned(fact.app, image.after)].append(fact)

    def of(self, build: Build) -> tuple[Deployment, ...]:
        """The deployments that brought it somewhere, oldest first."""
        facts = [fact for key in pins(build) for fact in self._pinning.get(key, ())]
        for fact in tuple(facts):
            assert isinstance(fact.detail, Committed | SyncedByHand)
            facts += self._verdicts.get((fact.app, fact.environment, fact.detail.sha), ())
        return deployments(facts)


def _asked(promotions: Iterable[Promotion]) -> dict[tuple[str, str], list[Promotion]]:
    found: dict[tuple[str, str], list[Promotion]] = defaultdict(list)
    for promotion in promotions:
        for app, digest in promotion.images:
            found[app, digest].append(promotion)
    return found


def _leg(build: Build, environment: str, deployed: Sequence[Deployment], asked: Sequence[Promotion]) -> Leg:
    mine = [one for one in asked if one.plan.environment == environment]
    arrived = [one for one in deployed if one.environment == environment]
    newest = mine[-1] if mine else None
    if arrived and (newest is None or newest.commit or newest.phase.final):
        return _arrived(build, arrived[-1], mine)
    if newest is None:
        return Leg(environment)
    leg = Leg(environment, promotion=newest.id, channel=newest.plan.channel, commits=_commits(build, newest))
    if newest.phase is Phase.SUCCEEDED:  # and the branch has not been read since
        return replace(leg, outcome=Outcome.HEALTHY, at=newest.finished_at)
    ended = newest.phase.final
    refused = newest.outcome or f"{newest.phase}." if ended else ""
    return replace(leg, waits=None if ended else newest.stage, refused=refused)


def _commits(build: Build, promotion: Promotion) -> int:
    """By the source host, when it was planned; a train may bring other apps and images, too."""
    mine = (move.commits for move in promotion.moves if move.app == build.app and move.after.digest in build.digests)
    return next(mine, -1)


def _arrived(build: Build, deployment: Deployment, mine: Sequence[Promotion]) -> Leg:
    by = next((one for one in mine if one.id == deployment.promotion), None)
    return Leg(
        deployment.environment,
        deployment.outcome,
        deployment.explanation,
        deployment.sha,
        deployment.ended_at or deployment.at,
        by.id if by else "",
        by.plan.channel if by else "",
        commits=_commits(build, by) if by else -1,
    )
