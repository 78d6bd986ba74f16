"""What the pipeline's last task is answered: free, held and why, or nothing that lets it write."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.caller import Person
from bot.domain.safety import Freeze, Lock, Rejection
from bot.evaluation.evaluator import GateEvaluator
from bot.policy import parse
from bot.queries.pipeline_holds import PipelineHolds
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.rejections import RejectionStore
from bot.webhooks.pipeline_hold import MOST, PipelineHold
from tests.unit.bot.webhooks.conftest import PIPELINE, WebhookHarness

ANA = Person("U0ANA", "Ana")
NOW = datetime.now(UTC)
DIGEST = "sha256:" + "a" * 64
BUILD = {
    "app": "my-app",
    "environment": "development",
    "image": "harbor.example.com:8443/apps/my-app:v1.5.0",
    "digest": DIGEST,
    "run": "my-app-x7k2p",
}


async def ask(harness: WebhookHarness, token: str = PIPELINE, **other: str) -> tuple[int, str]:
    answer = await harness.http.get(
        "/pipeline/hold", params=BUILD | other, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.status_code, answer.text


async def lock(
    harness: WebhookHarness, app: str, environment: str, until: datetime | None = None, why: str = "a test"
) -> None:
    async with harness.database.begin() as connection:
        await LockStore(harness.database).take(connection, Lock(app, environment, ANA, why, NOW, until))


async def freeze(harness: WebhookHarness, app: str, environment: str, *exempt: str) -> None:
    called = Freeze("f-1", environment, ANA, "INC-1", NOW, NOW + timedelta(hours=1), app, exempt)
    async with harness.database.begin() as connection:
        await FreezeStore(harness.database).call(connection, called)


async def reject(harness: WebhookHarness, digest: str) -> None:
    said = Rejection("my-app", digest, "v1.5.0", ANA, "it leaks", NOW)
    async with harness.database.begin() as connection:
        await RejectionStore(harness.database).reject(connection, said)


async def test_nothing_holds_it(harness: WebhookHarness) -> None:
    assert await ask(harness) == (200, "free\n")


@pytest.mark.parametrize("app", ["my-app", ""])
async def test_a_lock_of_the_app_or_of_the_whole_environment_holds_it_and_says_whose(
    harness: WebhookHarness, app: str
) -> None:
    await lock(harness, app, "development", why="testing a\nmigration\x1b[2J \u202e")
    status, text = await ask(harness)
    word, why, end = text.split("\n")
    assert (status, word, end) == (200, "held", "")
    assert "locked by Ana" in why
    assert "testing a migration" in why
    assert why.isprintable()


@pytest.mark.parametrize(
    ("app", "environment", "until"),
    [
        ("payments", "development", None),
        ("my-app", "production", None),
        ("my-app", "development", NOW - timedelta(1)),
    ],
)
async def test_another_lock_or_one_that_is_over_does_not(
    harness: WebhookHarness, app: str, environment: str, until: datetime | None
) -> None:
    await lock(harness, app, environment, until)
    assert await ask(harness) == (200, "free\n")


async def test_a_freeze_holds_it_and_not_an_exempt_app(harness: WebhookHarness) -> None:
    await freeze(harness, "", "development", "my-app")
    assert await ask(harness) == (200, "free\n")
    assert "INC-1" in (await ask(harness, app="payments"))[1]


async def test_a_rejected_image_is_held_wherever_it_is_built_again(harness: WebhookHarness) -> None:
    await reject(harness, DIGEST)
    assert "it leaks" in (await ask(harness))[1]
    await lock(harness, "my-app", "development")
    _, text = await ask(harness)
    assert "locked by Ana" in text
    assert "it leaks" in text


async def test_a_reason_fits_into_a_tasks_result(harness: WebhookHarness) -> None:
    """T6: all of a task's results share 4096 bytes."""
    await lock(harness, "my-app", "development", why="🙃" * 5000)
    _, text = await ask(harness)
    assert len(text.split("\n")[1]) == MOST
    assert len(text.encode()) < 3000


@pytest.mark.parametrize("token", ["", "pipeline-toke", "pipeline-token2", "PIPELINE-TOKEN", "tekton-token"])
async def test_a_stranger_is_told_nothing(harness: WebhookHarness, token: str) -> None:
    await lock(harness, "my-app", "development")
    status, text = await ask(harness, token)
    assert status == 401
    assert "Ana" not in text


@pytest.mark.parametrize(
    "odd",
    [
        {"app": ""},
        {"app": "my app"},
        {"app": "my-app\x00"},
        {"app": "a" * 256},
        {"digest": ""},
        {"digest": "sha256:abc"},
        {"image": ""},
        {"image": "x" * 300},
    ],
)
async def test_half_a_question_is_no_question(harness: WebhookHarness, odd: dict[str, str]) -> None:
    """An absent digest would leave rejected images out."""
    assert (await ask(harness, **odd))[0] == 400


async def test_an_environment_that_is_not_there_is_not_free(harness: WebhookHarness) -> None:
    assert (await ask(harness, environment="developmint"))[0] == 404


async def test_while_the_database_is_away_nothing_is_free(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with harness.database.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE locks")
    status, text = await ask(harness)
    assert status == 503
    assert "free" not in text


async def test_without_a_token_nobody_is_answered(harness: WebhookHarness) -> None:
    for secret, status in ((lambda: "", 403), (unreadable, 503)):
        answer = await PipelineHold(harness.needs.holds, secret)._answer(None)  # type: ignore[arg-type]
        assert answer.status_code == status


def unreadable() -> str:
    raise PermissionError("token")


@pytest.mark.parametrize(
    ("gates", "held"),
    [
        ("{lock: {owner_passes: true}}", True),
        ("{lock: false}", False),
        ("{freeze: {exempt_apps: [my-app]}}", True),
    ],
)
async def test_policy_says_what_holds_and_the_pipeline_speaks_for_nobody(
    harness: WebhookHarness, gates: str, held: bool
) -> None:
    """A lock whose owner may pass holds the owner's builds too: who started a run is not asked."""
    await lock(harness, "my-app", "development")
    policy = parse(f"environments: [{{name: development, gates: {gates}}}]")
    evaluator = GateEvaluator(harness.needs.holds._evaluator._gates.values(), policy)
    holds = PipelineHolds(evaluator, policy, SYSTEM_CLOCK, asks=True)
    assert bool(await holds.on("my-app", "development")) is held
