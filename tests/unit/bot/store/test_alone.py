"""Two bots on one SQLite file: the second one says so and ends."""

from pathlib import Path

import pytest

from bot.store.alone import alone


def test_a_second_bot_is_refused_until_the_first_has_gone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pilothouse.db'}"
    with alone(url), pytest.raises(OSError, match="use Postgres for several replicas"), alone(url):
        pass
    with alone(url):
        pass


def test_postgres_is_for_several() -> None:
    with alone("postgresql://db/pilothouse"), alone("postgresql://db/pilothouse"):
        pass
