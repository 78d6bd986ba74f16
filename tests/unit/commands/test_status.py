"""What runs where, with whatever answers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.deliveries.application_record import ApplicationRecord
from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    LastKnown,
    Operation,
    OperationPhase,
    ResourceHealth,
    SyncStatus,
    Unheard,
)
from bot.domain.delivery import Drifted, Fact
from bot.domain.drift import Difference, Drift
from bot.domain.errors import InvalidCommand, Refused, Unavailable, UnknownName
from bot.domain.intent import Context, Deploy, Status, SyncAction, SyncApplication
from bot.domain.queueing import Waiting
from bot.domain.reply import StatusDetail, StatusOverview, StatusRow
from bot.policy import parse
from bot.queries import status
from bot.queries.overview import OverviewQuery
from bot.router.buttons import read_button
from bot.store.queue import QueueStore
from bot.views import render
from tests.fakes.applications import MemoryApplications
from tests.fakes.command_harness import ENVIRONMENTS, POLICY, RUNNING, CommandHarness, healthy, seed
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.promotions import HOST
from tests.sentences import says

MANY = [f"app-{number}" for number in range(12)]


async def rows(harness: CommandHarness, typed: str, user: str = "U0BO") -> tuple[StatusRow, ...]:
    reply = await harness.run(typed, user)
    if isinstance(reply, StatusDetail):
        return (reply.row,)
    assert isinstance(reply, StatusOverview)
    return reply.rows


async def test_everything_by_app_then_in_promotion_order() -> None:
    harness = CommandHarness()
    shown = await rows(harness, "/status")
    assert [(row.app, row.environment) for row in shown] == [
        (app, environment) for app in ("ledger", "my-app", "payments") for environment in ENVIRONMENTS
    ]
    assert all(row.application and not row.problem and row.images and row.last for row in shown)


async def test_one_app_one_environment_or_one_of_both() -> None:
    harness = CommandHarness()
    assert len(await rows(harness, "/status my-app")) == 3
    assert len(await rows(harness, "/status prod")) == 3
    (row,) = await rows(harness, "/status my-app prod")
    assert row.images[0].tag == "1.4.1"
    assert row.last
    assert row.last.message == "First commit"


async def test_the_image_is_that_of_the_newest_commit_however_soon_it_is_asked_again() -> None:
    harness = CommandHarness()
    await rows(harness, "/status my-app prod")
    path = "apps/my-app/overlays/production/kustomization.yaml"
    before = (await harness.overlays.read([path], await harness.overlays.head()))[path]
    harness.overlays.push({path: before.replace(b"1.4.1", b"1.4.2")}, "A new image")
    (row,) = await rows(harness, "/status my-app prod")
    assert row.last
    assert (row.last.message, row.images[0].tag) == ("A new image", "1.4.2")


async def test_one_overlay_that_cannot_be_read_hides_no_other() -> None:
    harness = CommandHarness()
    harness.overlays.push({"apps/ledger/overlays/development/kustomization.yaml": b"]["}, "Oops")
    shown = {(row.app, row.environment): row for row in await rows(harness, "/status")}
    assert "is not valid YAML" in shown["ledger", "development"].problem
    assert all(row.images for place, row in shown.items() if place != ("ledger", "development"))


async def test_an_image_that_is_pinned_by_digest_is_shown_by_its_tag_where_there_is_one() -> None:
    harness = CommandHarness()
    path = "apps/my-app/overlays/production/kustomization.yaml"
    image = (await harness.images.artifact(f"{HOST}/my-app", "1.4.2")).image
    pinned = (
        f"images:\n- name: {HOST}/my-app\n  digest: {image.digest}\n- name: {HOST}/side\n  digest: sha256:{'0' * 64}\n"
    )
    harness.overlays.push({path: pinned.encode()})
    (row,) = await rows(harness, "/status my-app prod")
    assert [each.label for each in row.images] == ["1.4.2", "0" * 12]
    assert row.images[0].digest == image.digest


async def test_a_promotion_under_way_is_shown_where_it_goes() -> None:
    harness = CommandHarness()
    await harness.run("/deploy my-app prod", "U0ANA")
    assert [bool(row.promotion) for row in await rows(harness, "/status my-app")] == [False, False, True]


class OneDown(MemoryApplications):
    """The Argo CD of production does not answer; the one of the others does."""

    def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        found = set(environments)
        return tuple(tuple(sorted(some)) for some in (found - {"production"}, found & {"production"}) if some)

    async def get(self, ref: ApplicationRef) -> Application:
        self._down(ref.environment)
        return await super().get(ref)

    async def overview(self, environment: str) -> tuple[Application, ...]:
        self._down(environment)
        return await super().overview(environment)

    def _down(self, environment: str) -> None:
        if environment == "production":
            raise Unavailable("Argo CD", "list", "timeout")


@pytest.mark.parametrize("typed", ["/status", "/status my-app"])
async def test_one_argo_cd_that_is_down_spoils_its_own_rows_alone(typed: str) -> None:
    harness = CommandHarness(applications=OneDown())
    shown = await rows(harness, typed)
    assert {row.problem for row in shown if row.environment != "production"} == {""}
    down = [row for row in shown if row.environment == "production"]
    assert {row.problem for row in down} == {"Argo CD does not answer at the moment."}
    assert all(row.images and row.application is None for row in down)


async def test_an_absent_application_and_a_refusing_argo_cd_are_two_things() -> None:
    """A5."""
    harness = CommandHarness()
    harness.applications.remove("my-app-production")
    (row,) = await rows(harness, "/status my-app prod")
    assert says(row.problem, "no Application my-app-production")
    absent = [row for row in await rows(harness, "/status prod") if row.app == "my-app"]
    assert absent[0].problem == row.problem
    harness.applications.failing = Refused("Argo CD", "get", "HTTP 401")
    (row,) = await rows(harness, "/status my-app prod")
    assert "pilothouse doctor" in row.problem


async def test_a_viewer_sees_their_own_apps() -> None:
    assert {row.app for row in await rows(CommandHarness(), "/status", "U0CY")} == {"my-app"}


async def test_an_overlay_that_is_not_there_is_said_so() -> None:
    harness = CommandHarness()
    del harness.overlays._trees[await harness.overlays.head()]["apps/my-app/overlays/production/kustomization.yaml"]
    with pytest.raises(UnknownName, match="has no overlay for production"):
        await rows(harness, "/status my-app prod")


async def test_all_are_asked_at_once() -> None:
    """With an Argo CD for each of three environments, one after the other would never pass a barrier of three."""
    barrier = asyncio.Barrier(3)

    class Three(MemoryApplications):
        def together(self, environments: Iterable[str]) -> tuple[tuple[str, ...], ...]:
            return tuple((environment,) for environment in environments)

        async def overview(self, environment: str) -> tuple[Application, ...]:
            await barrier.wait()
            return await super().overview(environment)

    harness = CommandHarness(policy=parse(POLICY), overlays=MemoryOverlays(seed(*MANY)), applications=Three())
    async with asyncio.timeout(30):
        assert len(await rows(harness, "/status")) == 3 * 10


# Pages.


async def overview(harness: CommandHarness, typed: str, user: str = "U0BO") -> StatusOverview:
    reply = await harness.run(typed, user)
    assert isinstance(reply, StatusOverview)
    return reply


def named(found: StatusOverview) -> list[str]:
    return list(dict.fromkeys(row.app for row in found.rows))


def large() -> CommandHarness:
    """25 apps, of which app-17 is Degraded in production, and app-03 is not what git says in staging."""
    harness = CommandHarness(overlays=MemoryOverlays(seed(*(f"app-{number:02}" for number in range(25)))))
    for number in range(25):
        for environment, tag in RUNNING.items():
            app = f"app-{number:02}"
            harness.applications.put(replace(healthy(app, environment), images=(f"{HOST}/{app}:{tag}",)))
    sick = replace(healthy("app-17", "production"), health=HealthStatus.DEGRADED, images=(f"{HOST}/app-17:1.4.1",))
    harness.applications.put(sick)
    out = replace(healthy("app-03", "staging"), sync=SyncStatus.OUT_OF_SYNC, images=(f"{HOST}/app-03:1.4.2",))
    harness.applications.put(out)
    return harness


async def test_the_unwell_come_first_and_every_app_is_on_one_page() -> None:
    harness = large()
    first = await overview(harness, "/status")
    assert named(first)[:4] == ["app-17", "app-03", "app-00", "app-01"]
    assert first.page
    assert (first.page.number, first.page.count, first.page.apps, first.page.unwell) == (1, 3, 25, 2)
    everything = [app for page in (1, 2, 3) for app in named(await overview(harness, f"/status --page {page}"))]
    assert sorted(everything) == [f"app-{number:02}" for number in range(25)]
    assert all(row.last for row in first.rows), "what is looked up of few is looked up of a page, too"


async def test_a_page_has_as_many_rows_as_fit_however_many_environments_other_apps_have() -> None:
    """One app in three environments does not make a page of all the others shorter."""
    single = {f"apps/only-{n:02}/overlays/staging/kustomization.yaml": b"images: []" for n in range(45)}
    harness = CommandHarness(overlays=MemoryOverlays({**seed("my-app"), **single}))
    counts = []
    for page in (1, 2):
        found = await overview(harness, f"/status --page {page}")
        assert found.page
        assert found.page.count == 2
        counts.append(len(found.rows))
    assert counts == [30, 18]


async def test_the_unwell_alone() -> None:
    harness = large()
    assert named(await overview(harness, "/status --unwell")) == ["app-17", "app-03"]
    assert named(await overview(harness, "/status prod --unwell")) == ["app-17"]
    assert named(await overview(harness, "/status dev --unwell")) == []


async def test_a_page_that_is_not_there_any_longer_is_the_last_one() -> None:
    found = await overview(large(), "/status --page 99")
    assert found.page
    assert found.page.number == 3


@pytest.mark.parametrize("typed", ["--page 0", "--page -1", "--page x", "--page ²", "--page 99999999999", "--page",
                                   "--page 0000011000000", "my-app --page 2", "my-app --unwell"])  # fmt: skip
async def test_what_is_no_page_is_refused(typed: str) -> None:
    with pytest.raises(InvalidCommand):
        await CommandHarness().read(f"/status {typed}")


async def test_a_press_of_next_asks_for_the_next_page() -> None:
    harness = large()
    shown = render(await overview(harness, "/status prod --unwell"))
    assert "status.page" not in str(shown.blocks)
    shown = render(await overview(harness, "/status"))
    buttons = [one for block in shown.blocks if block["type"] == "actions" for one in block["elements"]]
    assert [one["text"]["text"] for one in buttons] == ["Next", "Only the unwell"]
    following = read_button(buttons[0], Context("r", "C", "c"))
    reply = await harness.run(following)
    assert isinstance(reply, StatusOverview)
    assert reply.page
    assert reply.page.number == 2
    assert read_button(buttons[1], Context("r", "C", "c")) == Status(context=Context("r", "C", "c"), unwell=True)


async def test_no_page_leaves_anything_out_however_much_there_is_to_say() -> None:
    harness = large()
    for number in range(25):
        for environment in RUNNING:
            sick = replace(
                healthy(f"app-{number:02}", environment),
                health=HealthStatus.DEGRADED,
                health_message="x" * 900,
                conditions=("ComparisonError: " + "y" * 900,),
            )
            harness.applications.put(sick)
    shown = render(await overview(harness, "/status"))
    assert "more" not in str(shown.blocks)
    assert sum(f"*app-{number:02}*" in str(shown.blocks) for number in range(25)) == 10


# What lies over a place, and why it is not as git says.


async def detail(harness: CommandHarness, typed: str = "/status my-app prod", user: str = "U0BO") -> StatusDetail:
    reply = await harness.run(typed, user)
    assert isinstance(reply, StatusDetail)
    return reply


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[CommandHarness]:
    harness = CommandHarness(database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    yield harness
    await harness.safety.database.close()


async def test_locks_freezes_and_what_waits_are_on_the_board(kept: CommandHarness) -> None:
    await kept.run("/lock my-app prod for 2h a migration", "U0ANA")
    await kept.run("/freeze staging for 2h holidays", "U0MIA")
    wish = Deploy(context=Context("later", "C", "c"), app="ledger", environment="production", image="1.4.2")
    async with kept.safety.database.begin() as connection:
        await QueueStore(kept.safety.database).add(connection, Waiting(wish, "U0ANA", "T0PILOT", datetime.now(UTC)))
    found = {(row.app, row.environment): row for row in (await overview(kept, "/status")).rows}
    assert [place for place, row in found.items() if row.lock] == [("my-app", "production")]
    assert {place for place, row in found.items() if row.freeze} == {
        (app, "staging") for app in ("ledger", "my-app", "payments")
    }
    assert [place for place, row in found.items() if row.waiting] == [("ledger", "production")]
    shown = str(render(await overview(kept, "/status")).blocks)
    assert all(word in shown for word in ("locked by <@U0ANA>", "frozen until", "waits for its turn: ledger@1.4.2"))
    seen = (await overview(kept, "/status", "U0CY")).rows
    assert {row.app for row in seen} == {"my-app"}


AT = datetime(2026, 1, 5, 11, tzinfo=UTC)
DRIFTS = (
    Drift("Deployment", "my-app", "my-app", differences=(
        Difference("spec.replicas", "3", "2", "kubectl-scale", AT),
        Difference("spec.template.spec.containers[my-app].env[DB_PASSWORD].value", "hunter2", "hunter3"),
        Difference("spec.template.spec.containers[side].env", '["A=1", "API_TOKEN=hunter4"]', "(absent)"),
    )),
    Drift("Secret", "keys", "my-app", differences=(Difference("data.key", "live", "target"),)),
    Drift("Service", "gone", "my-app", missing=True),
    Drift("Service", "surplus", "my-app", surplus=True),
)  # fmt: skip


def drifting(harness: CommandHarness) -> Application:
    harness.applications.drifts["my-app-production"] = DRIFTS
    out = replace(healthy("my-app", "production"), sync=SyncStatus.OUT_OF_SYNC, images=(f"{HOST}/my-app:1.4.1",))
    return harness.applications.put(out)


async def test_what_differs_is_explained_field_by_field_and_keeps_secrets(kept: CommandHarness) -> None:
    drifting(kept)
    fact = Fact("d1", AT, "my-app", "production", Drifted(("Deployment my-app",)))
    async with kept.safety.database.begin() as connection:
        await kept.safety.stores.deliveries.add(connection, [fact])
    found = await detail(kept)
    assert found.drift
    replicas, password, several = found.drift[0].differences
    assert (replicas.live, replicas.target, replicas.manager, replicas.at) == ("3", "2", "kubectl-scale", AT)
    assert "hunter" not in f"{password.live}{password.target}{several.live}"
    assert "A=1" in several.live
    assert found.drift[1].differences == (Difference("data.key", "", ""),)
    assert found.row.drifting_since == AT
    shown = str(render(found).blocks)
    for words in (
        "Has differed from git since",
        "spec.replicas",
        "live `3`, git `2`",
        "by `kubectl-scale`",
        "is missing",
    ):
        assert words in shown
    assert "hunter" not in shown


async def test_a_drift_on_record_is_said_wherever_the_app_is_shown(kept: CommandHarness) -> None:
    drifting(kept)
    place, elsewhere = ("my-app", "production"), ("my-app", "staging")
    facts = [Fact(f"d{number}", AT, *where, Drifted(("x",))) for number, where in enumerate((place, elsewhere))]
    async with kept.safety.database.begin() as connection:
        await kept.safety.stores.deliveries.add(connection, facts)
    for line in ("/status my-app", "/status", "/status --unwell"):
        reply = await kept.run(line)
        assert isinstance(reply, StatusOverview)
        since = {(row.app, row.environment): row.drifting_since for row in reply.rows if row.drifting_since}
        assert since == {place: AT}, "staging is Synced: it has come back since"
        assert says(str(render(reply).blocks), "has differed from git since", "/status my-app production")


async def test_a_secret_is_hidden_before_a_long_value_is_cut(kept: CommandHarness) -> None:
    """Cut first, what is left of a token no longer looks like one."""
    drifting(kept)
    token = "ghp_" + "a1B2" * 9
    long = Difference("spec.template.metadata.annotations.note", f"{'x' * 180} {token}", "short")
    kept.applications.drifts["my-app-production"] = (Drift("Deployment", "my-app", "my-app", differences=(long,)),)
    found = await detail(kept)
    assert found.drift
    [shown] = found.drift[0].differences
    assert shown.live.startswith("x" * 180)
    assert "ghp_" not in shown.live


async def test_a_drift_that_is_over_has_no_beginning(kept: CommandHarness) -> None:
    drifting(kept)
    facts = [
        Fact("d1", AT, "my-app", "production", Drifted(("x",))),
        Fact("d2", AT + timedelta(hours=1), "my-app", "production", Drifted((), over=True)),
    ]
    async with kept.safety.database.begin() as connection:
        await kept.safety.stores.deliveries.add(connection, facts)
    assert (await detail(kept)).row.drifting_since is None


async def test_what_argo_cd_does_not_tell_is_not_called_nothing(kept: CommandHarness) -> None:
    drifting(kept)

    async def silent(_: ApplicationRef) -> tuple[Drift, ...]:
        raise Unavailable("Argo CD", "read", "timeout")

    kept.applications.drift = silent  # type: ignore[method-assign,assignment]
    found = await detail(kept)
    assert (found.drift, found.unasked) == (None, "Argo CD does not answer at the moment.")
    assert "is not known" in str(render(found).blocks)


async def test_unhealthy_resources_that_were_not_read_are_not_called_none(kept: CommandHarness) -> None:
    kept.applications.put(replace(healthy("my-app", "production"), health=HealthStatus.DEGRADED))

    async def silent(_: ApplicationRef) -> tuple[ResourceHealth, ...]:
        raise Unavailable("Argo CD", "read", "timeout")

    kept.applications.unhealthy = silent  # type: ignore[method-assign,assignment]
    found = await detail(kept)
    assert found.sick is None
    assert "unhealthy is not known" in str(render(found).blocks)


ALWAYS_FROZEN = """
environments:
  - {name: development}
  - {name: staging}
  - name: production
    gates:
      lock: %s
      freeze: {windows: [{cron: "0 * * * *", duration: 1h, timezone: UTC, reason: the audit}]}
