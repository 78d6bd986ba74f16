"""`pilothouse audit`: verify, export, four-eyes."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.deliveries.branch_observer import OBSERVER
from bot.domain.caller import Person
from bot.domain.delivery import Cause, Committed, Drifted, Fact, ImageChange
from bot.domain.overlay import Author, OverlayImage
from bot.domain.promotion import Approval, Phase, Promotion, Stage
from bot.domain.safety import Review
from bot.store.audit import Audit, AuditEntry, audit
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from tests.fakes.databases import create_tables
from tests.sentences import says
from tests.views.samples import COMMIT, promotion

ANA, BO = Person("U0ANA", "ana"), Person("U0BO", "bo")
NOW = datetime.now(UTC)


def committed(sha: str, cause: Cause, author: str = "Ben", environment: str = "production") -> Fact:
    image = ImageChange(OverlayImage("x", "h/x", "v1"), OverlayImage("x", "h/x", "v2"))
    detail = Committed(sha, Author(author, "ben@example.com"), "By hand", cause, "kustomization.yaml", (image,))
    return Fact(f"git:{sha}", NOW - timedelta(hours=1), "my-app", environment, detail)


class Archive:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite:///{directory / 'pilothouse.db'}"
        self.do(self._create)

    def do(self, work: Callable[[Database], Awaitable[None]]) -> None:
        async def done() -> None:
            database = Database(self.url)
            await work(database)
            await database.close()

        asyncio.run(done())

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["audit", *arguments, "--database-url", self.url])

    def note(self, *events: str) -> None:
        async def work(database: Database) -> None:
            async with database.begin() as connection:
                for event in events:
                    entry = AuditEntry(event, "U0ANA", ("my-app",), "production", "p-1", {"why": "a, b"})
                    await Audit(database).append(connection, entry)

        self.do(work)

    def tamper(self, statement: sa.Executable) -> None:
        async def work(database: Database) -> None:
            async with database.begin() as connection:
                await connection.execute(statement)

        self.do(work)

    def keep(self, *changes: Promotion) -> None:
        async def work(database: Database) -> None:
            async with database.begin() as connection:
                for change in changes:
                    await PromotionStore(database).create(connection, change)
                    await PromotionStore(database).save(connection, change)

        self.do(work)

    def observe(self, *facts: Fact) -> None:
        async def work(database: Database) -> None:
            async with database.begin() as connection:
                await DeliveryStore(database).add(connection, facts)
                await DeliveryStore(database).move(connection, OBSERVER, "head")

        self.do(work)

    def four_eyes(self, *arguments: str, policy: str = "") -> Result:
        file = self.directory / "pilothouse.yaml"
        file.write_text(policy)
        return self.run("four-eyes", "--policy", str(file), *arguments)

    def owe(self, review: Review, closed_by: Person | None = None) -> None:
        async def work(database: Database) -> None:
            async with database.begin() as connection:
                await ReviewStore(database).owe(connection, review)
                if closed_by:
                    await ReviewStore(database).close(connection, review, closed_by, "fine", datetime.now(UTC))

        self.do(work)

    async def _create(self, database: Database) -> None:
        await create_tables(database)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_a_chain_that_holds_says_so_and_gives_an_anchor(archive: Archive) -> None:
    assert archive.run("verify").output == "The audit is intact: 0 rows.\n"
    archive.note("requested", "approve", "committed")
    result = archive.run("verify")
    assert result.exit_code == 0
    said, _, anchor = result.output.strip().rpartition(" ")
    assert said == "The audit is intact: 3 rows. Anchor:"
    archive.note("succeeded")
    assert archive.run("verify", "--anchor", anchor).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (audit.update().where(audit.c.seq == 2).values(actor="U0EVE"), "row 2 (approve by U0EVE"),
        (audit.delete().where(audit.c.seq == 2), "row 2 is missing"),
    ],
)
def test_a_chain_that_was_touched_fails(archive: Archive, statement: sa.Executable, says: str) -> None:
    archive.note("requested", "approve", "committed")
    archive.tamper(statement)
    result = archive.run("verify")
    assert result.exit_code == 1
    assert says in result.output


def test_what_was_cut_off_at_the_end_shows_against_an_anchor(archive: Archive) -> None:
    archive.note("requested", "approve", "committed")
    anchor = archive.run("verify").output.strip().rpartition(" ")[2]
    archive.tamper(audit.delete().where(audit.c.seq == 3))
    assert archive.run("verify").exit_code == 0
    result = archive.run("verify", "--anchor", anchor)
    assert result.exit_code == 1
    assert "row 3 is not the one of the anchor" in result.output
    archive.note("something else")
    assert archive.run("verify", "--anchor", anchor).exit_code == 1
    assert "expected SEQ:HASH" in archive.run("verify", "--anchor", "yesterday").output


def test_an_export_holds_every_row_in_either_format(archive: Archive) -> None:
    archive.note(*(f"event-{number}" for number in range(1500)))
    rows = list(csv.DictReader(io.StringIO(archive.run("export").output)))
    assert [row["event"] for row in rows] == [f"event-{number}" for number in range(1500)]
    assert json.loads(rows[0]["detail"]) == {"why": "a, b"}
    exported = json.loads(archive.run("export", "--format", "json").output)
    assert [row["hash"] for row in exported] == [row["hash"] for row in rows]
    assert exported[0]["detail"] == {"why": "a, b"}


def test_an_export_can_begin_later(archive: Archive) -> None:
    archive.note("old")
    archive.tamper(audit.update().values(at=(NOW - timedelta(days=9)).isoformat()))
    archive.note("new")
    for since in ("2d", f"{NOW - timedelta(days=2):%Y-%m-%d}"):
        rows = list(csv.DictReader(io.StringIO(archive.run("export", "--since", since).output)))
        assert [row["event"] for row in rows] == ["new"]
    assert json.loads(archive.run("export", "--format", "json", "--since", "2999-01-01").output) == []
    assert "expected 2026-01-31" in archive.run("export", "--since", "lately").output


def test_an_export_can_end_earlier(archive: Archive) -> None:
    archive.note("old")
    archive.tamper(audit.update().values(at=(NOW - timedelta(days=9)).isoformat()))
    archive.note("new")
    for until in ("2d", f"{NOW - timedelta(days=2):%Y-%m-%d}"):
        rows = list(csv.DictReader(io.StringIO(archive.run("export", "--until", until).output)))
        assert [row["event"] for row in rows] == ["old"]
    assert "--until lately" in archive.run("export", "--until", "lately").output


def test_scripts_are_told_in_json(archive: Archive) -> None:
    archive.note("requested", "committed")
    holds = archive.run("verify", "--json")
    told = json.loads(holds.output)
    assert (holds.exit_code, told["holds"], told["broken"], told["rows"]) == (0, True, "", 2)
    assert archive.run("verify", "--anchor", told["anchor"]).exit_code == 0
    archive.tamper(audit.update().where(audit.c.seq == 1).values(actor="U0EVE"))
    broken = archive.run("verify", "--json")
    assert (broken.exit_code, json.loads(broken.output)["holds"]) == (1, False)


def test_changes_that_nobody_has_seen_are_told_in_json(archive: Archive) -> None:
    archive.keep(change("p-two", BO), change("p-none"), change("p-late", days=0.1))
    seen = archive.four_eyes("--until", "12h", "--json")
    told = json.loads(seen.output)
    assert (seen.exit_code, told["changes"], told["others_known_since"]) == (1, 2, None)
    assert [(one["id"], one["approvers"]) for one in told["unseen"]] == [("p-none", "nobody")]


def test_a_database_that_is_not_there_is_said_so_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    result = CliRunner().invoke(app, ["audit", "verify", "--database-url", f"sqlite:///{file}"])
    assert result.exit_code == 1
    assert "There is no database" in result.output.replace("\n", " ")
    assert not file.exists()
    file.touch()
    empty = CliRunner().invoke(app, ["audit", "verify", "--database-url", f"sqlite:///{file}"])
    assert "Has Pilothouse ever run with it?" in empty.output.replace("\n", " ")
    other = CliRunner().invoke(app, ["audit", "verify", "--database-url", "mysql://x/y"])
    assert other.exit_code == 1


def change(id: str, *approvers: Person, commit: bool = True, days: float = 1, **plan: object) -> Promotion:
    made = promotion(phase=Phase.SUCCEEDED, stage=Stage.DONE, commit=COMMIT if commit else None)
    facts = {"id": id, "environment": "production", "requester": ANA, "requested_at": NOW - timedelta(days=days)}
    approvals = tuple(Approval(person, "h", NOW) for person in approvers)
    return replace(made, plan=replace(made.plan, **{**facts, **plan}), approvals=approvals)  # type: ignore[arg-type]


def test_a_change_belongs_to_the_time_at_which_it_was_made(archive: Archive) -> None:
    """Asked for before the time of one report and written after it, it would be in none."""
    late = change("p-across", days=3)
    archive.keep(replace(late, commit=replace(COMMIT, at=NOW - timedelta(days=1))), change("p-before", days=3))
    told = json.loads(archive.four_eyes("--since", "2d", "--json").output)
    assert [(one["id"], one["at"][:16]) for one in told["unseen"]] == [
        ("p-across", (NOW - timedelta(days=1)).isoformat()[:16])
    ]
    before = json.loads(archive.four_eyes("--until", "2d", "--json").output)
    assert [one["id"] for one in before["unseen"]] == ["p-before"]


@pytest.mark.parametrize("other", ["ana+two@example.com", "ana@other.example.org"])
def test_a_second_account_is_no_second_pair_of_eyes(archive: Archive, other: str) -> None:
    """Where the requester may approve, nothing else keeps their other account from it."""
    asker, again = Person("U0ANA", "ana", "ana@example.com"), Person("U0ANA2", "ana", other)
    archive.keep(change("p-own", again, requester=asker), change("p-glass", requester=asker, break_glass=True))
    archive.owe(Review("p-glass", ("my-app",), "production", asker, "INC", NOW), closed_by=again)
    found = archive.four_eyes("--json", policy="people: {ana@example.com: [ana@other.example.org]}")
    listed = {one["id"]: one["why"] for one in json.loads(found.output)["unseen"]}
    assert set(listed) == {"p-own", "p-glass"}
    assert says(listed["p-own"], "nobody but the requester")
    assert says(listed["p-glass"], "review is owed")


def test_changes_without_a_second_pair_of_eyes_are_listed_with_the_reason(archive: Archive) -> None:
    archive.keep(
        change("p-two", BO),
        change("p-none"),
        change("p-self", ANA),
        change("p-both", ANA, BO),
        change("p-auto", automatic=True),
        change("p-glass", BO, break_glass=True),
        change("p-owed", break_glass=True),
        change("p-looked", break_glass=True),
        change("p-never", commit=False),
        change("p-old", days=100),
        change("p-staging", environment="staging"),
    )
    archive.owe(Review("p-owed", ("my-app",), "production", ANA, "INC", NOW))
    archive.owe(Review("p-looked", ("my-app",), "production", ANA, "INC", NOW), closed_by=BO)
    result = archive.four_eyes("--environment", "production")
    assert result.exit_code == 1
    listed = {line.split("│")[3].strip(): line for line in result.output.splitlines() if "│ p-" in line}
    assert set(listed) == {"p-none", "p-self", "p-auto", "p-glass", "p-owed"}
    assert "approved by nobody" in listed["p-none"]
    assert "nobody but the requester" in listed["p-self"]
    assert "by policy" in listed["p-auto"]
    assert "without a review" in listed["p-glass"]
    assert "review is owed" in listed["p-owed"]
    assert says(result.output, "one person", "5 of 8", "production")
    assert "p-old" in archive.four_eyes("--environment", "production", "--since", "200d").output


REGIONS = "environments: [{name: development}, {name: prod-eu}, {name: staging}, {name: prod-us}]"


def test_without_an_environment_every_production_is_looked_at_and_named(archive: Archive) -> None:
    """A change of the first region is no clean report because the last region has none."""
    archive.keep(change("p-two", BO, environment="prod-us"))
    archive.observe(
        committed("1111111111aa", Cause.GIT, environment="prod-eu"),
        committed("2222222222bb", Cause.GIT, environment="development"),
        committed("3333333333cc", Cause.GIT, environment="staging"),
    )
    result = archive.four_eyes(policy=REGIONS)
    assert result.exit_code == 1
    assert [line.split("│")[2].strip() for line in result.output.splitlines() if "│ 11" in line] == ["prod-eu"]
    assert says(result.output, "one person", "1 of 1", "prod-eu")
    assert says(result.output, "1 change", "prod-us", "seen by a second person")
    assert "development" not in result.output
    assert "staging" not in result.output
    assert archive.four_eyes("--environment", "prod-us", policy=REGIONS).exit_code == 0


def test_scripts_get_each_environment_with_its_numbers(archive: Archive) -> None:
    archive.keep(change("p-two", BO, environment="prod-us"))
    archive.observe(committed("1111111111aa", Cause.GIT, environment="prod-eu"))
    told = json.loads(archive.four_eyes("--json", policy=REGIONS).output)
    assert told["environments"] == [
        {"environment": "prod-eu", "changes": 1, "unseen": 1, "drifts": 0},
        {"environment": "prod-us", "changes": 1, "unseen": 0, "drifts": 0},
    ]
    assert told["changes"] == 2
    assert [(one["environment"], one["id"]) for one in told["unseen"]] == [("prod-eu", "1111111111aa")]


def drifted(days: float, *resources: str, environment: str = "production", over: bool = False) -> Fact:
    at = NOW - timedelta(days=days)
    return Fact(f"drift:{environment}:{days}", at, "my-app", environment, Drifted(resources, over=over))


def test_a_change_in_the_cluster_is_one_that_nobody_approved(archive: Archive) -> None:
    """kubectl leaves no commit: it is found by what Argo CD showed, and it is no clean report."""
    archive.keep(change("p-two", BO))
    archive.observe(
        drifted(9, "Deployment [red]my-app"),
        drifted(8, over=True),
        drifted(3, "ConfigMap settings"),
        drifted(2, "Deployment my-app", environment="staging"),
    )
    result = archive.four_eyes("--since", "30d")
    assert result.exit_code == 1
    rows = [
        [cell.strip() for cell in line.split("│")[2:6]] for line in result.output.splitlines() if "│ my-app" in line
    ]
    assert [row[1:] for row in rows] == [
        ["production", "my-app", "Deployment [red]my-app"], ["production", "my-app", "ConfigMap settings"],
    ]  # fmt: skip
    assert [row[0] == "now" for row in rows] == [False, True]
    assert says(
        result.output, "each seen by a second person", "Without a commit: 2 changes in the cluster of production"
    )


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--since", "30d"), 2),
        (("--since", "5d"), 1),
        (("--since", "30d", "--until", "6d"), 1),
        (("--since", "30d", "--until", "20d"), 0),
        (("--since", "1d"), 1),
        (("--environment", "staging"), 0),
    ],
)
def test_a_drift_counts_while_it_lasts_and_not_only_when_it_began(
    archive: Archive, arguments: tuple[str, ...], found: int
) -> None:
    archive.observe(drifted(9, "Deployment my-app"), drifted(8, over=True), drifted(3, "ConfigMap settings"))
    result = archive.four_eyes(*arguments, "--json")
    told = json.loads(result.output)
    assert (len(told["drifts"]), result.exit_code) == (found, 1 if found else 0)
    assert told["environments"][0]["drifts"] == found


def test_all_is_well_where_somebody_looked(archive: Archive, tmp_path: Path) -> None:
    archive.keep(change("p-two", BO))
    result = archive.four_eyes()
    assert result.exit_code == 0
    assert result.output.endswith("1 change to production, each seen by a second person.\n")
    assert says(result.output, "without Pilothouse", "unknown")


def test_a_change_by_hand_is_a_change_that_nobody_approved(archive: Archive) -> None:
    archive.keep(change("p-two", BO))
    archive.observe(
        committed("1111111111aa", Cause.GIT, author="Ben [red]\x1b[2J"),
        committed("2222222222bb", Cause.PIPELINE),
        committed("3333333333cc", Cause.PROMOTION),
        committed("4444444444dd", Cause.GIT, environment="staging"),
    )
    result = archive.four_eyes("--since", "30d")
    assert result.exit_code == 1
    listed = [line.split("│")[3].strip() for line in result.output.splitlines() if "my-app v1" in line]
    assert listed == ["1111111111aa", "2222222222bb"]
    assert "Ben [red]" in result.output
    assert "\x1b" not in result.output
    assert says(result.output, "one person", "2 of 3", "production")
    assert "known only since" in result.output  # not for the whole of the time that was asked for


@pytest.mark.parametrize("word", ["prodcution", "produktion", "live", "PRODUCTIO"])
def test_an_environment_that_the_policy_does_not_have_is_no_clean_report(archive: Archive, word: str) -> None:
    result = archive.four_eyes("--environment", word)
    assert result.exit_code == 1
    assert "There is no environment" in result.output
    assert "second pair" not in result.output


def test_an_alias_is_as_good_as_the_name(archive: Archive) -> None:
    archive.observe(committed("1111111111aa", Cause.GIT))
    assert "1 of 1 change to production" in archive.four_eyes("--environment", "prod").output


def test_without_a_policy_nobody_knows_which_environments_there_are(archive: Archive, tmp_path: Path) -> None:
    result = archive.run("four-eyes", "--environment", "production", "--policy", str(tmp_path / "absent.yaml"))
    assert result.exit_code == 1
    assert "second pair" not in result.output


@pytest.mark.parametrize("app", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx"])
def test_no_cell_of_the_export_is_a_formula(archive: Archive, app: str) -> None:
    """What people type, and call themselves and their apps, is opened in a spreadsheet by somebody else."""

    async def work(database: Database) -> None:
        await Audit(database).record(AuditEntry("refused", app, (app,), "production"))

    archive.do(work)
    for row in csv.reader(io.StringIO(archive.run("export").output)):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert json.loads(archive.run("export", "--format", "json").output)[0]["app"] == app
