"""Have Argo CD apply what somebody has committed past the gates: it is said before the press, and on record."""

from datetime import UTC, datetime

import pytest

from bot.domain.caller import Person
from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.reply import SyncAsked, Told
from bot.domain.safety import Rejection
from tests.fakes.command_harness import CommandHarness
from tests.fakes.promotions import HOST
from tests.unit.commands.conftest import harness
from tests.unit.commands.test_sync import CHANNEL, press, say

__all__ = ["harness"]
MIA = Person("U0MIA", "mia")
D1, D2, D3 = ("sha256:" + number * 64 for number in "123")


async def reject(harness: CommandHarness, tag: str = "", digest: str = D1, app: str = "my-app") -> None:
    one = Rejection(app, digest, tag, MIA, "it leaks memory", datetime(2026, 1, 5, tzinfo=UTC))
    async with harness.safety.database.begin() as connection:
        await harness.safety.stores.rejections.reject(connection, one)


def pin(harness: CommandHarness, tag: str, digest: str = "") -> None:
    entry = f"images:\n- name: {HOST}/my-app\n  newTag: {tag}\n" + (f"  digest: {digest}\n" if digest else "")
    harness.overlays.push({"apps/my-app/overlays/staging/kustomization.yaml": entry.encode()}, "by hand")


