"""Reviews, stand-ins, history, and what one may do."""

from datetime import UTC, datetime

import pytest

from bot.domain.caller import Permission, Person, Target
from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import Context
from bot.domain.promotion import Phase
from bot.domain.reply import Abilities, ChangeHistory, Delegated, Identity, Told
from bot.domain.safety import Review
from bot.promotions.delegates import standing
from tests.fakes.command_harness import CommandHarness

PRODUCTION = Target("my-app", "production")


async def say(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> object:
    asked = await harness.read(line, Context(f"r{number}", "C0DEPLOY", "c", "T0PILOT"))
    return await harness.run(asked, user)


async def owe(harness: CommandHarness, by: str = "U0DEE", apps: tuple[str, ...] = ("my-app",)) -> Review:
    review = Review("p-abc", apps, "production", Person(by, by[2:].lower()), "INC-1", datetime.now(UTC))
    async with harness.safety.database.begin() as connection:
        await harness.safety.stores.reviews.owe(connection, review)
    return review


async def test_a_review_is_closed_by_an_approver_who_did_not_break_the_glass(harness: CommandHarness) -> None:
    await owe(harness)
    with pytest.raises(NotAllowed, match="You broke the glass"):
        await say(harness, 1, "/review p-abc fine", "U0DEE")
    with pytest.raises(NotAllowed, match="`approve` permission"):
        await say(harness, 2, "/review p-abc fine", "U0ANA")
    assert await say(harness, 3, "/review p-abc the fix was right") == Told("The review of p-abc is closed.")
    closed = await harness.safety.stores.reviews.get("p-abc")
    assert closed
    assert closed.closed_by
    assert (closed.closed_by.id, closed.note) == ("U0BO", "the fix was right")
    assert await harness.safety.stores.reviews.open() == ()
    assert (await harness.safety.told("C0DEPLOY"))[0].endswith("in *production*: the fix was right")
    with pytest.raises(Conflict, match="closed this review already"):
        await say(harness, 4, "/review p-abc me too", "U0MIA")
    assert (await harness.safety.events())[-1] == "reviewed"


async def test_a_review_needs_a_note_and_something_to_review(harness: CommandHarness) -> None:
    with pytest.raises(InvalidCommand, match="needs a note"):
        await say(harness, 1, "/review p-abc")
    with pytest.raises(UnknownName, match="owes no review"):
        await say(harness, 2, "/review p-none fine")


async def test_a_train_is_reviewed_by_who_may_approve_all_of_it(harness: CommandHarness) -> None:
    await owe(harness, apps=("my-app", "payments"))
    assert isinstance(await say(harness, 1, "/review p-abc fine"), Told)


async def test_a_delegate_speaks_with_the_roles_of_who_is_away(harness: CommandHarness) -> None:
    reply = await say(harness, 1, "/delegate <@U0ANA|ana> until fri")
    assert isinstance(reply, Delegated)
    assert (reply.delegation.absent.id, reply.delegation.delegate.id) == ("U0BO", "U0ANA")
    assert (await harness.safety.told("U0ANA"))[0].startswith("🪑 You stand in for <@U0BO> until ")
    ana, store = await harness.caller("U0ANA"), harness.safety.stores.delegations
    both = standing(harness.policy, ana, PRODUCTION, await store.lenders(ana, harness.directory))
    assert both.roles == {"engineer", "release-manager"}
    assert [person.id for person in both.behalf] == ["U0BO"]
    own = standing(harness.policy, ana, PRODUCTION, await store.lenders(ana, harness.directory, {"U0BO"}))
    assert (own.roles, own.behalf) == (frozenset({"engineer"}), ())


async def test_roles_are_not_lent_on_and_not_by_who_has_lost_them(harness: CommandHarness) -> None:
    await say(harness, 1, "/delegate ana@example.com for 2h")
    store = harness.safety.stores.delegations
    cy, ana = await harness.caller("U0CY"), await harness.caller("U0ANA")
    assert await store.lenders(cy, harness.directory) == ()
    harness.directory.groups[("S0RELEASE", "release-managers")] = frozenset({"U0MIA"})
    absent = await store.lenders(ana, harness.directory)
    assert standing(harness.policy, ana, PRODUCTION, absent).behalf == ()


async def test_a_delegation_ends_when_its_time_is_over_or_it_is_taken_back(harness: CommandHarness) -> None:
    await say(harness, 1, "/delegate <@U0ANA> for 2h")
    assert await say(harness, 2, "/delegate off") == Told("ana no longer stands in for you.")
    assert await harness.safety.stores.delegations.absent_for("U0ANA") == ()
    assert await say(harness, 3, "/delegate off") == Told("Nobody stands in for you.")
    await say(harness, 4, "/delegate <@U0ANA> for 2h")
    await say(harness, 5, "/delegate <@U0MIA> for 2h")
    assert await harness.safety.stores.delegations.absent_for("U0ANA") == ()
    assert len(await harness.safety.stores.delegations.absent_for("U0MIA")) == 1
    told = await harness.safety.told("U0ANA")
    over = [text for text in told if text.startswith("🪑 You no longer stand in for <@U0BO>")]
    assert (len(told), len(over)) == (4, 2)
    await say(harness, 6, "/delegate <@U0MIA> for 3h")  # longer: for her nothing has ended
    assert not any("no longer" in text for text in await harness.safety.told("U0MIA"))


@pytest.mark.parametrize(
    ("line", "user", "error", "says"),
    [
        ("/delegate <@U0BO> for 2h", "U0BO", InvalidCommand, "stand in for yourself"),
        ("/delegate <@U0GUS> for 2h", "U0BO", InvalidCommand, "gus cannot stand in"),
        ("/delegate <@U0NOBODY> for 2h", "U0BO", UnknownName, "Slack knows nobody"),
        ("/delegate @mia for 2h", "U0BO", InvalidCommand, "mention them as @name"),
        ("/delegate <@U0MIA>", "U0BO", InvalidCommand, "Say until when"),
        ("/delegate <@U0MIA> for 2h", "U0ANA", NotAllowed, "`approve` permission"),
    ],
)
async def test_who_cannot_stand_in_and_who_cannot_name_anybody(
    harness: CommandHarness, line: str, user: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await say(harness, 1, line, user)


async def test_history_is_newest_first_and_only_what_one_may_see(harness: CommandHarness) -> None:
    await harness.run("/deploy my-app prod", "U0ANA")
    promotion = harness.promotions.only
    async with harness.safety.database.begin() as connection:
        await harness.safety.promotions.create(connection, promotion)
    shown = await say(harness, 1, "/history my-app prod")
    assert shown == ChangeHistory("my-app", "production", (promotion,))
    assert await say(harness, 2, "/history my-app staging") == ChangeHistory("my-app", "staging", ())
    with pytest.raises(InvalidCommand, match="Name an app"):
        await say(harness, 3, "/history prod")
    assert promotion.phase is not Phase.SUCCEEDED


async def test_whoami_tells_the_bindings_that_hold_and_who_lends_a_voice(harness: CommandHarness) -> None:
    await say(harness, 1, "/delegate <@U0ANA> for 2h")
    shown = await say(harness, 2, "/pilothouse whoami", "U0ANA")
    assert isinstance(shown, Identity)
    assert [grant.role for grant in shown.grants] == ["engineer"]
    assert [one.absent.id for one in shown.delegations] == ["U0BO"]
    guest = await say(harness, 3, "/pilothouse whoami", "U0GUS")
    assert isinstance(guest, Identity)
    assert guest.grants == ()


async def test_can_tells_each_permission_with_its_role_or_who_has_it(harness: CommandHarness) -> None:
    shown = await say(harness, 1, "/pilothouse can my-app prod", "U0ANA")
    assert isinstance(shown, Abilities)
    by_permission = {one.permission: one for one in shown.abilities}
    assert set(by_permission) == set(Permission)
    assert by_permission[Permission.PROMOTE].roles == ("engineer",)
    assert by_permission[Permission.APPROVE].roles == ()
    assert by_permission[Permission.APPROVE].who_could == "Ask @release-managers or @platform-admins."
