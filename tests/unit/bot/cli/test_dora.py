"""`pilothouse dora`: a table, or CSV with the commits behind each figure."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.deliveries.branch_observer import OBSERVER
from bot.domain.delivery import Cause, Committed, Fact, ImageChange, Judged
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.source_range import CommitsFound, SourceRange, Undoing, commits_key
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from tests.fakes.databases import create_tables

IMAGE = ImageChange(OverlayImage("x", "h/x", "v1"), OverlayImage("x", "h/x", "v2"))
NOW = datetime.now(UTC)


def facts(name: str, environment: str = "production", *, well: bool) -> list[Fact]:
    sha = f"{name}-sha"
    commit = Committed(sha, Author("Ben", "ben@example.com"), "x", Cause.GIT, "k.yaml", (IMAGE,))
    verdict = Judged(sha, Progress.HEALTHY if well else Progress.FAILED)
    at = NOW - timedelta(days=2)
    return [
        Fact(f"git:{name}:{environment}", at, name, environment, commit),
        Fact(f"judged:{name}:{environment}", at + timedelta(minutes=5), name, environment, verdict),
    ]


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'x.db'}"

    async def fill() -> None:
        database = Database(url)
        await create_tables(database)
        async with database.begin() as connection:
            known = [
                *facts("my-app", well=True),
                *facts("=cmd", well=False),
                *facts("ledger", "prod-eu", well=True),
                *facts("ledger", "staging", well=True),
            ]
            await DeliveryStore(database).add(connection, known)
            await DeliveryStore(database).move(connection, OBSERVER, "head")
        await database.close()

    asyncio.run(fill())
    (tmp_path / "pilothouse.yaml").write_text("")
    return url


REGIONS = "environments: [{name: staging}, {name: prod-eu}, {name: prod-us}, {name: production}]"


def run(url: str, tmp_path: Path, *arguments: str) -> Result:
    policy = str(tmp_path / "pilothouse.yaml")
    return CliRunner().invoke(app, ["dora", *arguments, "--database-url", url, "--policy", policy])


def test_csv_names_the_commits_and_no_cell_is_a_formula(url: str, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(url, tmp_path, "--csv").output)))
    mine = next(row for row in rows if row["app"] == "my-app")
    assert (mine["deployments"], mine["lead_time_median_seconds"], mine["change_failure_rate"]) == ("1", "300", "0.0")
    assert mine["commits"] == "my-app-sha"
    other = next(row for row in rows if row["app"] != "my-app")
    assert (other["app"], other["change_failure_rate"], other["failed_commits"]) == ("'=cmd", "1.0", "'=cmd-sha")


def test_each_deployment_has_a_row_from_which_the_figures_can_be_counted_again(url: str, tmp_path: Path) -> None:
    rows = {row["commit"]: row for row in csv.DictReader(io.StringIO(run(url, tmp_path, "--deployments").output))}
    well, ill = rows["my-app-sha"], rows["'=cmd-sha"]
    assert (well["lead_time_from"], well["lead_time_seconds"], well["failure"]) == ("pin", "300", "")
    assert (ill["lead_time_seconds"], ill["failure"], ill["restored_at"]) == ("", "it failed", "")
    assert datetime.fromisoformat(well["lead_time_since"]) == datetime.fromisoformat(well["at"])


def test_the_table_says_when_the_record_begins_and_sums_up(url: str, tmp_path: Path) -> None:
    output = run(url, tmp_path).output
    for words in (
        "The record begins",
        "my-app",
        "all",
        "50%",
        "5 min",
        "1 of 1 lead time begins with the first commit",
    ):
        assert words in output


def test_without_an_environment_each_production_has_its_table(url: str, tmp_path: Path) -> None:
    (tmp_path / "pilothouse.yaml").write_text(REGIONS)
    shown = run(url, tmp_path)
    titles = [line.strip() for line in shown.output.splitlines() if line.strip() in ("prod-eu", "production")]
    assert (shown.exit_code, titles) == (0, ["prod-eu", "production"])
    assert "No deployment to prod-us" in shown.output
    assert "ledger" in shown.output
    rows = list(csv.DictReader(io.StringIO(run(url, tmp_path, "--csv").output)))
    assert [(row["app"], row["environment"]) for row in rows] == [
        ("ledger", "prod-eu"), ("'=cmd", "production"), ("my-app", "production"),
    ]  # fmt: skip
    assert run(url, tmp_path, "ledger").exit_code == 0
    assert "No deployment of ledger" in run(url, tmp_path, "ledger", "--environment", "production").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nothing",), "No deployment of nothing"),
        (("--environment", "prodcution"), "There is no environment"),
        (("--environment", "development"), "No deployment to development"),
        (("--since", "soon"), "--since soon"),
        (("--since", "20000d"), "ten years at most"),
        (("--since", "999999d"), "--since 999999d"),
    ],
)
def test_what_there_is_nothing_of_is_an_error_and_no_zero(
    url: str, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = run(url, tmp_path, *arguments)
    assert result.exit_code == 1
    assert says in result.output


def test_each_failed_deployment_names_the_one_that_fixed_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    (tmp_path / "pilothouse.yaml").write_text("deliveries: {fixed_within: 3h}")

    def changed(app: str, hours: float, sha: str, commit: str, *fixes: str) -> list[Fact]:
        at = NOW - timedelta(days=2) + timedelta(hours=hours)
        detail = Committed(sha, Author("Ben", ""), "x", Cause.GIT, "k.yaml", (IMAGE,))
        begun = Fact(f"git:{sha}", at, app, "production", detail)
        said = (Undoing(commit, (), fixes),) if fixes else ()
        found = CommitsFound(begun.key, (SourceRange(("x",), "s", "a", "b", 1, (commit,), (), said),))
        return [
            begun,
            Fact(commits_key(begun.key), at, app, "production", found),
            Fact(f"j:{sha}", at + timedelta(minutes=5), app, "production", Judged(sha, Progress.HEALTHY)),
        ]

    async def fill() -> None:
        database = Database(url)
        await create_tables(database)
        async with database.begin() as connection:
            for name, hours in (("soon", 2), ("late", 4)):
                known = [
                    *changed(name, 0, f"{name}-bad", "a" * 40),
                    *changed(name, hours, f"{name}-fix", "b" * 40, "a" * 12),
                ]
                await DeliveryStore(database).add(connection, known)
        await database.close()

    asyncio.run(fill())
    rows = {row["commit"]: row for row in csv.DictReader(io.StringIO(run(url, tmp_path, "--deployments").output))}
    assert {sha: row["failure"] for sha, row in rows.items()} == {
        "soon-bad": "it was fixed by soon-fix", "soon-fix": "", "late-bad": "", "late-fix": "",
    }  # fmt: skip
    assert datetime.fromisoformat(rows["soon-bad"]["restored_at"]) == datetime.fromisoformat(
        rows["soon-fix"]["healthy_at"]
    )
    table = run(url, tmp_path).output
    assert "within 3 hours by a commit" in table
    assert "not known" not in table
