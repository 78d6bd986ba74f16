"""What the stores' statements are made of. Each is written once, with names for its values: to write one, and to work
out by what its SQL is cached, costs more than to run it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


class Upsert:
    """An INSERT that says what to do on a conflict, finished once for each dialect: they have no common type for it.

    Whether it has inserted anything is for RETURNING to say: psycopg counts -1 rows of it.
    """

    def __init__(self, table: sa.Table, finish: Callable[[Any], Any]) -> None:
        self._by_dialect = {"sqlite": finish(sqlite.insert(table)), "postgresql": finish(postgresql.insert(table))}

    def on(self, connection: AsyncConnection) -> sa.Executable:
        """To be executed there, with the row or rows."""
        statement: sa.Executable = self._by_dialect[connection.dialect.name]
        return statement


def unless_there(table: sa.Table, *returning: sa.Column[Any]) -> Upsert:
    """What is there stays. `returning`: of what was put."""

    def finish(insert: Any) -> Any:
        put = insert.on_conflict_do_nothing()
        return put.returning(*returning) if returning else put

    return Upsert(table, finish)


def replacing(table: sa.Table, by: Sequence[str], *columns: str) -> Upsert:
    """What is there under the same key gets the new row's values in these columns."""

    def finish(insert: Any) -> Any:
        newest = {name: insert.excluded[name] for name in columns}
        return insert.on_conflict_do_update(index_elements=by, set_=newest)

    return Upsert(table, finish)


def given(*columns: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """The rows that have in each of these columns the value given under its name, to a SELECT or a DELETE: in an UPDATE
    those names are what is set.
    """
    return sa.and_(*(column == sa.bindparam(column.name) for column in columns))


def among(column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    """The rows that have in this column one of the values given under this name, as a list or a tuple."""
    return column.in_(sa.bindparam(name, expanding=True))


def limit(name: str = "most") -> sa.BindParameter[int]:
    """A LIMIT given under this name."""
    return sa.bindparam(name, type_=sa.BigInteger)


def escaped(text: str) -> str:
    """As it is meant, in a LIKE whose escape character is `/`."""
    return re.sub("[/%_]", r"/\g<0>", text)
