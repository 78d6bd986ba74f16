"""`pilothouse audit four-eyes`: what changed without a second pair of eyes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import typer
from rich.markup import escape
from rich.table import Table

from bot.cli.record import (
    AsJson,
    EnvironmentName,
    PolicyFile,
    Since,
    Until,
    Url,
    named_environments,
    read_policy,
    reading,
    start_of,
)
from bot.cli.terminal import fail, print_json, print_table
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.fold import deployments
from bot.deliveries.troubles import troubles
from bot.domain.authorship import People
from bot.domain.delivery import Deployment
from bot.domain.four_eyes import unapproved, unseen
from bot.domain.promotion import Promotion
from bot.domain.sentence import shortened
from bot.domain.trouble import Trouble, TroubleKind
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from bot.views.words import clean, count

DRIFTED = "drift"
"""the kind of the facts"""
MOST_RESOURCES = 6


def four_eyes(
    url: Url = "",
    since: Since = "90d",
    environment: EnvironmentName = "",
    policy: PolicyFile = None,
    until: Until = "",
    as_json: AsJson = False,
) -> None:
    """List the changes that only one person has seen. Exit status 1 if there are any.

    They are: promotions that nobody else approved, or that the policy lets through without approval; broken glass
    whose review is still owed; changes made without Pilothouse, by hand or by a pipeline; and, in a table of their own,
    changes in the cluster without a commit, as with kubectl. Without --environment the report covers production and the
    last environment, and names each.
    """
    by_policy = read_policy(policy)
    where, people = named_environments(environment, by_policy), by_policy.people
    start = start_of(since) or datetime.min.replace(tzinfo=UTC)
    end = start_of(until, "--until") or datetime.max.replace(tzinfo=UTC)

    async def work(database: Database) -> tuple[list[Section], datetime | None]:
        drifts = [
            one for one in await _drifts(database) if one.at < end and (one.over_at is None or one.over_at > start)
        ]
        sections = [
            Section(
                one,
                await _changes(database, one, (start, end), people),
                tuple(drift for drift in drifts if drift.environment == one),
            )
            for one in where
        ]
        return sections, await DeliveryStore(database).known_since(OBSERVER)

    sections, known = reading(url, work)
    if as_json:
        print_json(_as_json(sections, known))
        raise typer.Exit(0 if all(one.clean for one in sections) else 1)
    print(_known(known, start))
    if listed := [row for one in sections for row in one.unseen]:
        print_table(_report(listed))
    if drifted := [drift for one in sections for drift in one.drifts]:
        print("Changed in the cluster without a commit, so nobody approved it:")
        print_table(_drift_report(drifted))
    for one in sections:
        if one.clean:
            print(one.sentence)
    if found := [one.sentence for one in sections if not one.clean]:
        fail("\n".join(found))


async def _drifts(database: Database) -> list[Trouble]:
    """All that are on record: one that began before the time that is asked for may reach into it."""
    facts = await DeliveryStore(database).of_kinds([DRIFTED], datetime.min.replace(tzinfo=UTC))
    return [one for one in troubles(facts) if one.kind is TroubleKind.DRIFT]


async def _changes(
    database: Database, where: str, between: tuple[datetime, datetime], people: People
) -> "tuple[Listed, ...]":
    (start, end), reviews = between, ReviewStore(database)
    changes = await PromotionStore(database).changes(where, start)
    promoted = [_promoted(change, unseen(change, await reviews.get(change.id), people)) for change in changes]
    others = deployments(await DeliveryStore(database).of(environment=where, since=start))
    foreign = [_foreign(one, unapproved(one)) for one in others if not one.cause.ours]
    return tuple(one for one in (*promoted, *foreign) if one.at < end)


@dataclass(frozen=True)
class Listed:
    """A change, as a row of the report; `why` is "" for one that somebody else has looked at."""

    at: datetime
    environment: str
    id: str
    change: str
    by: str
    approvers: str
    why: str


@dataclass(frozen=True)
class Section:
    """What changed in one environment."""

    environment: str
    changes: tuple[Listed, ...]
    drifts: tuple[Trouble, ...] = ()

    @property
    def clean(self) -> bool:
        return not (self.unseen or self.drifts)

    @property
    def unseen(self) -> list[Listed]:
        """Oldest first."""
        return sorted((one for one in self.changes if one.why), key=lambda one: one.at)

    @property
    def sentence(self) -> str:
        total = f"{count(len(self.changes), 'change')} to {self.environment}"
        said = f"{total}, each seen by a second person." if self.changes else f"No changes to {self.environment}."
        if self.unseen:
            said = f"Seen by one person only: {len(self.unseen)} of {total}."
        if self.drifts:
            times = count(len(self.drifts), "change in the cluster", "changes in the cluster")
            said += f" Without a commit: {times} of {self.environment}."
        return said


def _as_json(sections: Sequence[Section], known: datetime | None) -> dict[str, object]:
    """`environments` has each that was looked at, with its numbers; `unseen` and `drifts` are of all of them, each row
    with its own.
    """
    return {
        "environments": [
            {
                "environment": one.environment,
                "changes": len(one.changes),
                "unseen": len(one.unseen),
                "drifts": len(one.drifts),
            }
            for one in sections
        ],
        "changes": sum(len(one.changes) for one in sections),
        "others_known_since": known.isoformat() if known else None,
        "unseen": [asdict(row) | {"at": row.at.isoformat()} for one in sections for row in one.unseen],
        "drifts": [_drift_json(drift) for one in sections for drift in one.drifts],
    }


def _drift_json(drift: Trouble) -> dict[str, object]:
    return {
        "at": drift.at.isoformat(),
        "over_at": drift.over_at.isoformat() if drift.over_at else None,
        "app": drift.app,
        "environment": drift.environment,
        "resources": list(drift.resources),
    }


def _promoted(promotion: Promotion, why: str) -> Listed:
    plan, at = promotion.plan, promotion.changed_at or promotion.plan.requested_at
    change = ", ".join(f"{move.app} {move.label_before} → {move.after.label}" for move in promotion.moves)
    approvers = ", ".join(approval.approver.name for approval in promotion.approvals) or "nobody"
    return Listed(at, plan.environment, plan.id, change, plan.requester.name, approvers, why)


def _foreign(deployment: Deployment, why: str) -> Listed:
    changed = [" → ".join(image.labels) for image in deployment.images] or list(deployment.paths)
    return Listed(
        deployment.at,
        deployment.environment,
        deployment.sha[:12],
        f"{deployment.app} {', '.join(changed)}",
        deployment.who or "unknown",
        "nobody",
        why,
    )


def _known(since: datetime | None, start: datetime) -> str:
    """What the report cannot know."""
    if since is None:
        return "Changes made without Pilothouse are unknown: it has never read the overlay repository."
    if since > start:
        return f"Changes made without Pilothouse are known only since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    return "Changes made without Pilothouse are included: commits, syncs by hand, and drift that Argo CD showed."


def _report(found: list[Listed]) -> Table:
    table = Table(
        "When (UTC)", "Environment", "Promotion or commit", "Change", "Requested by", "Approved by", "Why it is listed"
    )
    for one in found:
        when = f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M}"
        texts = (one.environment, one.id, one.change, one.by, one.approvers, one.why)
        table.add_row(when, *(escape(clean(text)) for text in texts))
    return table


def _drift_report(drifts: list[Trouble]) -> Table:
    table = Table("From (UTC)", "Until (UTC)", "Environment", "App", "What changed")
    for one in drifts:
        until = f"{one.over_at.astimezone(UTC):%Y-%m-%d %H:%M}" if one.over_at else "now"
        texts = (one.environment, one.app, shortened(one.resources, MOST_RESOURCES))
        table.add_row(f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M}", until, *(escape(clean(text)) for text in texts))
    return table
