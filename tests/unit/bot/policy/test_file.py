"""Every mistake in pilothouse.yaml names its line and its fix."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import PolicyError
from bot.domain.event import ROUTING, Event, Routing
from bot.policy import load, parse
from bot.policy.parts import INSTEAD
from bot.views.hearings import ROUTED, WITHOUT_ROUTE

TEN_LINES = """\
channels:
  default: deployments
bindings:
  - role: engineer
    groups: [engineers]
  - role: release-manager
    groups: [release-managers]
  - role: admin
    emails: [dee@example.com]
"""


def test_ten_lines_are_a_whole_policy() -> None:
    policy = parse(TEN_LINES)
    assert [e.name for e in policy.environments] == ["development", "staging", "production"]
    assert policy.environments[2].answers_to("PROD")
    rules = policy.rules("my-app", "production")
    assert rules.approval().count == 1
    assert set(rules.gates()) == {"scan", "health", "order", "lock", "freeze", "rejected", "application"}
    assert set(policy.rules("my-app", "development").gates()) == {"lock", "freeze", "rejected", "application"}
    assert policy.application("my-app", "staging") == "my-app-staging"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("environmnts: []\n", "p.yaml:1: environmnts: unknown key. Did you mean `environments`?"),
        ("bindings:\n- role: viewer\n", "p.yaml:2: bindings.0: a binding needs users, groups or emails"),
        ("bindings:\n- role: viewr\n  users: [U1]\n", "p.yaml:2: there is no role 'viewr'. Did you mean `viewer`"),
        (
            "environments:\n- name: production\n  approval:\n    expires: 4\n",
            "p.yaml:4: environments.0.approval.expires: 4 is not a duration: write its unit",
        ),
        ("environments:\n- name: a\n- name: b\n  aliases: [a]\n", "p.yaml:2: 'a' names two environments"),
        ("apps:\n  x:\n    environments:\n      prd: {}\n", "p.yaml:4: there is no environment 'prd'"),
        ("environments:\n- name: Prod EU\n", "p.yaml:2: environments.0.name: 'Prod EU': use lowercase letters"),
        ("environments:\n- name: a-\n", "p.yaml:2: environments.0.name: 'a-': use lowercase letters"),
        ("argocd:\n  application: '{app}-{env}'\n", "p.yaml:2: '{app}-{env}' must contain {app} and {environment}"),
        ("roles:\n  x: [fly]\n", "p.yaml:2: roles.x.0: expected `view`, `promote`"),
        ("- a\n", "p.yaml:1: expected a mapping"),
        ("a: [\n", "p.yaml:2: not valid YAML"),
        ("environments: []\n", "p.yaml:1: environments: "),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as told:
        parse(text, "p.yaml")
    assert sentence in told.value.sentence


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(PolicyError) as told:
        parse("a: 1\nb: 2\n", "p.yaml")
    assert len(told.value.sentence.splitlines()) == 2


def test_names_are_checked_beside_values_in_one_go() -> None:
    """A list without its mistaken item counts differently: the lines stay right."""
    text = (
        "channels: {defualt: '#d'}\n"
        "timezone: Europe/Londn\n"
        "bindings:\n"
        "- role: viewer\n"
        "- {role: enginer, groups: [a]}\n"
        "environments:\n"
        "- name: production\n"
        "  approval: {count: two, roles: [relaese-manager]}\n"
        "- name: staging\n"
    )
    with pytest.raises(PolicyError) as told:
        parse(text, "p.yaml", lambda policy: [(("environments", len(policy.environments) - 1), "no such gate")])
    found = [(int(line.split(":")[1]), line) for line in told.value.sentence.splitlines()]
    assert [(line, word in text) for (line, text), word in zip(found, WORDS, strict=True)] == [
        (1, True), (2, True), (4, True), (5, True), (8, True), (8, True), (9, True)
    ]  # fmt: skip


WORDS = ("defualt", "time zone", "a binding needs", "'enginer'", "whole number", "'relaese-manager'", "no such gate")


@pytest.mark.parametrize(
    "text",
    [
        "rolse: {x: [view]}\nbindings:\n- {role: x, users: [U1]}\n",
        "roles: {x: [fly]}\nbindings:\n- {role: x, users: [U1]}\n",
        "environments:\n- {name: 7}\napps: {x: {environments: {production: {}}}}\n",
        "environments:\n- {name: a, alases: [b]}\n- 3\napps: {x: {environments: {b: {}}}}\n",
    ],
)
def test_nothing_is_called_wrong_for_what_only_lacks_a_mistaken_part(text: str) -> None:
    with pytest.raises(PolicyError) as told:
        parse(text, "p.yaml")
    assert "there is no" not in told.value.sentence


def test_an_app_refines_its_environment() -> None:
    policy = parse(
        "environments:\n- name: staging\n- name: production\n  approval: {count: 2, expires: 1h}\n"
        "  gates: {scan: {threshold: high}, health: false}\n"
        "apps:\n  payments:\n    environments:\n      production:\n        approval: {count: 3}\n"
        "        gates: {scan: {fixable_only: true}}\n"
    )
    own = policy.rules("payments", "production")
    assert (own.approval().count, own.approval().expires) == (3, timedelta(hours=1))
    assert own.gates()["scan"] == {"threshold": "high", "fixable_only": True}
    assert "health" not in own.gates()
    assert policy.rules("other", "production").approval().count == 2


def test_a_missing_file_says_where_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="PILOTHOUSE_POLICY_FILE"):
        load(tmp_path / "none.yaml")


@given(st.text(alphabet=st.sampled_from("ab:-[]{} \n'\"#&*!|>%@`1"), max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        parse(text)
    except PolicyError as told:
        assert told.sentence  # noqa: PT017


def test_a_route_for_an_event_that_never_happens_is_a_mistake() -> None:
    with pytest.raises(PolicyError, match="there is no event faild: expected started, waiting, done, failed"):
        parse("channels: {routes: [{channel: C0INC, events: [faild]}]}\n")


def test_a_route_for_what_goes_to_no_channel_is_a_mistake_that_names_the_remedy() -> None:
    with pytest.raises(PolicyError, match=r"`lock-free` goes to no channel, only to persons: route `unlocked`"):
        parse("channels: {routes: [{channel: C0INC, events: [lock-free]}]}\n")


def test_of_each_event_it_is_known_who_hears_of_it() -> None:
    assert list(ROUTING) == list(Event)
    assert set(ROUTED) == set(Routing)
    assert all(WITHOUT_ROUTE[event] for event in Event)
    assert set(INSTEAD) == {event for event in Event if ROUTING[event] is Routing.NONE}


@pytest.mark.parametrize(
    "rules",
    [
        "environments: [{name: production, gates: {rejected: false}}]",
        "environments: [{name: production, rollback: {skip_gates: [scan, rejected]}}]",
        "environments: [{name: production, break_glass: {skip_gates: [rejected]}}]",
        "apps: {payments: {environments: {production: {gates: {rejected: false}}}}}",
    ],
)
def test_no_policy_lets_a_rejected_image_through(rules: str) -> None:
    with pytest.raises(PolicyError, match=r"p\.yaml:1: .*`/unreject` takes a rejection back"):
        parse(rules, "p.yaml")
