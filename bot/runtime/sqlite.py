"""A SQLite that is new enough.

From Python 3.12 on the durable engine keeps its times with `unixepoch('subsec')`, which SQLite has since 3.42. The
interpreter uses the system's library, and Debian 12, for example, has 3.40.
"""

import sqlite3
import sys
from importlib import import_module

NEEDED = (3, 42)
SINCE = (3, 12)
"""the Python from which on it is needed"""
BRINGS_ITS_OWN = "pysqlite3"


def use_a_newer_one() -> None:
    """Put `pysqlite3`, which brings its own SQLite, in the place of one that is too old; leave it where it is absent.

    To be called before anything imports `sqlite3` for its own use.
    """
    if not too_old():
        return
    try:
        newer, api = import_module(BRINGS_ITS_OWN), import_module(f"{BRINGS_ITS_OWN}.dbapi2")
    except ImportError:
        return
    sys.modules["sqlite3"], sys.modules["sqlite3.dbapi2"] = newer, api


def too_old() -> str:
    """Why SQLite cannot be used here, with the remedy; "" when it can."""
    version: tuple[int, ...] = sys.modules["sqlite3"].sqlite_version_info
    if sys.version_info < SINCE or version >= NEEDED:
        return ""
    here, needed, python = (".".join(map(str, numbers)) for numbers in (version, NEEDED, sys.version_info[:2]))
    return (
        f"SQLite {here} is too old: on Python {python} Pilothouse needs {needed} or newer. Run `pip install "
        f"{BRINGS_ITS_OWN}`, use Python 3.11, or name a Postgres in PILOTHOUSE_DATABASE_URL."
    )


assert sqlite3  # so that it is in sys.modules
