"""The cases that were handed over, each an input with the answer that is right; beside the repository."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

CASES = Path(os.environ.get("CASES_DIR") or Path(__file__).parents[2].parent / "shared" / "cases")
"""A checkout that is elsewhere names them by the variable."""


def cases(name: str) -> list[Any]:
    """Parameters of a test, one a case; a single skipped one where the file is absent."""
    path = CASES / name
    if not path.exists():
        absent = pytest.mark.skip(f"{name} is not at CASES_DIR, nor beside the repository")
        return [pytest.param({}, id="absent", marks=absent)]
    return [pytest.param(case, id=case["id"]) for case in yaml.safe_load(path.read_text())]