"""


@pytest.mark.parametrize("lock_gate", ["{}", "false"])
async def test_what_the_row_shows_is_not_repeated_and_hides_nothing_else(tmp_path: Path, lock_gate: str) -> None:
    """Whether or not a gate speaks of the lock on the row, the policy's window is on the row too, and once."""
    policy = parse(ALWAYS_FROZEN % lock_gate + POLICY)
    harness = CommandHarness(policy, database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    await harness.run("/lock my-app prod for 2h a migration", "U0ANA")
    found = await detail(harness)
    await harness.safety.database.close()
    assert found.row.lock
    assert found.row.closed
    assert found.row.closed.reason == "the audit"
    assert found.held == ()
    assert str(render(found).blocks).count("the audit") == 1
    assert all(one in str(render(found).blocks) for one in ("locked by <@U0ANA>", "the audit"))


async def test_buttons_are_for_who_may_sync(kept: CommandHarness) -> None:
    drifting(kept)
    assert [*(await detail(kept)).may] == [SyncAction.SYNC, SyncAction.REFRESH]
    assert (await detail(kept, user="U0CY")).may == ()
    running = Operation(OperationPhase.RUNNING, started_at=AT)
    kept.applications.put(replace(drifting(kept), operation=running))
    found = await detail(kept)
    assert [*found.may] == [SyncAction.TERMINATE, SyncAction.REFRESH]
    buttons = [one for block in render(found).blocks if block["type"] == "actions" for one in block["elements"]]
    asked = read_button(buttons[0], Context("r", "C", "c"))
    assert isinstance(asked, SyncApplication)
    assert (asked.app, asked.environment, asked.action, asked.shown) == (
        "my-app", "production", SyncAction.TERMINATE, "",
    )  # fmt: skip


async def test_what_is_well_asks_for_no_differences(kept: CommandHarness) -> None:
    kept.applications.drifts["my-app-production"] = DRIFTS
    assert (await detail(kept)).drift is None


class Counting(MemoryApplications):
    """What is asked of it, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def get(self, ref: ApplicationRef) -> Application:
        self.asked.append(ref.name)
        return await super().get(ref)

    async def overview(self, environment: str) -> tuple[Application, ...]:
        self.asked.append("everything")
        return await super().overview(environment)


SICK = healthy("my-app", "production")
RIGHT = (f"{HOST}/my-app:1.4.1",)


def counting(**but: Application) -> tuple[CommandHarness, Counting]:
    """Every Application runs what is pinned, except for those that are named (`_` for `-`)."""
    applications = Counting()
    harness = CommandHarness(applications=applications)
    for app in ("ledger", "my-app", "payments"):
        for environment, tag in RUNNING.items():
            applications.put(replace(healthy(app, environment), images=(f"{HOST}/{app}:{tag}",)))
    for application in but.values():
        applications.put(application)
    return harness, applications


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine rows are as many as forty-one."""
    monkeypatch.setattr(status, "LISTED", 9)


async def test_a_board_that_people_read_tells_the_warnings_of_what_is_well() -> None:
    warned = replace(SICK, images=RIGHT, conditions=("OrphanedResourceWarning: 3 resources",))
    harness, applications = counting(odd=warned)
    shown = {(row.app, row.environment): row for row in await rows(harness, "/status")}
    found = shown["my-app", "production"].application
    assert found
    assert found.conditions == warned.conditions
    assert "everything" not in applications.asked


@pytest.mark.usefixtures("many")
async def test_one_argo_cd_is_listed_once_for_all_environments() -> None:
    """A35: a list of whole Applications is some 16 KiB for each."""
    harness, applications = counting()
    shown = await rows(harness, "/status")
    assert applications.asked == ["everything"]
    assert {(row.app, row.environment) for row in shown if row.application and not row.runs} == {
        (app, environment) for app in ("ledger", "my-app", "payments") for environment in ENVIRONMENTS
    }
    assert {row.application.ref.environment for row in shown if row.application} == set(ENVIRONMENTS)


@pytest.mark.usefixtures("many")
async def test_argo_cds_own_namespace_in_a_name_makes_no_application_absent() -> None:
    """A11: a list names it without. Only Argo CD may call an Application absent (A5)."""

    class Own(Counting):
        async def get(self, ref: ApplicationRef) -> Application:
            found = await super().get(replace(ref, name=ref.name.removeprefix("argocd/")))
            return replace(found, ref=ref)

    policy = parse(POLICY + "argocd:\n  application: 'argocd/{app}-{environment}'\n")
    harness = CommandHarness(policy=policy, applications=Own())
    harness.applications.remove("my-app-production")
    shown = await rows(harness, "/status")
    absent = {(row.app, row.environment): row.problem for row in shown if row.application is None}
    [(place, why)] = absent.items()
    assert place == ("my-app", "production")
    assert says(why, "no Application argocd/my-app-production")


@pytest.mark.usefixtures("many")
async def test_of_many_that_the_list_does_not_name_few_are_asked_for_and_no_other_is_called_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.queries.status.CLOSER", 2)
    policy = parse(POLICY + "argocd:\n  application: 'elsewhere/{app}-{environment}'\n")
    harness = CommandHarness(policy=policy, applications=(applications := Counting()))
    shown = await rows(harness, "/status")
    assert len(applications.asked) == 3
    told = [row.problem for row in shown]
    assert [says(why, "no Application") for why in told].count(True) == 2
    assert all(says(why, "asks for it alone") for why in told if not says(why, "no Application"))


async def test_few_are_read_one_by_one() -> None:
    harness, applications = counting()
    await rows(harness, "/status my-app")
    assert sorted(applications.asked) == ["my-app-development", "my-app-production", "my-app-staging"]


@pytest.mark.parametrize(
    "odd",
    [
        replace(SICK, images=RIGHT, health=HealthStatus.DEGRADED),
        replace(SICK, images=RIGHT, sync=SyncStatus.UNKNOWN),
        replace(SICK, images=RIGHT, operation=Operation(OperationPhase.FAILED)),
        replace(SICK, images=RIGHT, operation=Operation(OperationPhase.ERROR)),
        replace(SICK, images=(f"{HOST}/my-app:1.0.0",)),
        SICK,
    ],
)
@pytest.mark.usefixtures("many")
async def test_what_is_not_well_or_left_open_is_read_by_itself(odd: Application) -> None:
    """A7: a list tells neither conditions nor an operation's message, and an older one no revision."""
    odd = replace(odd, conditions=("ComparisonError: no such path",), revision="d" * 40)
    harness, applications = counting(odd=odd)
    shown = {(row.app, row.environment): row for row in await rows(harness, "/status")}
    assert applications.asked == ["everything", "my-app-production"]
    found = shown["my-app", "production"].application
    assert found
    assert (found.conditions, found.revision) == (odd.conditions, odd.revision)


@pytest.mark.usefixtures("many")
async def test_an_application_that_cannot_be_read_by_itself_stays_as_the_overview_has_it() -> None:
    class Deaf(Counting):
        async def get(self, ref: ApplicationRef) -> Application:
            raise Unavailable("Argo CD", "read", "timeout")

    harness = CommandHarness(applications=Deaf())
    shown = await rows(harness, "/status")
    assert {row.problem for row in shown} == {""}
    assert {row.runs for row in shown} == {"Argo CD does not say what runs"}


async def test_a_history_that_cannot_be_read_costs_only_the_last_commit() -> None:
    harness = CommandHarness()

    async def broken(*_: object) -> tuple[()]:
        raise Unavailable("git", "log", "down")

    harness.overlays.history = broken  # type: ignore[method-assign,assignment]
    shown = await rows(harness, "/status my-app")
    assert all(row.last is None and row.application for row in shown)
    assert replace(shown[0], last=None) == shown[0]


async def test_an_image_that_argo_cd_has_not_brought_out_is_not_called_healthy() -> None:
    """Git's image beside the judgement of another one would be a lie, at whichever commit Argo CD is."""
    harness = CommandHarness()
    ref = ApplicationRef("my-app-production", "production")
    known = await harness.applications.get(ref)
    pinned = (await harness.catalog.images("my-app", "production"))[0]
    harness.applications.put(replace(known, images=(f"{pinned.repository}:v0.0.1",)))
    assert (await rows(harness, "/status my-app prod"))[0].runs == "v0.0.1 runs"
    harness.applications.put(replace(known, images=(f"{pinned.repository}:{pinned.tag}",), revision="d" * 40))
    assert (await rows(harness, "/status my-app prod"))[0].runs == ""
    harness.applications.put(replace(known, images=(), revision="d" * 40))
    assert (await rows(harness, "/status my-app prod"))[0].runs == "Argo CD is at ddddddd"


@dataclass
class Heard:
    """The stream of an Argo CD."""

    whole: bool = True

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        return
        yield

    def silence(self, environment: str) -> float:
        return 5.0

    def current(self, environment: str) -> bool:
        return self.whole


def recorded(harness: CommandHarness, stream: Heard) -> ApplicationRecord:
    """All that runs, as a stream has told it."""
    record = ApplicationRecord("", ENVIRONMENTS, stream, lambda: AT, following=True)
    for app in harness.applications._apps.values():
        record.heard(app)
    harness.records = (record,)
    return record


@pytest.mark.parametrize("typed", ["/status", "/status my-app", "/status my-app prod"])
async def test_what_is_on_record_is_shown_without_asking(typed: str) -> None:
    harness = CommandHarness()
    record = recorded(harness, Heard())
    record.heard(replace(healthy("my-app", "production"), health=HealthStatus.DEGRADED))
    harness.applications.failing = Unavailable("Argo CD", "get", "timeout")
    shown = await rows(harness, typed)
    assert all(row.application and not row.problem and row.unheard is None for row in shown)
    (sick,) = [row for row in shown if row.application and row.application.health is HealthStatus.DEGRADED]
    assert (sick.app, sick.environment) == ("my-app", "production")


async def test_where_the_stream_is_lost_argo_cd_is_asked_and_the_answer_says_so() -> None:
    harness, stream = CommandHarness(), Heard()
    record = recorded(harness, stream)
    record.heard(replace(healthy("my-app", "production"), health=HealthStatus.DEGRADED))
    stream.whole = False
    (row,) = await rows(harness, "/status my-app prod")
    assert row.application
    assert row.application.health is HealthStatus.HEALTHY
    assert row.unheard == Unheard("", AT - timedelta(seconds=5))
    harness.applications.failing = Unavailable("Argo CD", "get", "timeout")
    (row,) = await rows(harness, "/status my-app prod")
    assert (row.application, bool(row.problem)) == (None, True)
    last = LastKnown(SyncStatus.SYNCED, HealthStatus.DEGRADED, AT - timedelta(seconds=5))
    assert row.last_known == last
    harness.applications.failing = Refused("Argo CD", "get", "HTTP 401")
    assert (await rows(harness, "/status my-app prod"))[0].last_known is None, "it was answered, and not with that"


@pytest.mark.parametrize("typed", ["/status", "/status my-app prod"])
async def test_of_an_application_that_no_record_has_argo_cd_says_whether_it_is_absent(typed: str) -> None:
    """A5, A10: its creation may have been lost on the way."""
    harness = CommandHarness()
    recorded(harness, Heard()).heard(replace(healthy("my-app", "production"), deleted=True))
    assert all(row.application and not row.problem for row in await rows(harness, typed))
    harness.applications.remove("my-app-production")
    gone = [row for row in await rows(harness, typed) if row.application is None]
    assert [(row.app, row.environment) for row in gone] == [("my-app", "production")]
    assert "Argo CD has no Application my-app-production" in gone[0].problem


async def test_a_stream_that_breaks_while_git_is_read_makes_no_application_absent() -> None:
    stream = Heard()

    class Slow(MemoryOverlays):
        async def read(self, paths: Iterable[str], revision: str) -> Mapping[str, bytes]:
            await asyncio.sleep(0)  # the others have been asked by now
            stream.whole = False
            return await super().read(paths, revision)

    harness = CommandHarness(overlays=Slow(seed("ledger", "my-app", "payments")))
    recorded(harness, stream)
    shown = await rows(harness, "/status")
    assert not stream.whole
    assert all(row.application and not row.problem for row in shown)


async def test_what_changes_between_two_looks_is_seen_at_the_second() -> None:
    """The overview remembers what it has compared: an Application, its images and the commit may change."""
    harness = CommandHarness()
    record = recorded(harness, Heard())
    overview, bo = OverviewQuery(harness.status, harness.surroundings), await harness.caller("U0BO")

    async def runs() -> str:
        shown = await overview.page(Status(context=Context("r", "C0DEPLOY", "c")), bo)
        return next(row.runs for row in shown.rows if (row.app, row.environment) == ("my-app", "production"))

    image = f"{HOST}/my-app:1.4.1"
    record.heard(replace(healthy("my-app", "production"), images=(image,)))
    assert await runs() == ""
    path = "apps/my-app/overlays/production/kustomization.yaml"
    before = (await harness.overlays.read([path], await harness.overlays.head()))[path]
    harness.overlays.push({path: before.replace(b"1.4.1", b"1.4.2")}, "A new image")
    assert await runs() == "1.4.1 runs"
    record.heard(replace(healthy("my-app", "production"), images=(image.replace("1.4.1", "1.4.2"),)))
    assert await runs() == ""
    silent = replace(healthy("my-app", "production"), revision=await harness.overlays.head())
    record.heard(silent)
    assert await runs() == ""
    harness.overlays.push({"README.md": b"another commit"}, "Words")
    assert await runs() == f"Argo CD is at {silent.revision[:7]}"
