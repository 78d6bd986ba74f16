"""Somebody points the Application at something else, before or between: nothing is committed, nothing is told Healthy.

Who changes what of the Application, and when → what must happen. The commit would be made, Argo CD would stay Synced
and Healthy at what it follows instead, and the card would say that the new image runs.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.application import Application, ApplicationRef
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.source import Source
from tests.fakes.applications import OVERLAY_REPOSITORY
from tests.fakes.world import HARBOR, CoreWorld

PRODUCTION = ApplicationRef("my-app-production", "production")
OVERLAY = "apps/my-app/overlays/production"
OURS = Source(OVERLAY_REPOSITORY, OVERLAY, "main")
CHART = Source("https://charts.example.com", revision="1.2.3", chart="my-app")

ELSEWHERE: dict[str, tuple[Source, ...]] = {
    "the path of another environment": (replace(OURS, path="apps/my-app/overlays/staging"),),
    "the path of another app": (replace(OURS, path="apps/payments/overlays/production"),),
    "a copy of the overlay": (replace(OURS, path=f"{OVERLAY}-old"),),
    "a directory inside the overlay": (replace(OURS, path=f"{OVERLAY}/pinned"),),
    "the directory above": (replace(OURS, path="apps/my-app/overlays"),),
    "a path that climbs out": (replace(OURS, path=f"{OVERLAY}/../staging"),),
    "the root": (replace(OURS, path=""),),
    "the path in other letters": (replace(OURS, path=OVERLAY.title()),),
    "a tag": (replace(OURS, revision="v1.4.1"),),
    "a tag called like the branch": (replace(OURS, revision="refs/tags/main"),),
    "a range of tags": (replace(OURS, revision=">=1.0.0"),),
    "a commit": (replace(OURS, revision="d" * 40),),
    "a short commit": (replace(OURS, revision="ddddddd"),),
    "another branch": (replace(OURS, revision="release"),),
    "the branch in other letters": (replace(OURS, revision="MAIN"),),
    "a pull request's head": (replace(OURS, revision="refs/pull/7/head"),),
    "a fork": (replace(OURS, repository="https://git.example.com/mallory/overlays.git"),),
    "a host that ends differently": (replace(OURS, repository="https://git.example.com.evil.test/overlays.git"),),
    "our URL as a path elsewhere": (replace(OURS, repository="https://evil.test/git.example.com/overlays.git"),),
    "our host as a user name": (replace(OURS, repository="https://git.example.com@evil.test/overlays.git"),),
    "a name that only begins like ours": (replace(OURS, repository="https://git.example.com/overlays-2.git"),),
    "another port": (replace(OURS, repository="https://git.example.com:8443/overlays.git"),),
    "a fork over SSH": (replace(OURS, repository="git@git.example.com:mallory/overlays.git"),),
    "a chart": (CHART,),
    "a chart of our own repository": (replace(OURS, chart="my-app"),),
    "an override of the image": (replace(OURS, images=(f"{HARBOR}/my-app:v1.4.1",)),),
    "an override by digest": (replace(OURS, images=(f"{HARBOR}/my-app@sha256:{'0' * 64}",)),),
    "an override with another name": (replace(OURS, images=(f"{HARBOR}/my-app=evil.test/my-app:v1.4.2",)),),
    "the files without kustomize": (replace(OURS, plain=True),),
    "several sources, none of them ours": (CHART, replace(OURS, path="values"), replace(OURS, revision="v1.4.1")),
    "no repository": (replace(OURS, repository=""),),
}


async def point(world: CoreWorld, *sources: Source) -> None:
    """In Argo CD, by somebody who may edit the Application; it stays Synced and Healthy."""
    known = await world.applications.get(PRODUCTION)
    world.applications.put(replace(known, sources=sources))


async def nothing_happened(world: CoreWorld, asked: Promotion) -> Promotion:
    ended = await world.now(asked)
    assert ended.phase is Phase.FAILED, ended.outcome
    assert "my-app-production" in ended.outcome
    assert world.promotion_commits() == []
    assert "v1.4.1" in world.overlay("production")
    assert all(shown.phase is not Phase.SUCCEEDED for shown in world.cards.shown[asked.id])
    return ended


@pytest.mark.parametrize("who", ELSEWHERE)
async def test_pointed_elsewhere_before_it_is_asked_for(world: CoreWorld, who: str) -> None:
    await point(world, *ELSEWHERE[who])
    ended = await nothing_happened(world, await world.deploy())
    assert ended.approvals == ()  # nobody was asked for what cannot be


@pytest.mark.parametrize("who", ELSEWHERE)
async def test_pointed_elsewhere_between_the_request_and_the_approval(world: CoreWorld, who: str) -> None:
    asked = await world.deploy()
    assert (await world.now(asked)).stage is Stage.APPROVAL
    await point(world, *ELSEWHERE[who])
    await world.approve("bo", asked)
    await nothing_happened(world, asked)


@pytest.mark.parametrize("who", ["a fork", "a tag", "the path of another environment", "a chart"])
async def test_a_rollback_is_held_to_the_same(world: CoreWorld, who: str) -> None:
    first = await world.deploy()
    await world.approve("bo", first)
    assert (await world.now(first)).phase is Phase.SUCCEEDED
    await point(world, *ELSEWHERE[who])
    asked = await world.rollback(to="v1.4.1")
    if not (await world.now(asked)).phase.final:
        await world.approve("bo", asked)
    ended = await world.now(asked)
    assert (ended.phase, "my-app-production" in ended.outcome) == (Phase.FAILED, True)
    assert world.promotion_commits() == [first.id]


def gone(world: CoreWorld) -> None:
    world.applications.remove(PRODUCTION.name)


def hidden(world: CoreWorld) -> None:
    """The Application that the token sees says nothing of its sources."""
    known = world.applications._apps[PRODUCTION.name]
    world.applications._apps[PRODUCTION.name] = replace(known, sources=())


@pytest.mark.parametrize("vanish", [gone, hidden])
async def test_an_application_that_is_gone_or_tells_nothing_is_none_of_ours(
    world: CoreWorld, vanish: Callable[[CoreWorld], None]
) -> None:
    asked = await world.deploy()
    vanish(world)
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.FAILED
    assert world.promotion_commits() == []


@pytest.mark.parametrize("revision", ["", "HEAD"])
@pytest.mark.parametrize("default", ["develop", ""])
async def test_the_default_branch_of_the_remote_is_moved_under_an_application_that_follows_head(
    world: CoreWorld, revision: str, default: str
) -> None:
    await point(world, replace(OURS, revision=revision))
    asked = await world.deploy()
    assert (await world.now(asked)).stage is Stage.APPROVAL
    world.overlays.default = default
    await world.approve("bo", asked)
    ended = await nothing_happened(world, asked)
    assert "follows HEAD" in ended.outcome


async def test_an_old_image_is_not_told_healthy_when_it_is_pointed_elsewhere_after_the_commit(world: CoreWorld) -> None:
    """Too late for the commit: then the Application never runs what was approved, and nobody says that it does."""
    asked = await world.deploy()
    before = await world.applications.get(PRODUCTION)

    async def stays(ref: ApplicationRef) -> Application:
        return world.applications.put(replace(before, revision=await world.overlays.head(), sources=ELSEWHERE["a tag"]))

    world.applications.refresh = stays  # type: ignore[method-assign]
    await world.approve("bo", asked)
    assert len(world.promotion_commits()) == 1
    assert all(shown.phase is not Phase.SUCCEEDED for shown in world.cards.shown[asked.id])


@pytest.mark.parametrize(
    "source",
    [
        OURS,
        replace(OURS, repository="git@git.example.com:overlays.git"),
        replace(OURS, revision="refs/heads/main"),
        replace(OURS, revision="HEAD"),
        replace(OURS, path=f"./{OVERLAY}/"),
    ],
)
async def test_whoever_follows_the_overlay_is_held_up_by_nothing_of_this(world: CoreWorld, source: Source) -> None:
    await point(world, CHART, source)
    asked = await world.deploy()
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
