"""What is known of one Application on its way to one commit, out of what Argo CD and git say (A28)."""

from collections.abc import Sequence

from bot.domain.application import Application, ResourceHealth
from bot.domain.image import Reference, Runs, runs
from bot.domain.sentence import listed
from bot.promotions.arrival import Evidence
from bot.promotions.containment import Containment, Line, WrittenLine


async def evidence_of(app: Application, contained: Containment, lines: Sequence[WrittenLine], commit: str) -> Evidence:
    """`lines` are what `commit` has written for this Application. Raises IntegrationError while git is away."""
    operation = app.operation
    at = await contained.at(app.revision)
    synced = await contained.at(operation.revision if operation else "")
    each = [runs(app.images, line.after, by_digest=at.by_digest) for line in lines]
    return Evidence(
        app,
        at,
        synced,
        runs=Runs.OTHERS if Runs.OTHERS in each else Runs.UNSEEN if Runs.UNSEEN in each else Runs.YES,
        instead=", ".join(_instead(app, lines)),
        wanted=listed(list(dict.fromkeys(line.after.label for line in lines))),
        was_synced=await _was_synced(app, contained, commit),
    )


def blamed(resources: Sequence[ResourceHealth]) -> ResourceHealth | None:
    """The one whose message says most; None where nothing is unwell."""
    return next((one for one in resources if one.message), resources[0] if resources else None)


def _instead(app: Application, lines: Sequence[WrittenLine]) -> list[str]:
    """What runs of our repositories; of others where none does."""
    ours = {line.after.repository for line in lines}
    same = [image for image in app.images if Reference.parse(image).repository in ours]
    return (same or list(app.images))[:3]


async def _was_synced(app: Application, contained: Containment, commit: str) -> bool:
    """Asked only where it matters: a later commit's sync has failed."""
    operation = app.operation
    if not (operation and operation.failed):
        return False
    if operation.revision == commit:
        return False
    revisions = [entry.revision for entry in app.history[-3:]]
    return any([(await contained.at(revision)).line is Line.OURS for revision in revisions])
