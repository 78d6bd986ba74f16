"""`/dora`: of what one may see, in the environment and the time that one names."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.delivery import Cause, Committed, Detail, Fact, ImageChange, Judged
from bot.domain.errors import UserError
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.reply import DoraReport
from bot.policy import parse
from bot.store.deliveries import DeliveryStore
from bot.views import render
from tests.fakes.command_harness import POLICY, CommandHarness

NOW = datetime.now(UTC)
REGIONS = "environments: [{name: development}, {name: staging}, {name: prod-eu}, {name: production}]"
IMAGE = ImageChange(OverlayImage("x", "h/x", "v1"), OverlayImage("x", "h/x", "v2"))


def facts(app: str, environment: str = "production", days: float = 1) -> list[Fact]:
    def fact(key: str, minutes: float, detail: Detail) -> Fact:
        at = NOW - timedelta(days=days) + timedelta(minutes=minutes)
        return Fact(f"{key}:{app}:{environment}:{days}", at, app, environment, detail)

    sha = f"{app}-{days}"
    commit = Committed(sha, Author("Ben", "ben@example.com"), "x", Cause.GIT, "k.yaml", (IMAGE,))
    return [fact("git", 0, commit), fact("judged", 5, Judged(sha, Progress.HEALTHY))]


@pytest.fixture
async def recorded(harness: CommandHarness) -> CommandHarness:
    known = [*facts("my-app"), *facts("payments"), *facts("my-app", "staging"), *facts("my-app", days=60)]
    async with harness.safety.database.begin() as connection:
        await DeliveryStore(harness.safety.database).add(connection, known)
    return harness


@pytest.fixture
async def two_regions(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    harness = CommandHarness(policy=parse(REGIONS + POLICY), database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    known = [*facts("payments", "prod-eu"), *facts("my-app"), *facts("my-app", days=2), *facts("my-app", "staging")]
    async with harness.safety.database.begin() as connection:
        await DeliveryStore(harness.safety.database).add(connection, known)
    yield harness
    await harness.safety.database.close()


async def report(harness: CommandHarness, line: str, user: str = "U0ANA") -> DoraReport:
    found = await harness.run(line, user)
    assert isinstance(found, DoraReport)
    return found


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("/dora", {"my-app": 2, "payments": 1}),
        ("/dora all", {"my-app": 2, "payments": 1}),
        ("/dora my-app prod", {"my-app": 2}),
        ("/dora my-app payments --since 30d", {"my-app": 1, "payments": 1}),
        ("/dora prod my-app since 30d", {"my-app": 1}),
        ("/dora staging", {"my-app": 1}),
        ("/dora ledger", {"ledger": 0}),
    ],
)
async def test_apps_environment_and_time(recorded: CommandHarness, line: str, counts: dict[str, int]) -> None:
    found = await report(recorded, line)
    assert {one.app: len(one.deployments) for one in found.places[0].parts} == counts


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("/dora", [("prod-eu", 1), ("production", 2)]),
        ("/dora my-app", [("prod-eu", 0), ("production", 2)]),
        ("/dora prod-eu", [("prod-eu", 1)]),
    ],
)
async def test_without_an_environment_every_production_is_counted_and_named(
    two_regions: CommandHarness, line: str, counts: list[tuple[str, int]]
) -> None:
    """Not the last one alone: that would be called delivery to production, and miss half of it."""
    found = await report(two_regions, line)
    assert [(one.environment, len(one.total.deployments)) for one in found.places] == counts
    shown = str(render(found).blocks)
    assert [name for name in ("prod-eu", "production") if f" to {name}" in shown or f"and {name}" in shown] == [
        one for one, _ in counts
    ]


async def test_who_may_not_view_an_app_counts_without_it(recorded: CommandHarness) -> None:
    found = await report(recorded, "/dora", "U0CY")
    assert [*found.apps] == ["my-app"]
    assert len(found.total.deployments) == 2


@pytest.mark.parametrize(
    "line",
    ["/dora --since soon", "/dora --since", "/dora nothing-like-it", "/dora my-app --since 5", "/dora --since 999999d"],
)
async def test_what_cannot_be_meant_is_refused(recorded: CommandHarness, line: str) -> None:
    with pytest.raises(UserError):
        await recorded.run(line, "U0ANA")


async def test_the_table_names_each_app_and_the_sum(recorded: CommandHarness) -> None:
    shown = str(render(await report(recorded, "/dora")).blocks)
    for words in ("my-app", "payments", "all", "5 min", "Lead time"):
        assert words in shown
    assert "No deployment" in render(await report(recorded, "/dora development")).text
