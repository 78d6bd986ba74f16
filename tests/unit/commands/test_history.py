"""`/history`: promotions, changes by others, and how the app was, page by page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.delivery import Cause, Committed, Detail, Drifted, Fact, HealthChanged, ImageChange, SyncUnknown
from bot.domain.errors import InvalidCommand
from bot.domain.intent import Context, ShowHistory
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Phase, Stage
from bot.domain.reply import ChangeHistory
from bot.domain.source_range import BroughtCommit, CommitsFound, SourceRange, commits_key
from bot.domain.trouble import TroubleKind
from bot.policy import parse
from bot.router.buttons import read_button
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore
from bot.views import render
from tests.fakes.command_harness import POLICY, CommandHarness
from tests.views.samples import promotion as sample

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


async def record(harness: CommandHarness, *facts: Fact) -> None:
    async with harness.safety.database.begin() as connection:
        await DeliveryStore(harness.safety.database).add(connection, facts)


def trouble(minutes: float, detail: Detail, environment: str = "production") -> Fact:
    return Fact(f"{environment}:{minutes}", NOON + timedelta(minutes=minutes), "my-app", environment, detail)


async def test_history_has_what_went_wrong_without_a_deployment(harness: CommandHarness) -> None:
    """kubectl leaves no commit, and an illness no deployment: without rows of their own they would leave no trace."""
    await record(
        harness,
        trouble(0, Drifted(("Deployment my-app",))),
        trouble(1, HealthChanged(healthy=False, status="Degraded", resource="Deployment my-app")),
        trouble(2, HealthChanged(healthy=True, status="Healthy")),
        trouble(3, SyncUnknown("no manifest"), "staging"),
    )
    found = await history_of(harness, "/history my-app")
    assert [one.kind for one in found.troubles] == [TroubleKind.NOT_COMPARED, TroubleKind.ILL, TroubleKind.DRIFT]
    assert [one.kind for one in (await history_of(harness, "/history my-app staging")).troubles] == [
        TroubleKind.NOT_COMPARED
    ]
    shown = str(render(found).blocks)
    assert all(words in shown for words in ("without a commit", "Degraded", "no manifest"))


async def test_history_hides_troubles_of_places_that_one_may_not_view(tmp_path: Path) -> None:
    bound = POLICY.replace("{role: viewer, users: [U0CY], apps: [my-app]}",
                           "{role: viewer, users: [U0CY], apps: [my-app], environments: [staging]}")  # fmt: skip
    harness = CommandHarness(policy=parse(bound), database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    await record(harness, trouble(0, Drifted(("Secret key",))), trouble(1, Drifted(("ConfigMap x",)), "staging"))
    assert [one.environment for one in (await history_of(harness, "/history my-app", "U0CY")).troubles] == ["staging"]
    assert len((await history_of(harness, "/history my-app")).troubles) == 2
    await harness.safety.database.close()


async def test_history_has_pages_and_nothing_is_lost_between_them(harness: CommandHarness) -> None:
    promotions = [
        replace(one, plan=replace(one.plan, id=f"p-{number}", requested_at=NOON + timedelta(minutes=number + 0.5)))
        for number, one in enumerate([sample(phase=Phase.FAILED, stage=Stage.DONE)] * 12)
    ]
    async with harness.safety.database.begin() as connection:
        for one in promotions:
            made = replace(one, plan=replace(one.plan, environment="production"))
            await harness.safety.promotions.create(connection, made)
            await harness.safety.promotions.save(connection, made)
    await record(harness, *(trouble(number, Drifted((f"ConfigMap {number}",), over=number % 2 == 1))
                           for number in range(24)))  # fmt: skip
    pages = [await history_of(harness, f"/history my-app prod --page {number}") for number in (1, 2, 3, 4)]
    assert [len(one.promotions) + len(one.troubles) for one in pages] == [10, 10, 4, 0]
    assert [one.more for one in pages] == [True, True, False, False]
    assert len({one.id for page in pages for one in page.promotions}) == 12
    assert len({one.resources for page in pages for one in page.troubles}) == 12
    older = next(one for block in render(pages[0]).blocks if block["type"] == "actions" for one in block["elements"])
    pressed = read_button(older, Context("r", "C0DEPLOY", "c", "T0PILOT"))
    assert isinstance(pressed, ShowHistory)
    assert (pressed.app, pressed.environment, pressed.page) == ("my-app", "production", 2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("commands.history.LAST", 2)
        last = await history_of(harness, "/history my-app prod --page 2")
    assert not last.more, "it would lead to a page that is none"
    for page in ("0", "x", "1000", "0000011000"):
        with pytest.raises(InvalidCommand, match="not a page"):
            await history_of(harness, f"/history my-app --page {page}")


async def history_of(harness: CommandHarness, line: str, user: str = "U0BO") -> ChangeHistory:
    found = await harness.run(line, user)
    assert isinstance(found, ChangeHistory)
    return found


async def test_history_says_which_source_commits_came(harness: CommandHarness) -> None:
    """Of a change by hand, and of a promotion by what is on record, for each image."""
    images = tuple(
        ImageChange(OverlayImage(name, f"h/{name}", "v1"), OverlayImage(name, f"h/{name}", "v2"))
        for name in ("web", "jobs")
    )
    ana = Author("U0CY", "")
    ranges = (
        SourceRange(("web",), "s", "a", "b", 4, (), (BroughtCommit("Make it <!here> faster", ana),)),
        SourceRange(("jobs",), "t", "c", "d", 1, (), (BroughtCommit("Fix the till", Author("Bo", "")),)),
    )
    for sha, cause, promotion in (("aaa", Cause.GIT, ""), ("bbb", Cause.PROMOTION, "p-1")):
        commit = Committed(sha, ana, "x", cause, "k.yaml", images, promotion=promotion)
        begun = Fact(f"git:{sha}", NOON, "my-app", "production", commit)
        found = Fact(commits_key(begun.key), NOON, "my-app", "production", CommitsFound(begun.key, ranges))
        await record(harness, begun, found)
    made = sample(phase=Phase.SUCCEEDED, stage=Stage.DONE)
    async with harness.safety.database.begin() as connection:
        await PromotionStore(harness.safety.database).create(
            connection, replace(made, plan=replace(made.plan, id="p-1"))
        )
    shown = str(render(await history_of(harness, "/history my-app")).blocks)
    assert shown.count("web: 4 commits: Make it &lt;!here&gt; faster (u0cy) and 3 more") == 2
    assert shown.count("jobs: 1 commit: Fix the till (Bo)") == 2
