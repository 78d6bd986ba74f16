"""Facts → builds: what became of each source revision before it was anywhere. Pure, in any order."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.build import Build, ImagePushed, ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.delivery import Fact
from bot.domain.overlay import OverlayImage
from bot.domain.pipeline import RunStatus

Pinned = tuple[str, str, str]
"""app, and a digest; or app, repository and tag"""
KINDS = ("pushed", "run-started", "run-ended", "image-pushed", "image-scanned")


def builds(facts: Iterable[Fact]) -> tuple[Build, ...]:
    """One for each app and revision that a run has named, oldest first."""
    known = {fact.key: fact for fact in facts}
    ordered = sorted(known.values(), key=lambda fact: (fact.at, fact.key))
    runs: dict[tuple[str, str], dict[str, Build]] = defaultdict(dict)
    for fact in ordered:
        if isinstance(fact.detail, RunStarted | RunEnded) and fact.detail.revision:
            there = runs[fact.app, fact.detail.revision]
            name = fact.detail.run
            there[name] = _after(there.get(name), fact)
    beside = _beside(ordered)
    found = [_joined(list(of.values()), beside) for of in runs.values()]
    return tuple(sorted(found, key=lambda one: (one.at, one.app, one.revision)))


def unbuilt(facts: Iterable[Fact], built: Iterable[Build]) -> tuple[Build, ...]:
    """What was pushed, and what no pipeline run has named yet; oldest first."""
    known = {(build.app, build.revision) for build in built}
    beside = _beside(sorted(facts, key=lambda fact: (fact.at, fact.key)))
    waiting = [
        Build(app, sha, "", at, RunStatus.PENDING, source=push.repository)
        for (app, sha), (at, push) in beside.pushes.items()
        if (app, sha) not in known
    ]
    return tuple(_joined([build], beside) for build in waiting)


def pinned(app: str, entry: OverlayImage) -> Pinned:
    """What an entry of an overlay is found by: content where it names it."""
    return (app, "", entry.digest) if entry.digest else (app, entry.repository, entry.tag)


def pins(build: Build) -> list[Pinned]:
    """The entries of overlays that pin what was built."""
    tagged = [(build.app, build.repository, build.tag)] if build.tag else []
    return [(build.app, "", digest) for digest in build.digests] + tagged


@dataclass
class Beside:
    """What is known without a run: by app and revision, or by app and digest."""

    pushes: dict[tuple[str, str], tuple[datetime, Pushed]] = field(default_factory=dict)
    stored: dict[tuple[str, str], datetime] = field(default_factory=dict)
    scans: dict[tuple[str, str], ImageScanned] = field(default_factory=dict)


def _beside(ordered: Iterable[Fact]) -> Beside:
    """The first push, and the last scan."""
    found = Beside()
    for fact in ordered:
        match fact.detail:
            case Pushed() as push:
                found.pushes.setdefault((fact.app, push.sha), (fact.at, push))
            case ImagePushed() as image:
                found.stored.setdefault((fact.app, image.digest), fact.at)
            case ImageScanned() as scan:
                found.scans[fact.app, scan.digest] = scan
    return found


def _after(build: Build | None, fact: Fact) -> Build:
    """One run, with one fact more."""
    detail = fact.detail
    assert isinstance(detail, RunStarted | RunEnded)
    build = build or Build(fact.app, detail.revision, detail.run, fact.at)
    build = replace(build, source=build.source or detail.source, requester=build.requester or detail.requester)
    if isinstance(detail, RunStarted):
        return replace(build, began_at=build.began_at or fact.at, repository=build.repository or detail.repository)
    if build.ended_at and build.status is not RunStatus.DELETED:
        return build  # a replica that saw it vanish knows less than one that saw its end
    return replace(
        build,
        status=detail.status,
        began_at=detail.started_at or build.began_at,
        ended_at=fact.at,
        repository=detail.repository or build.repository,
        tag=detail.tag,
        digest=detail.digest,
        reason=detail.reason,
        held=detail.held,
    )


def _joined(runs: list[Build], beside: Beside) -> Build:
    """The newest run that built something, else the newest; `at` is when the first thing happened."""
    runs = sorted(runs, key=lambda run: (run.began_at or run.at, run.run))
    build = next((run for run in reversed(runs) if run.digest), runs[-1])
    pushed, push = beside.pushes.get((build.app, build.revision), (None, None))
    return replace(
        build,
        at=min([run.at for run in runs] + ([pushed] if pushed else [])),
        digests=tuple(dict.fromkeys(run.digest for run in runs if run.digest)),
        stored_at=beside.stored.get((build.app, build.digest)),
        scan=beside.scans.get((build.app, build.digest)),
        push=push,
        pushed_at=pushed,
    )