@pytest.mark.parametrize(
    ("pinned", "rejected"),
    [
        (("6.6.6", D1), {"tag": "6.6.6"}),
        (("harmless", D1), {"tag": "6.6.6"}),
        (("harmless", D1), {"tag": "", "app": "payments"}),
        (("6.6.6",), {"tag": "6.6.6"}),
    ],
    ids=["as it was called", "under another name", "rejected for another app", "by its tag alone"],
)
async def test_a_rejected_image_is_told_before_argo_cd_applies_it(
    harness: CommandHarness, pinned: tuple[str, ...], rejected: dict[str, str]
) -> None:
    await reject(harness, **rejected)
    pin(harness, *pinned)
    asked = await say(harness, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert "mia rejects" in asked.concerns[0]
    assert "it leaks memory" in asked.concerns[0]
    assert not harness.applications.syncs
    await press(harness, asked)
    assert harness.applications.syncs
    assert "Despite" in str(await harness.safety.told(CHANNEL))
    assert any("mia rejects" in row.detail for row in await harness.safety.audit.rows())


REPOSITORY = f"{HOST}/my-app"


@pytest.mark.parametrize(
    ("pinned", "rejected", "app"),
    [
        ("outer", "inner", "my-app"),
        ("inner", "outer", "my-app"),
        ("renamed", "inner", "my-app"),
        ("outer", "inner", "payments"),
    ],
    ids=["an index that holds it", "what a rejected index holds", "another tag of the same", "for another app"],
)
@pytest.mark.parametrize("by_digest", [False, True])
async def test_what_a_rejected_image_consists_of_is_told_whatever_it_is_called(
    harness: CommandHarness, pinned: str, rejected: str, app: str, by_digest: bool
) -> None:
    """Identity is content, as for a promotion."""
    inner = harness.images.push(REPOSITORY, "inner").image
    images = {"inner": inner, "outer": harness.images.push_index(REPOSITORY, "outer", inner).image}
    if pinned == "renamed":
        images[pinned] = harness.images.push(REPOSITORY, pinned, digest=inner.digest).image
    await reject(harness, digest=images[rejected].digest, app=app)
    pin(harness, pinned, images[pinned].digest if by_digest else "")
    asked = await say(harness, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert "mia rejects" in asked.concerns[0]
    assert not harness.applications.syncs


async def test_another_image_is_synced_without_a_question(harness: CommandHarness) -> None:
    harness.images.push(REPOSITORY, "good")
    await reject(harness, digest=harness.images.push(REPOSITORY, "bad").image.digest)
    pin(harness, "good")
    assert isinstance(await say(harness, "/sync my-app staging"), Told)


@pytest.mark.parametrize(
    "failing", [Unavailable("Harbor", "read", "away"), Refused("Harbor", "read", "HTTP 403: the robot may not read it")]
)
async def test_a_registry_that_does_not_say_is_no_all_clear(harness: CommandHarness, failing: IntegrationError) -> None:
    harness.images.push(REPOSITORY, "good")
    await reject(harness, digest=harness.images.push(REPOSITORY, "bad").image.digest)
    pin(harness, "good")
    harness.images.failing = failing
    asked = await say(harness, "/sync my-app staging")
    assert isinstance(asked, SyncAsked)
    assert "not known" in asked.concerns[0]


async def test_an_image_that_is_rejected_after_it_was_shown_asks_again(harness: CommandHarness) -> None:
    await say(harness, "/lock my-app staging a migration", "U0MIA", number=7)
    pin(harness, "6.6.6", D1)
    asked = await say(harness, "/sync my-app staging")
    await reject(harness)
    assert isinstance(await press(harness, asked), SyncAsked)
    assert not harness.applications.syncs


@pytest.mark.parametrize(
    "more", ["replicas: [{name: my-app, count: 0}]\n", "patches: [{path: evil.yaml}]\n", "# nothing\n"]
)
async def test_a_press_counts_only_for_the_overlay_that_was_shown(harness: CommandHarness, more: str) -> None:
    """Not only images change what Argo CD applies."""
    pin(harness, "6.6.6", D1)
    await say(harness, "/lock my-app staging a migration", "U0MIA", number=7)
    asked = await say(harness, "/sync my-app staging")
    where = "apps/my-app/overlays/staging/kustomization.yaml"
    before = (await harness.overlays.read([where], await harness.overlays.head()))[where]
    harness.overlays.push({where: before + more.encode()}, "and one thing more")
    assert isinstance(await press(harness, asked), SyncAsked)
    assert not harness.applications.syncs


BASE = "apps/my-app/base/kustomization.yaml"


@pytest.mark.parametrize(
    "changed",
    [
        {"apps/my-app/base/deployment.yaml": b"kind: Deployment\nmetadata: {name: other}\n"},
        {"apps/my-app/base/settings.env": b"DEBUG=1\n"},
        {"apps/my-app/base/deep/values.txt": b"more\n"},
        {BASE: b"resources: [deployment.yaml]\nconfigMapGenerator: [{name: x, literals: [a=b]}]\n"},
        {"shared/limits/kustomization.yaml": b"kind: Component\nresources: []\n# more\n"},
        {"apps/my-app/overlays/staging/extra.yaml": b"kind: Job\n"},
    ],
)
async def test_a_press_counts_only_for_the_bases_that_were_shown(
    harness: CommandHarness, changed: dict[str, bytes]
) -> None:
    """What Argo CD applies is built from more than the overlay's own file."""
    overlay = "apps/my-app/overlays/staging/kustomization.yaml"
    own = "resources: [../../base]\ncomponents: [../../../../shared/limits]\n"
    own += f"images:\n- name: {HOST}/my-app\n  newTag: '1'\n"
    there = {
        overlay: own.encode(),
        BASE: b"resources: [deployment.yaml]\nconfigMapGenerator: [{name: x, envs: [settings.env]}]\n",
        "apps/my-app/base/deployment.yaml": b"kind: Deployment\nmetadata: {name: my-app}\n",
        "apps/my-app/base/settings.env": b"DEBUG=0\n",
        "apps/my-app/base/deep/values.txt": b"some\n",
        "shared/limits/kustomization.yaml": b"kind: Component\nresources: []\n",
        "apps/payments/base/kustomization.yaml": b"resources: []\n",
    }
    harness.overlays.push(there, "a base")
    await say(harness, "/lock my-app staging a migration", "U0MIA", number=7)
    asked = await say(harness, "/sync my-app staging")
    harness.overlays.push({"apps/payments/base/kustomization.yaml": b"resources: []\n# another app's\n"}, "elsewhere")
    same = await say(harness, "/sync my-app staging", number=8)
    assert isinstance(asked, SyncAsked)
    assert isinstance(same, SyncAsked)
    assert asked.shown == same.shown  # what is another app's is no reason to ask again
    harness.overlays.push(changed, "below it")
    assert isinstance(await press(harness, asked), SyncAsked)
    assert not harness.applications.syncs


async def test_where_nobody_can_tell_what_it_is_built_from_any_commit_asks_again(harness: CommandHarness) -> None:
    overlay = "apps/my-app/overlays/staging/kustomization.yaml"
    own = f"resources: [https://example.com/base?ref=main]\nimages:\n- name: {HOST}/my-app\n  newTag: '1'\n"
    harness.overlays.push({overlay: own.encode()}, "a base elsewhere")
    await say(harness, "/lock my-app staging a migration", "U0MIA", number=7)
    asked = await say(harness, "/sync my-app staging")
    harness.overlays.push({"README.md": b"x\n"}, "anything")
    assert isinstance(await press(harness, asked), SyncAsked)
    assert not harness.applications.syncs


@pytest.mark.parametrize(
    "rejected", [{"digest": D2}, {"tag": "6.6.6", "digest": D2}, {"tag": "6.6.6", "app": "payments"}]
)
async def test_another_image_is_no_reason_to_ask(harness: CommandHarness, rejected: dict[str, str]) -> None:
    await reject(harness, **rejected)
    pin(harness, "6.6.6", D3)
    assert isinstance(await say(harness, "/sync my-app staging"), Told)


async def test_a_sync_is_stopped_and_looked_at_again_whatever_is_rejected(harness: CommandHarness) -> None:
    await reject(harness)
    pin(harness, "6.6.6", D1)
    assert isinstance(await say(harness, "/sync my-app staging --refresh"), Told)
    assert isinstance(await say(harness, "/sync my-app staging --terminate"), Told)
