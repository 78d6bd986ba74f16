"""Production is guarded unless policy says otherwise, wherever it stands and however it is called."""

import pytest

from bot.domain.environment import Environment, careful, says_production
from bot.policy import parse, unguarded

EVERYWHERE = "environments: [{name: staging}, {name: prod-eu}, {name: us, aliases: [production-us]}, {name: sandbox}]"


@pytest.mark.parametrize(
    "word",
    [
        "production",
        "prod",
        "PRD",
        "live",
        "pro",
        "prod-eu",
        "eu-prod",
        "EU_PRD2",
        "us.live",
        "euprod",
        "prod2",
        "x-prod",
    ],
)
def test_it_says_production(word: str) -> None:
    assert says_production(word)


@pytest.mark.parametrize(
    "word",
    [
        "pre-prod",
        "preprod",
        "nonprod",
        "non-production",
        "not_prod",
        "product",
        "olive",
        "deliver",
        "prodigy",
        "-",
        "1",
    ],
)
def test_it_does_not_say_production(word: str) -> None:
    assert not says_production(word)


def test_an_alias_says_it_too() -> None:
    assert Environment("eu", 1, ("customers", "prod-eu")).production
    assert not Environment("eu", 1, ("customers",)).production


def test_production_and_the_last_one_are_changed_with_care() -> None:
    assert parse(EVERYWHERE).careful == {"prod-eu", "us", "sandbox"}
    assert careful(()) == frozenset()


@pytest.mark.parametrize(("environment", "before"), [("prod-eu", "staging"), ("us", "prod-eu")])
def test_every_production_asks_for_approval_and_order(environment: str, before: str) -> None:
    rules = parse(EVERYWHERE).rules("my-app", environment)
    assert rules.approval().count == 1
    assert rules.gates()["order"] == {"environments": (before,)}


def test_a_policy_that_names_order_says_itself_of_which_environments() -> None:
    named = "environments: [{name: a}, {name: b}, {name: live, gates: {order: {allow_hotfix: true}}}]"
    assert parse(named).rules("my-app", "live").gates()["order"] == {"allow_hotfix": True}
    own = "apps: {ledger: {environments: {production: {gates: {order: true}}}}}"
    assert parse(own).rules("ledger", "production").gates()["order"] == {}
    assert "order" not in parse("environments: [{name: prod}]").rules("my-app", "prod").gates(), "it is the first"


def test_others_ask_for_what_they_did() -> None:
    policy = parse(EVERYWHERE)
    assert policy.rules("my-app", "staging").approval().count == 0
    assert policy.rules("my-app", "sandbox").approval().count == 1, "it is the last"
    assert not any("order" in policy.rules("my-app", name).gates() for name in ("staging", "sandbox"))


def test_the_default_policy_and_a_guarded_one_warn_of_nothing() -> None:
    assert not list(unguarded(parse("")))
    assert not list(unguarded(parse(EVERYWHERE)))
    assert not list(unguarded(parse("environments: [{name: production}]"))), "nothing comes before the first one"
    hotfix = (
        "environments: [{name: staging}, {name: prod, gates: {order: {allow_hotfix: true, environments: [staging]}}}]"
    )
    assert not list(unguarded(parse(hotfix)))


@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        ("approval: {count: 0}", ("approval",), "nobody has to approve"),
        ("approval: {count: 2, alternatives: [{count: 1}], self_approval: true}", ("approval",), "only approver"),
        ("approval: {self_approval: true}", ("approval",), "only approver"),
        ("gates: {order: false}", ("gates",), "Leave `gates.order` out"),
        ("gates: {order: {environments: []}}", ("gates",), "names no environment"),
    ],
)
def test_what_is_left_open_warns_with_its_place_and_the_remedy(said: str, place: tuple[str, ...], words: str) -> None:
    for policy, index in (
        (f"environments: [{{name: staging}}, {{name: prod-eu, {said}}}, {{name: last}}]", 1),
        (f"environments: [{{name: a}}, {{name: b}}, {{name: c, aliases: [live], {said}}}]", 2),
    ):
        [(found, sentence)] = unguarded(parse(policy))
        assert found == ("environments", index, *place)
        assert words in sentence
    own = f"apps: {{ledger: {{environments: {{production: {{{said}}}}}}}}}"
    [(found, sentence)] = unguarded(parse(own))
    assert found == ("apps", "ledger", "environments", "production", *place)
    assert sentence.startswith("production of ledger: ")


def test_an_app_is_warned_of_only_for_what_it_opens_itself() -> None:
    policy = (
        "environments: [{name: staging}, {name: production, approval: {count: 0}}]\n"
        "apps: {ledger: {environments: {production: {gates: {order: false}}}}}"
    )
    assert [place[0] for place, _ in unguarded(parse(policy))] == ["environments", "apps"]
