"""The commits whose end is not known yet: each stays open until it is judged, however long its Application waits.

See docs/decisions/0375.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.deliveries.application_names import Place
from bot.deliveries.assessment import YOUNG, Case, open_case
from bot.domain.application import Application
from bot.domain.delivery import Committed, Fact, Judged
from bot.domain.promotion import Progress
from bot.ports import OverlaySource

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_AGAIN = timedelta(seconds=10)
"""at a commit that is under way, where nothing was heard meanwhile"""
SELDOM = timedelta(minutes=10)
"""at one that waits for a person or a sync window, and whose Application has not changed"""
SETTLES = timedelta(minutes=15)
"""after a change of the Application: what may still change must last for some minutes"""
LOOK_BACK = timedelta(days=30)
"""for what is open, at a start; an Application that nobody has heard of for so long is not waited for"""
PAUSE_AFTER = 2000
"""places, for the event loop's sake"""


@dataclass
class _PlaceCases:
    """`stands`: how the Application stood at `changed`, whatever commit it was compared with."""

    cases: dict[str, Case] = field(default_factory=dict)
    newest: datetime = EARLIEST
    stands: int = 0
    changed: datetime = EARLIEST
    looked: datetime = EARLIEST


class OpenCases:
    """Of the environments that one Argo CD serves."""

    def __init__(self, source: OverlaySource, environments: Iterable[str], clock: Callable[[], datetime]) -> None:
        self._source = source
        self._environments = frozenset(environments)
        self._clock = clock
        self._places: dict[Place, _PlaceCases] = {}

    def clear(self) -> None:
        self._places.clear()

    def note(self, fact: Fact) -> None:
        """A commit, or what was judged of one; the commit comes first. Others are nothing here."""
        place, detail = (fact.app, fact.environment), fact.detail
        if fact.environment not in self._environments:
            return
        if isinstance(detail, Committed):
            there = self._places.setdefault(place, _PlaceCases())
            if detail.id not in there.cases:
                there.cases[detail.id] = open_case(fact, self._source, self._clock)
                there.newest = max(there.newest, fact.at)
        elif isinstance(detail, Judged) and (case := self.case(place, detail.sha)):
            case.said |= {detail.progress, last_word(detail.progress)}

    def case(self, place: Place, sha: str) -> Case | None:
        there = self._places.get(place)
        return there.cases.get(sha) if there else None

    def of(self, place: Place) -> list[Case]:
        """Those that are open there."""
        there = self._places.get(place)
        return [case for case in there.cases.values() if not case.over] if there else []

    def under_way(self, place: Place, now: datetime) -> bool:
        """Whether a new commit is, there: its own resources differ until it is synced."""
        there, over = self._places.get(place), {Progress.HEALTHY, Progress.SUPERSEDED}
        return there is not None and any(
            not case.said & over for case in there.cases.values() if now - case.fact.at <= YOUNG
        )

    async def wanted(self, apps: Mapping[Place, Application], fresh: set[Place], now: datetime) -> list[Place]:
        """Where to look now."""
        found: list[Place] = []
        for number, (place, there) in enumerate(list(self._places.items()), 1):
            if number % PAUSE_AFTER == 0:
                await asyncio.sleep(0)
            app = apps.get(place)
            if app is None or all(case.over for case in there.cases.values()):
                continue
            changed = place in fresh and _changed(there, app, now)
            young = now - there.newest <= YOUNG
            pace = LOOK_AGAIN if young or now - there.changed <= SETTLES else SELDOM
            if changed or (young and place in fresh) or now - there.looked >= pace:
                there.looked = now
                found.append(place)
        return found

    def forget(self, known: Mapping[Place, Application], now: datetime) -> None:
        """What is over, once nobody reads it again; and what no Application ever came to."""
        for place, there in list(self._places.items()):
            waits = LOOK_BACK if place not in known else None
            there.cases = {sha: case for sha, case in there.cases.items() if _is_kept(case, now - case.fact.at, waits)}
            if not there.cases:
                del self._places[place]


def last_word(progress: Progress) -> Progress:
    """What was synced and replaced while nobody looked is told as synced, and there will never be more to say."""
    return Progress.SUPERSEDED if progress is Progress.SYNCING else progress


def _is_kept(case: Case, age: timedelta, waits: timedelta | None) -> bool:
    return age <= YOUNG or not (case.over or (waits and age > waits))


def _changed(there: _PlaceCases, app: Application, now: datetime) -> bool:
    """Argo CD compares each Application with each commit of the branch: that alone is no change."""
    operation, newest = app.operation, app.history[-1].id if app.history else 0
    began = (operation.started_at, operation.phase) if operation else None
    stands = hash((app.sync, app.health, began, app.images, newest))
    if stands == there.stands:
        return False
    there.stands, there.changed = stands, now
    return True
