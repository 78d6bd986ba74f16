"""`author_approval: false`: whoever cannot be told apart from the author may not approve."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.authorship import AddressMatch, authors_of, told_apart
from bot.domain.errors import NotAllowed, PolicyError
from bot.domain.overlay import Author, Commit
from bot.domain.promotion import Promotion, VoteKind
from bot.policy import parse
from bot.promotions.source_changes import Changes
from tests.fakes.sources import MemorySources
from tests.fakes.world import POLICY, CoreWorld, core_world
from tests.unit.bot.promotions.test_source_changes import built, sources
from tests.views.samples import AT

BO = "bo@example.com"
HIDDEN = {
    "a private address": "bo.private@gmail.com",
    "another domain of the company": "bo@corp.example.org",
    "noreply of GitHub": "12345+bo@users.noreply.github.com",
    "noreply of GitHub, older": "bo@users.noreply.github.com",
    "noreply of a bot": "49699333+dependabot[bot]@users.noreply.github.com",
    "web-flow": "noreply@github.com",
    "noreply of the company": "noreply@example.com",
    "no-reply with a tag": "no-reply+bo@example.com",
    "do-not-reply": "do-not-reply@example.com",
    "a build host": "root@build-17",
    "a laptop": "bo@macbook.local",
    "what Pilothouse itself writes": "u0bo@slack.invalid",
    "nothing": " ",
    "a final dot": "bo@example.com.",
    "quotes": '"bo"@example.com',
    "blanks": "  bo@example.com ",
    "no address": "bo",
    "no mailbox": "@example.com",
    "letters that look alike": "b\u043e@example.com",
    "a domain that looks alike": "bo@ex\u0430mple.com",
}
THE_SAME = {
    "a plus-address": "bo+work@example.com",
    "two plus-tags": "bo+a+b@example.com",
    "upper case": "BO@Example.COM",
}


async def asked_with(world: CoreWorld, *authors: str, unknown: tuple[str, ...] = ()) -> Promotion:
    asked = await world.now(await world.deploy("ana"))
    rule = replace(asked.plan.approval, author_approval=False)
    return replace(asked, plan=replace(asked.plan, approval=rule, authors=authors, authors_unknown=unknown))


async def approve(world: CoreWorld, promotion: Promotion, who: str = "bo") -> None:
    caller = await world.person(who)
    world.service.eligibility.check(promotion, VoteKind.APPROVE, caller, promotion.content_hash)


@pytest.mark.parametrize("author", HIDDEN.values(), ids=HIDDEN.keys())
@pytest.mark.parametrize("beside", [(), ("mia@example.com",)], ids=["alone", "beside another author"])
async def test_an_author_with_a_hidden_address_does_not_slip_through(
    world: CoreWorld, author: str, beside: tuple[str, ...]
) -> None:
    promotion = await asked_with(world, *beside, author)
    with pytest.raises(NotAllowed, match="may be you"):
        await approve(world, promotion)


@pytest.mark.parametrize("author", THE_SAME.values(), ids=THE_SAME.keys())
async def test_another_spelling_of_the_same_address_is_the_same_person(world: CoreWorld, author: str) -> None:
    with pytest.raises(NotAllowed, match="You wrote the newest commit"):
        await approve(world, await asked_with(world, author))


@pytest.mark.parametrize("unknown", [("my-app",), ("ledger", "my-app")])
async def test_an_image_whose_source_is_not_known_lets_nobody_approve(
    world: CoreWorld, unknown: tuple[str, ...]
) -> None:
    with pytest.raises(NotAllowed, match="nobody can approve"):
        await approve(world, await asked_with(world, "mia@example.com", unknown=unknown))


PEOPLE = {
    "ana@example.com": ("ana@corp.example", "123+ana@users.noreply.github.com"),
    "bo@example.com": ("bo@users.noreply.github.com", "bo.private@gmail.com"),
}


@pytest.mark.parametrize(
    ("author", "person", "expected"),
    [
        ("123+ana@users.noreply.github.com", "ana@example.com", AddressMatch.SAME),
        ("123+ANA@users.noreply.github.com", "ana@corp.example", AddressMatch.SAME),
        ("ana+x@corp.example", "ana@example.com", AddressMatch.SAME),
        ("boprivate@gmail.com", "bo@example.com", AddressMatch.SAME),
        ("123+ana@users.noreply.github.com", "bo@example.com", AddressMatch.OTHER),
        ("ana@corp.example", "bo@example.com", AddressMatch.OTHER),
        ("ana@corp.example", "mia@example.com", AddressMatch.OTHER),  # ana's address in Slack is of mia's domain
        ("ana@corp.example", "mia@elsewhere.example", AddressMatch.UNKNOWN),
        ("ana@corp.example", "mia@corp.example", AddressMatch.UNKNOWN),
        ("456+ana@users.noreply.github.com", "bo@example.com", AddressMatch.UNKNOWN),
        ("ana@users.noreply.github.com", "bo@example.com", AddressMatch.UNKNOWN),
        ("noreply@github.com", "bo@example.com", AddressMatch.UNKNOWN),
        ("123+ana@users.noreply.github.com", "", AddressMatch.UNKNOWN),
        ("", "bo@example.com", AddressMatch.UNKNOWN),
        ("\u0430na@corp.example", "bo@example.com", AddressMatch.UNKNOWN),
    ],
)
def test_policy_says_whose_an_address_is_and_nothing_more(author: str, person: str, expected: AddressMatch) -> None:
    assert told_apart(author, person, PEOPLE) is expected


@pytest.mark.parametrize(
    "people",
    [
        "{ana@example.com: [x@corp.example], bo@example.com: [x@corp.example]}",
        "{ana@example.com: [X@Corp.example], bo@example.com: [x+1@corp.example]}",
        "{ana@example.com: [bo@example.com], bo@example.com: []}",
        "{ana@example.com: [1+a@users.noreply.github.com], bo@example.com: [1+A@users.noreply.github.com]}",
        "{ana@example.com: [], ANA@example.com: [x@corp.example]}",
        "{ana@example.com: [noreply@github.com]}",
        "{ana@example.com: [no-reply+ana@example.com]}",
        "{ana@example.com: [nobody]}",
        "{1+ana@users.noreply.github.com: [ana@example.com]}",
    ],
)
def test_a_policy_that_gives_an_address_to_two_people_or_nobody_is_refused(people: str) -> None:
    with pytest.raises(PolicyError, match=r"under|own address|Slack confirms"):
        parse(f"people: {people}")


async def test_policy_clears_an_approver_of_another_ones_hidden_address(tmp_path: Path) -> None:
    mine = "\npeople: {bo@example.com: [1+bo@users.noreply.github.com], ana@example.com: [ana@corp.example]}\n"
    async with core_world(tmp_path, POLICY + mine) as world:
        asked = await asked_with(world, "ana@corp.example")
        await approve(world, asked)
        for author, why in (
            ("1+bo@users.noreply.github.com", "You wrote"),
            ("2+bo@users.noreply.github.com", "may be"),
        ):
            with pytest.raises(NotAllowed, match=why):
                await approve(world, replace(asked, plan=replace(asked.plan, authors=(author,))))


async def test_who_is_plainly_somebody_else_may_approve(world: CoreWorld) -> None:
    await approve(world, await asked_with(world, "mia@example.com", "dee+x@example.com"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("b.o@gmail.com", "bo@gmail.com"),
        ("bo@googlemail.com", "bo@gmail.com"),
        ("B.O+x@GoogleMail.com", "bo@gmail.com"),
    ],
)
def test_what_one_mail_host_leaves_out_of_account_tells_nobody_apart(one: str, other: str) -> None:
    assert told_apart(one, other) is AddressMatch.SAME
    assert told_apart("b.o@example.com", BO) is AddressMatch.OTHER


def commit(message: str, email: str = "mia@example.com", parents: tuple[str, ...] = ("p",)) -> Commit:
    return Commit("c", Author("x", email), message, AT, parents=parents)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Work\n\nCo-authored-by: Bo <bo@example.com>", (BO,)),
        ("Work\n\nco-authored-BY: Bo <bo@example.com>", (BO,)),
        ("Work\n\nCo-authored-by: Bo <bo@example.com>\nSigned-off-by: x <x@example.com>\n\nmore words", (BO,)),
        (
            "Work\n\n  Co-authored-by : Bo <bo@example.com>\nCo-authored-by: D <dee@example.com>",
            (BO, "dee@example.com"),
        ),
        ("Work\n\nCo-authored-by: Bo, without an address", ("",)),
    ],
)
def test_co_authors_are_authors(message: str, expected: tuple[str, ...]) -> None:
    assert authors_of([commit(message)]) == ("mia@example.com", *expected)


def test_who_merges_does_not_hide_who_wrote() -> None:
    newest = [commit("Merge", "dee@example.com", ("p", "q")), commit("Merge", "x@example.com", ("p", "q"))]
    assert authors_of([*newest, commit("Work", BO), commit("Older")]) == ("dee@example.com", BO)


@pytest.mark.parametrize("gone", ["", "nowhere"])
async def test_two_images_one_of_which_nobody_knows(gone: str) -> None:
    told = await Changes(sources()).of([built("my-app", "c0", "c2"), built("ledger", "c0", gone)])
    assert (told.authors, told.unknown) == (("bo@example.com",), ("ledger",))


async def test_a_co_author_without_an_address_may_be_anybody() -> None:
    source = "https://github.com/acme/my-app"
    old, new = (replace(commit(text), sha=sha) for sha, text in (("c0", "x"), ("c1", "x\n\nCo-authored-by: Bo")))
    told = await Changes(MemorySources({source: [old, new]})).of([built("my-app", "c0", "c1")])
    assert told.unknown == ("my-app",)
