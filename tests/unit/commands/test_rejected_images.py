"""Images that go nowhere any more."""

import pytest

from bot.domain.errors import InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, Reject, RejectImage
from bot.domain.reply import ImageRejected, Told
from bot.policy import parse
from tests.fakes.command_harness import CommandHarness
from tests.fakes.promotions import HOST
from tests.sentences import says


async def say(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> object:
    asked = await harness.read(line, Context(f"r{number}", "C0DEPLOY", "c", "T0PILOT"))
    return await harness.run(asked, user)


async def digest(harness: CommandHarness, tag: str) -> str:
    return (await harness.images.artifact(f"{HOST}/my-app", tag)).image.digest


async def test_the_word_tells_an_image_from_a_promotion(harness: CommandHarness) -> None:
    assert isinstance(await harness.read("/reject my-app@1.4.2 leaks"), RejectImage)
    assert isinstance(await harness.read("/reject image my-app@1.4.2 leaks"), RejectImage)
    assert isinstance(await harness.read("/reject p-abc23456 too risky, see ops@example.com"), Reject)


async def test_a_rejection_is_of_the_digest_and_says_where_it_runs(harness: CommandHarness) -> None:
    reply = await say(harness, 1, "/reject my-app@1.4.2 leaks memory")
    assert isinstance(reply, ImageRejected)
    assert reply.runs_in == ("staging",)
    was = await digest(harness, "1.4.2")
    found = await harness.safety.stores.rejections.find("my-app", was)
    assert found
    assert (found.reason, found.by.id, found.tag) == ("leaks memory", "U0BO", "1.4.2")
    assert await harness.safety.stores.rejections.find("payments", was) is None
    [said] = await harness.safety.told("C0DEPLOY")
    assert says(said, "<@U0BO> rejected", "*my-app* *1.4.2*", "leaks memory", "committed in staging")


async def test_it_is_taken_back_by_tag_though_the_tag_has_moved_on(harness: CommandHarness) -> None:
    was = await digest(harness, "1.4.2")
    await say(harness, 1, "/reject my-app@1.4.2 leaks memory")
    harness.images.push(f"{HOST}/my-app", "1.4.2", revision="moved")
    assert await say(harness, 2, "/unreject my-app@1.4.2") == Told("my-app 1.4.2 may be promoted again.")
    assert await harness.safety.stores.rejections.find("my-app", was) is None
    assert isinstance(await say(harness, 3, f"/unreject my-app@{was}"), Told)
    assert await harness.safety.events() == ["image-rejected", "image-cleared"]


async def test_what_there_is_not_cannot_be_rejected(harness: CommandHarness) -> None:
    with pytest.raises(UnknownName, match=r"There is no image `9.9` .* The newest "):
        await say(harness, 1, "/reject my-app@9.9 no")
    with pytest.raises(UnknownName, match=r"There is no app `my-ap`. Did you mean `my-app`"):
        await say(harness, 2, "/reject my-ap@1.4.2 no")
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await say(harness, 3, "/reject my-app@1.4.2")


async def test_only_who_may_everywhere_rejects_for_everywhere() -> None:
    harness = CommandHarness(
        policy=parse("bindings:\n- {role: release-manager, users: [U0BO], environments: [staging]}\n")
    )
    await harness.safety.create()
    with pytest.raises(NotAllowed, match="`reject-image` permission for my-app in every environment"):
        await say(harness, 1, "/reject my-app@1.4.2 no")
    await harness.safety.database.close()


async def test_engineers_reject_no_images(harness: CommandHarness) -> None:
    with pytest.raises(NotAllowed):
        await say(harness, 1, "/reject my-app@1.4.2 no", "U0ANA")
