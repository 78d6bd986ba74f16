"""An image that nobody pushed: every command says the same of it."""

import pytest

from bot.promotions.unknown_image import unknown_image
from tests.fakes.registry import MemoryRegistry
from tests.sentences import says

HERE, THERE = "harbor.example.com/apps/web", "harbor.example.com/apps/worker"


@pytest.fixture
def registry() -> MemoryRegistry:
    images = MemoryRegistry()
    for tag in ("v1.4.1", "v1.4.2"):
        images.push(HERE, tag)
    return images


async def test_a_tag_without_its_v_is_offered_with_it(registry: MemoryRegistry) -> None:
    sentence = (await unknown_image(registry, "1.4.2", [HERE])).sentence
    assert says(sentence, "no image `1.4.2`", HERE, "Did you mean `v1.4.2`?")
    registry.push(HERE, "7.13")
    assert (await unknown_image(registry, "v7.13", [HERE])).sentence.endswith("Did you mean `7.13`?")


@pytest.mark.parametrize("reference", ["v9", "9.9", "latest", "sha256:" + "0" * 64])
async def test_for_what_is_like_nothing_the_newest_are_named(registry: MemoryRegistry, reference: str) -> None:
    sentence = (await unknown_image(registry, reference, [HERE])).sentence
    assert sentence.endswith(" The newest are `v1.4.2` and `v1.4.1`.")


async def test_of_several_repositories_the_first_with_images_answers(registry: MemoryRegistry) -> None:
    sentence = (await unknown_image(registry, "v9", [THERE, HERE, HERE])).sentence
    assert says(sentence, f"no image `v9` in {THERE} or {HERE}", "The newest")
    assert says((await unknown_image(registry, "v9", [THERE])).sentence, f"no image `v9` in {THERE}.")
