"""docs/policy.md: its reference is the models', its examples are good, its cases hold."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from typer.testing import CliRunner

from bot.cli import app
from bot.evaluation.loading import known_gates
from bot.policy.parts import PolicyPart

DOCUMENT = Path(__file__).parents[4] / "docs" / "policy.md"
MARK = "<!-- written by `pilothouse policy reference` -->\n\n"


def printed() -> str:
    result = CliRunner().invoke(app, ["policy", "reference"])
    assert result.exit_code == 0
    return result.output


def models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in root.__subclasses__():
        yield model
        yield from models(model)


def test_the_reference_in_the_document_is_what_the_command_prints() -> None:
    written = DOCUMENT.read_text().partition(MARK)[2]
    assert written == printed(), "write it anew: the part behind the mark is `pilothouse policy reference`"


def test_every_key_of_every_model_is_there_with_its_meaning() -> None:
    """Written from the models, so what could go wrong is one that cannot be reached, or a field without a word."""
    text = printed()
    ours = [model for model in models(PolicyPart) if model.__module__ in ("bot.policy.model", "bot.policy.parts")]
    for model in (*ours, *(gate.options for gate in known_gates())):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} has no description"
            assert f"| `{field.alias or name}` |" in text, f"{model.__name__}.{name}"
            assert field.description.replace("|", "\\|") in text, f"{model.__name__}.{name}"
    for gate in known_gates():
        assert f"### `{gate.name}`" in text


def test_defaults_are_those_that_hold() -> None:
    text = printed()
    for row in (
        "| `count` | number | `1` in production and in the last environment, `0` in the others |",
        "| `expires` | duration | `4h` |",
        "| `gate_timeout` | duration | `1h` |",
        "| `self_approval` | yes or no | `false` |",
        "| `duration` | duration | required |",
        "| `remind` | duration | `1d` |",
    ):
        assert row in text, row


def test_the_examples_are_good_and_the_cases_hold(tmp_path: Path) -> None:
    short, long, cases, people = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    file, table = tmp_path / "pilothouse.yaml", tmp_path / "cases.yaml"
    for policy in (people, short, long):
        file.write_text(policy)
        result = CliRunner().invoke(app, ["policy", "check", str(file)])
        assert result.exit_code == 0, result.output
    table.write_text(cases)
    result = CliRunner().invoke(app, ["policy", "test", str(table), "--policy", str(file)])
    assert result.exit_code == 0, result.output
