"""Images that go nowhere any more."""

import pytest

from bot.domain.errors import InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context, Reject, RejectImage
from bot.domain.reply import ImageRejected, Told
from bot.policy import parse
from tests.fakes.office import Office
from tests.fakes.promotions import HOST
from tests.sentences import says


async def say(office: Office, number: int, line: str, user: str = "U0BO") -> object:
    asked = await office.read(line, Context(f"r{number}", "C0DEPLOY", "c", "T0PILOT"))
    return await office.run(asked, user)


async def digest(office: Office, tag: str) -> str:
    return (await office.images.artifact(f"{HOST}/my-app", tag)).image.digest


async def test_the_word_tells_an_image_from_a_promotion(office: Office) -> None:
    assert isinstance(await office.read("/reject my-app@1.4.2 leaks"), RejectImage)
    assert isinstance(await office.read("/reject image my-app@1.4.2 leaks"), RejectImage)
    assert isinstance(await office.read("/reject p-abc23456 too risky, see ops@example.com"), Reject)


async def test_a_rejection_is_of_the_digest_and_says_where_it_runs(office: Office) -> None:
    reply = await say(office, 1, "/reject my-app@1.4.2 leaks memory")
    assert isinstance(reply, ImageRejected)
    assert reply.runs_in == ("staging",)
    was = await digest(office, "1.4.2")
    found = await office.safety.stores.rejections.find("my-app", was)
    assert found
    assert (found.reason, found.by.id, found.tag) == ("leaks memory", "U0BO", "1.4.2")
    assert await office.safety.stores.rejections.find("payments", was) is None
    [said] = await office.safety.told("C0DEPLOY")
    assert says(said, "<@U0BO> rejected", "*my-app* *1.4.2*", "leaks memory", "committed in staging")


async def test_it_is_taken_back_by_tag_though_the_tag_has_moved_on(office: Office) -> None:
    was = await digest(office, "1.4.2")
    await say(office, 1, "/reject my-app@1.4.2 leaks memory")
    office.images.push(f"{HOST}/my-app", "1.4.2", revision="moved")
    assert await say(office, 2, "/unreject my-app@1.4.2") == Told("my-app 1.4.2 may be promoted again.")
    assert await office.safety.stores.rejections.find("my-app", was) is None
    assert isinstance(await say(office, 3, f"/unreject my-app@{was}"), Told)
    assert await office.safety.events() == ["image-rejected", "image-cleared"]


async def test_what_there_is_not_cannot_be_rejected(office: Office) -> None:
    with pytest.raises(UnknownName, match=r"There is no image '9.9'"):
        await say(office, 1, "/reject my-app@9.9 no")
    with pytest.raises(UnknownName, match=r"There is no app 'my-ap'. Did you mean `my-app`"):
        await say(office, 2, "/reject my-ap@1.4.2 no")
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await say(office, 3, "/reject my-app@1.4.2")


async def test_only_who_may_everywhere_rejects_for_everywhere() -> None:
    office = Office(policy=parse("bindings:\n- {role: release-manager, users: [U0BO], environments: [staging]}\n"))
    await office.safety.create()
    with pytest.raises(NotAllowed, match="`reject-image` permission for my-app in every environment"):
        await say(office, 1, "/reject my-app@1.4.2 no")
    await office.safety.database.close()


async def test_engineers_reject_no_images(office: Office) -> None:
    with pytest.raises(NotAllowed):
        await say(office, 1, "/reject my-app@1.4.2 no", "U0ANA")
