"""Facts → troubles: the same in any order and with repeats."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.troubles import troubles
from bot.domain.delivery import Detail, Drifted, Fact, HealthChanged, Judged, SyncUnknown
from bot.domain.promotion import Progress
from bot.domain.trouble import Trouble, TroubleKind

AT = datetime(2026, 11, 29, 9, tzinfo=UTC)
ILL = HealthChanged(healthy=False, status="Degraded", resource="Deployment my-app", message="crashes")
WELL = HealthChanged(healthy=True, status="Healthy")
DETAILS: tuple[Detail, ...] = (
    ILL, WELL, Drifted(("Deployment my-app",)), Drifted((), over=True), SyncUnknown("no manifest"),
    SyncUnknown("", over=True), Judged("c0ffee", Progress.HEALTHY),
)  # fmt: skip


def fact(minutes: float, detail: Detail, environment: str = "production") -> Fact:
    return Fact(f"{environment}:{minutes}", AT + timedelta(minutes=minutes), "my-app", environment, detail)


def at(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def test_each_has_a_beginning_and_an_end_or_lasts() -> None:
    found = troubles(
        [
            fact(1, ILL), fact(2, Drifted(("ConfigMap x",))), fact(3, WELL), fact(5, SyncUnknown("no manifest")),
            fact(6, SyncUnknown("", over=True)), fact(7, ILL, "staging"),
        ]
    )  # fmt: skip
    assert [(one.environment, one.kind, one.at, one.over_at) for one in found] == [
        ("production", TroubleKind.ILL, at(1), at(3)),
        ("production", TroubleKind.DRIFT, at(2), None),
        ("production", TroubleKind.NOT_COMPARED, at(5), at(6)),
        ("staging", TroubleKind.ILL, at(7), None),
    ]
    assert found[0] == Trouble(
        "my-app", "production", TroubleKind.ILL, at(1), at(3), "Degraded", ("Deployment my-app",), "crashes"
    )


def test_one_that_goes_on_is_one_with_all_that_changed() -> None:
    (found,) = troubles([fact(1, Drifted(("ConfigMap x",))), fact(2, Drifted(("ConfigMap x", "Deployment y")))])
    assert (found.at, found.resources) == (at(1), ("ConfigMap x", "Deployment y"))


def test_an_end_alone_and_what_is_about_something_else_are_none() -> None:
    assert troubles([fact(1, WELL), fact(2, Drifted((), over=True)), fact(3, Judged("c0ffee", Progress.HEALTHY))]) == ()


@given(st.lists(st.sampled_from(DETAILS), max_size=12), st.integers())
def test_order_and_repeats_change_nothing(details: list[Detail], seed: int) -> None:
    facts = [fact(number, detail, ("staging", "production")[number % 2]) for number, detail in enumerate(details)]
    shuffled = [*facts, *facts]
    Random(seed).shuffle(shuffled)
    found = troubles(shuffled)
    assert found == troubles(facts)
    assert all(one.over_at is None or one.over_at > one.at for one in found)
