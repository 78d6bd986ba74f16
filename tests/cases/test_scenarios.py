"""The handed scenarios that are about what an image is, in the core with working fakes around it.

A test says which case it is by the case's id, and fails when that is no longer among those that are handed over.
"""

import ast
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest

from bot.domain.promotion import Phase
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.queries.scans import Scans
from tests.cases import cases
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, path

IDS = {"scenarios-tag-with-digest-1", "scenarios-moved-tag-1"}
REPOSITORY = f"{HARBOR}/my-app"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


@pytest.mark.parametrize("case", [param for param in cases("scenarios.yaml") if param.id in IDS | {"absent"}])
def test_what_is_tested_here_is_handed_over(case: dict[str, str]) -> None:
    assert case["id"] in IDS


@pytest.mark.parametrize("case", cases("scenarios.yaml"))
def test_every_handed_scenario_is_told_by_a_test(case: dict[str, str]) -> None:
    """Some through Slack over the whole sandbox (tests/scenario), some in the core."""
    assert any(case["id"] in words for words in docstrings())


@cache
def docstrings() -> tuple[str, ...]:
    """What the tests say that they tell."""
    trees = [ast.parse(file.read_text()) for file in Path(__file__).parents[1].rglob("test_*.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    return tuple(ast.get_docstring(one) or "" for one in functions if one.name.startswith("test_"))


async def test_a_tag_with_its_digest_is_found_by_the_digest_and_keeps_one(world: CoreWorld) -> None:
    """scenarios-tag-with-digest-1"""
    pinned = (await world.registry.artifact(REPOSITORY, "v1.4.2")).image
    entry = f"images:\n- name: {REPOSITORY}\n  newTag: 'v1.4.2@{pinned.digest}'\n"
    for environment in ("staging", "production"):
        world.overlays.push({path(environment): entry.encode()}, "pinned by hand")
    scans = Scans(Catalog(world.overlays, parse(POLICY)), world.registry, parse(POLICY))
    found, missing = await scans.artifacts("my-app", "staging", "")
    assert ([each.image.digest for each in found], missing) == ([pinned.digest], ())
    asked = await world.deploy("ana", image="v1.4.3")
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED
    newest = (await world.registry.artifact(REPOSITORY, "v1.4.3")).image
    assert f"newTag: 'v1.4.3@{newest.digest}'" in world.overlay("production")
    moved = await world.deploy("ana")
    assert (moved.plan.moves[0].after.digest, moved.plan.moves[0].after.tag) == (pinned.digest, "v1.4.2")


async def test_a_moved_tag_is_not_what_ran(world: CoreWorld) -> None:
    """scenarios-moved-tag-1: v1.4.1 is given to the artifact of v1.4.0, an older push."""
    digests = {}
    for tag in ("v1.4.0", "v1.4.1", "v1.4.2"):
        digests[tag] = (await world.registry.artifact(REPOSITORY, tag)).image.digest
    for tag in ("v1.4.0", "v1.4.1", "v1.4.2"):
        if tag not in world.overlay("production"):
            asked = await world.deploy("ana", image=tag)
            await world.approve("bo", asked)
            assert (await world.now(asked)).phase is Phase.SUCCEEDED
    world.registry.push(REPOSITORY, "v1.4.1", digest=digests["v1.4.0"])
    back = await world.rollback("ana", to="v1.4.1")
    assert back.plan.moves[0].after.digest == digests["v1.4.1"]
    await world.approve("bo", back)
    assert (await world.now(back)).phase is Phase.SUCCEEDED
    assert f"digest: {digests['v1.4.1']}" in world.overlay("production")
