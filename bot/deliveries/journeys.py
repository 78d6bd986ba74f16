"""Facts and promotions → journeys: each build, and what has become of it in each environment. Pure, in any order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from bot.deliveries.builds import KINDS as BUILT
from bot.deliveries.builds import Pinned, builds, pinned, pins, unbuilt
from bot.deliveries.fold import deployments
from bot.domain.build import Build
from bot.domain.delivery import Committed, Deployment, Fact, Judged, Outcome, SyncedByHand
from bot.domain.journey import Journey, Later, Leg
from bot.domain.promotion import Phase, Promotion
from bot.domain.source_range import CommitsFound

KINDS = (*BUILT, "committed", "synced-by-hand", "judged", "commits-found")


def journeys(
    facts: Iterable[Fact], promotions: Iterable[Promotion], environments: Sequence[str], last: Sequence[str] = ()
) -> tuple[Journey, ...]:
    """Of every app and revision that was pushed or built, oldest first; `environments` in promotion order.

    `last`: those in which a journey ends; by default the last one.
    """
    known = tuple(facts)
    arrivals = _Arrivals(known)
    asked = _asked(promotions)
    built = builds(known)
    every = sorted((*built, *unbuilt(known, built)), key=lambda one: (one.at, one.app, one.revision))
    arrived = {(build.app, build.revision): arrivals.of(build) for build in every}
    later = _later(every, arrived)
    found: list[Journey] = []
    for build in every:
        key = build.app, build.revision
        brought = {one.id: one for digest in build.digests for one in asked.get((build.app, digest), ())}
        mine = sorted(brought.values(), key=lambda one: (one.plan.requested_at, one.id))
        legs = [_leg(build, name, arrived[key], mine) for name in environments]
        legs = [leg if leg.arrived else replace(leg, later=later[key].get(leg.environment)) for leg in legs]
        found.append(Journey(build, tuple(legs), tuple(last or environments[-1:])))
    return tuple(found)


def _later(
    every: Iterable[Build], arrived: Mapping[tuple[str, str], Sequence[Deployment]]
) -> Mapping[tuple[str, str], Mapping[str, Later]]:
    """For each build, by environment: the later push that has brought it there, as each contains those before it.

    A forced push contains none of them; of two within the same second nobody knows.
    """
    found: dict[tuple[str, str], Mapping[str, Later]] = defaultdict(dict)
    branches: dict[tuple[str, str], list[Build]] = defaultdict(list)
    for build in every:
        if build.push and build.pushed_at:
            branches[build.app, build.push.repository].append(build)
    for pushed in branches.values():
        best: dict[str, tuple[Deployment, Later]] = {}
        ordered = sorted(pushed, key=lambda one: (one.pushed_at, one.revision), reverse=True)
        for _, together in groupby(ordered, key=lambda one: one.pushed_at):
            some = tuple(together)
            for build in some:
                found[build.app, build.revision] = {name: one for name, (_, one) in best.items()}
            for build in some:
                for deployment in arrived[build.app, build.revision]:
                    _improve(best, build, deployment)
            if any(build.push and build.push.forced for build in some):
                best = {}
    return found


def _improve(best: dict[str, tuple[Deployment, Later]], build: Build, deployment: Deployment) -> None:
    """The first that became Healthy there; while none did, the newest."""
    known, _ = best.get(deployment.environment, (None, None))
    healthy = deployment.outcome is Outcome.HEALTHY
    if known and known.outcome is Outcome.HEALTHY:
        better = healthy and deployment.at < known.at
    else:
        better = known is None or healthy or deployment.at > known.at
    if better:
        later = Later(build.revision, deployment.outcome, build.push.url if build.push else "")
        best[deployment.environment] = deployment, later


class _Arrivals:
    """What has pinned an image anywhere, and what was said of it, by the image: each fact is looked at once."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._pinning: dict[Pinned, list[Fact]] = defaultdict(list)
        self._verdicts: dict[Pinned, list[Fact]] = defaultdict(list)
        self._commits: dict[str, Fact] = {}
        for fact in facts:
            detail = fact.detail
            if isinstance(detail, Judged):
                self._verdicts[fact.app, fact.environment, detail.sha].append(fact)
            elif isinstance(detail, CommitsFound):
                self._commits[detail.of] = fact
            elif isinstance(detail, Committed | SyncedByHand):
                for image in detail.images:
                    if image.after:
                        self._pinning[pinned(fact.app, image.after)].append(fact)

    def of(self, build: Build) -> tuple[Deployment, ...]:
        """The deployments that brought it somewhere, oldest first."""
        facts = [fact for key in pins(build) for fact in self._pinning.get(key, ())]
        for fact in tuple(facts):
            assert isinstance(fact.detail, Committed | SyncedByHand)
            id = fact.detail.id if isinstance(fact.detail, Committed) else fact.detail.sha
            facts += self._verdicts.get((fact.app, fact.environment, id), ())
            facts += [self._commits[fact.key]] if fact.key in self._commits else []
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
    leg = replace(_carried(Leg(environment), newest), commits=_commits(build, newest))
    if newest.phase is Phase.SUCCEEDED:  # and the branch has not been read since
        return replace(leg, outcome=Outcome.HEALTHY, at=newest.finished_at)
    ended = newest.phase.final
    refused = newest.outcome or f"{newest.phase}." if ended else ""
    return replace(leg, waits=None if ended else newest.stage, refused=refused)


def _commits(build: Build, promotion: Promotion) -> int:
    """By the source host, when it was planned; a train may bring other apps and images, too."""
    mine = (move.commits for move in promotion.moves if move.app == build.app and move.after.digest in build.digests)
    return next(mine, -1)


def _brought(build: Build, deployment: Deployment) -> int:
    """By the record: of the repository that the build is from."""
    mine = {*pins(build)}
    names = [one.name for one in deployment.images if one.after and pinned(build.app, one.after) in mine]
    ranges = (deployment.commits.of_image(name) for name in names) if deployment.commits else ()
    return next((one.total for one in ranges if one), -1)


def _arrived(build: Build, deployment: Deployment, mine: Sequence[Promotion]) -> Leg:
    by = next((one for one in mine if one.id == deployment.promotion), None)
    planned = _commits(build, by) if by else -1
    leg = Leg(
        deployment.environment,
        deployment.outcome,
        deployment.explanation,
        deployment.sha,
        deployment.ended_at or deployment.at,
        commits=planned if planned >= 0 else _brought(build, deployment),
    )
    return _carried(leg, by) if by else leg


def _carried(leg: Leg, by: Promotion) -> Leg:
    return replace(leg, promotion=by.id, channel=by.plan.channel, requester=by.plan.requester.id)
