"""What is away, and what is a mistake of ours, as SQLite itself says it."""

import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError

from bot.store.outage import away

TABLES = """
PRAGMA foreign_keys = on;
CREATE TABLE kept (id PRIMARY KEY, name TEXT NOT NULL, size CHECK (size > 0), parent REFERENCES kept);
INSERT INTO kept VALUES (1, 'one', 1, NULL);
CREATE TRIGGER shut BEFORE DELETE ON kept BEGIN SELECT RAISE(ABORT, 'nothing is deleted here'); END;
"""
STATEMENTS = {
    "a key that is there": ("INSERT INTO kept VALUES (1, 'again', 1, NULL)", False),
    "no name": ("INSERT INTO kept VALUES (2, NULL, 1, NULL)", False),
    "a size of none": ("INSERT INTO kept VALUES (2, 'two', 0, NULL)", False),
    "a parent that is not there": ("INSERT INTO kept VALUES (2, 'two', 1, 9)", False),
    "what a trigger forbids": ("DELETE FROM kept", True),
}


class OfPackage(sqlite3.IntegrityError):
    """As the SQLite that Python 3.12 and later get as a package says it, whatever the constraint."""

    sqlite_errorname = "SQLITE_CONSTRAINT"


@pytest.mark.parametrize("packaged", [False, True])
@pytest.mark.parametrize("case", STATEMENTS)
def test_only_what_a_trigger_forbids_may_be_allowed_later(case: str, packaged: bool) -> None:
    statement, expected = STATEMENTS[case]
    database = sqlite3.connect(":memory:")
    database.executescript(TABLES)
    with pytest.raises(sqlite3.IntegrityError) as raised:
        database.execute(statement)
    database.close()
    said = OfPackage(*raised.value.args) if packaged else raised.value
    assert away(IntegrityError(statement, None, said)) is expected
