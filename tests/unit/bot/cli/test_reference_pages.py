"""docs/reference: each page is what the command prints, and holds what it is about."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.cli.reference import ReferencePage
from bot.cli.reference_pages import logged
from bot.runtime.log_events import MEANINGS
from bot.settings import Settings, variables

DIRECTORY = Path(__file__).parents[4] / "docs" / "reference"


def printed(page: ReferencePage) -> str:
    result = CliRunner().invoke(app, ["reference", page])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("page", list(ReferencePage))
def test_the_pages_are_what_the_code_says(page: ReferencePage) -> None:
    assert (DIRECTORY / f"{page}.md").read_text() == printed(page), "write them anew: `make reference`"


def test_all_of_them_are_written_at_once(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["reference", "--to", str(tmp_path / "new")]).exit_code == 0
    assert {file.stem for file in (tmp_path / "new").iterdir()} == set(ReferencePage)


def test_log_events_are_dotted_names() -> None:
    """Operators alert on them: a sentence changes with its grammar, a name does not."""
    events = re.findall(r"^\| `(.*?)` \|", printed(ReferencePage.LOG_EVENTS), re.MULTILINE)
    assert len(events) > 50
    assert [event for event in events if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", event)] == []


def test_every_event_that_is_logged_has_a_meaning_and_no_other_does() -> None:
    assert {each.event for each in logged()} == set(MEANINGS)


def test_a_meaning_is_one_sentence() -> None:
    sentence = re.compile(r"([A-Z]|git |`)[^.]*\w[^ ]*( [^ ]+){5,}[^.,:;]\.")
    assert [event for event, meaning in MEANINGS.items() if not sentence.fullmatch(meaning) or ". " in meaning] == []


def test_every_variable_is_there_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `(PILOTHOUSE_\w+)` \|.*\| ([^|]*) \|$", printed(ReferencePage.SETTINGS), re.MULTILINE))
    groups = {f"PILOTHOUSE_{name.upper()}" for name in Settings.model_fields}
    assert set(rows) >= variables() - groups - {"PILOTHOUSE_SECRETS_DIR"}
    assert [name for name, meaning in rows.items() if not meaning.strip()] == []
