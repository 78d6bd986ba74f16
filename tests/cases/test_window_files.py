"""Windows as people write them into the policy file: good, or told by `policy check` with what to write instead."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli import app
from tests.cases import cases


@pytest.mark.parametrize("case", cases("window-files.yaml"))
def test_a_window_is_good_or_told(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    gates = {"freeze": {"windows": [case["window"]]}}
    file.write_text(yaml.safe_dump({"environments": [{"name": "production", "gates": gates}]}))
    result = CliRunner().invoke(app, ["policy", "check", str(file)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert any(_fits(wanted, result.exit_code, result.output) for wanted in case["expect"]), result.output


def _fits(wanted: str | dict[str, str], status: int, said: str) -> bool:
    if wanted == "accepted":
        return status == 0
    kind, words = next(iter(wanted.items())) if isinstance(wanted, dict) else (wanted, "")
    if kind == "told_with":
        return status == 1 and words in said.replace("\n", "")
    return status == 1 and (kind == "told" or words not in said)
