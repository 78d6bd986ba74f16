"""`/dora`: a table for one environment; for several, a row for each and a table for each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.deliveries.dora import together
from bot.domain.delivery import Cause, ChangeFailure, Deployment, Figures
from bot.domain.reply import DoraPlace, DoraReport
from bot.domain.source_range import CommitsFound, SourceRange
from bot.views import render
from tests.views.reading import lines

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def place(environment: str, *apps: str) -> DoraPlace:
    change = Deployment("x", environment, "c0ffee", Cause.GIT, NOW, "Ben")
    parts = tuple(Figures(app, 10, (change,), environment=environment) for app in apps)
    return DoraPlace(environment, parts, together(parts))


def shown(*places: DoraPlace) -> list[str]:
    total = together([part for one in places for part in one.parts])
    return lines(render(DoraReport(places, NOW - timedelta(days=10), NOW - timedelta(days=20), total)))


LEAD = (
    "Lead time: from the push of each commit until it is Healthy here; median and 90th percentile. Failed: it failed "
    "here, turned Degraded within an hour, was undone within a day, or reverted or fixed within 7 days by a commit "
    "that says so (This reverts commit …, Fixes: …). A change of settings alone is not counted as a deployment, but "
    "can be what reverts or fixes one."
)
UNSEEN = "Which source commits were deployed is not known, so fixes in the source are not counted."


def test_of_one_environment() -> None:
    found = shown(place("production", "ledger", "my-app"))
    assert found[0] == "# Delivery to production since 2026-11-19"
    assert [line.split()[0] for line in found if "0." in line] == ["ledger", "my-app", "all"]
    assert found[-1] == f"({LEAD} {UNSEEN})"


def test_of_several_environments_each_is_named_the_empty_one_too() -> None:
    found = shown(place("prod-eu", "ledger", "my-app"), place("prod-us"), place("production", "my-app"))
    assert found[0] == "# Delivery to prod-eu, prod-us and production since 2026-11-19"
    rows = [line.split()[:2] for line in found if "0." in line]
    assert rows == [
        ["prod-eu", "2"], ["prod-us", "0"], ["production", "1"], ["all", "3"],
        ["ledger", "1"], ["my-app", "1"], ["all", "2"],
        ["my-app", "1"],
    ]  # fmt: skip
    assert [line for line in found if line in ("*prod-eu*", "*prod-us*", "*production*")] == [
        "*prod-eu*",
        "*production*",
    ]
    assert found[-1] == f"({LEAD} {UNSEEN} What reaches several environments counts in each.)"


def test_of_one_app_the_rows_of_the_environments_are_enough() -> None:
    found = shown(place("prod-eu", "my-app"), place("production", "my-app"))
    assert [line.split()[0] for line in found if "0." in line] == ["prod-eu", "production", "all"]


def test_where_nothing_was_deployed_every_environment_is_named() -> None:
    (found,) = shown(place("prod-eu"), place("production"))
    assert found.startswith("No deployment to prod-eu or production is on record since ")


def test_where_nothing_was_deployed_the_beginning_of_the_record_is_said() -> None:
    """Ninety days without a deployment are not what a record of two minutes shows."""
    since, begins = NOW - timedelta(days=90), NOW - timedelta(minutes=2)
    (found,) = lines(render(DoraReport((place("production"),), since, begins, together(()))))
    assert found == (
        "No deployment to production is on record since 2026-08-31 12:00 UTC. The record begins 2026-11-29 11:58 UTC: "
        "before that nothing is counted."
    )
    (unread,) = lines(render(DoraReport((place("production"),), since, None, together(()))))
    assert unread.endswith("The overlay repository has not been read yet.")


def test_fifty_apps_in_eight_environments_fit_in_one_message() -> None:
    apps = [f"app-{number}" for number in range(50)]
    message = render(DoraReport(tuple(place(f"prod-{n}", *apps) for n in range(8)), NOW, None, place("x", *apps).total))
    assert len(message.blocks) <= 50
    assert sum(len(str(block)) for block in message.blocks) < 10_000
    assert "more" not in str(message.blocks[-2])


def test_each_failed_change_can_be_traced() -> None:
    known = CommitsFound("f", (SourceRange(("x",), "s", "a", "b"),))
    bad = Deployment("my-app", "production", "bad00000", Cause.GIT, NOW, "Ben", url="https://git.example/bad")
    fix = replace(bad, sha="f1f1f1f1", at=NOW + timedelta(hours=1), url="https://git.example/fix", commits=known)
    failures = (
        ChangeFailure(bad, "it was fixed", NOW, NOW + timedelta(hours=2), fix),
        ChangeFailure(replace(bad, sha="abcdef12", at=NOW - timedelta(hours=9)), "it failed", NOW),
    )
    part = Figures("my-app", 10, (bad, fix), (), failures, "production")
    found = shown(DoraPlace("production", (part,), part))
    at = found.index("Failed, the newest first:")
    assert found[at + 1].startswith("• my-app bad0000 2026-11-29")
    assert found[at + 1].endswith(": it was fixed by f1f1f1f, well again after 2 hours")
    assert found[at + 2].endswith(": it failed")
    said = "Fixes in the source are not counted for 1 of 2 deployments: their commits are not known."
    assert found[-1] == f"({LEAD} {said})"
    reverted = replace(part, failures=(replace(failures[0], why="it was reverted"), failures[1]))
    assert shown(DoraPlace("production", (reverted,), reverted))[at + 1].endswith(
        ": it was reverted by f1f1f1f, well again after 2 hours"
    )
    many = replace(part, failures=failures * 4)
    assert "… and 3 more" in shown(DoraPlace("production", (many,), many))
    several = shown(DoraPlace("production", (part,), part), place("prod-eu", "my-app"))
    assert any("in production" in line and "it was fixed" in line for line in several)


def test_where_all_commits_are_known_nothing_is_said_of_that() -> None:
    known = CommitsFound("f", (SourceRange(("x",), "s", "a", "b"),))
    part = Figures("my-app", 10, (Deployment("x", "production", "c", Cause.GIT, NOW, "Ben", commits=known),))
    assert "not known" not in shown(DoraPlace("production", (part,), part))[-1]
