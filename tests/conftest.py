"""What every test shares."""

import functools
import gc
import logging
import os
import shutil
import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.ext.asyncio.engine
import structlog
from hypothesis import Phase, settings
from slack_sdk.models.basic_objects import JsonObject
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadScopeScheduling

import integrations.http.connection  # noqa: F401 (makes httpx's clients quick, those of the tests too)
from tests.canary import leaks
from tests.child_processes import wait_by_descriptor
from tests.plain_tracebacks import show_plain_tracebacks
from tests.scheduling import WaitingBesideComputing, patient, place, rank, rotated, waits
from tests.sqlite_here import leave_out_its_thread
from tests.standins import files, left_out

ONE_AUTHORITY = Path(__file__).parent / "fakes" / "authority.pem"
"""Where the environment names a file of authorities, each new TLS client would read all 140 of them, for 40 ms."""

if not any(name.startswith("PILOTHOUSE_") for name in os.environ):  # those name real servers (tests/live)
    os.environ["SSL_CERT_FILE"] = str(ONE_AUTHORITY)

sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
"""A grammar that is compiled for 1.5 s when jsonschema is imported, in each process; nothing here has IRIs."""


@functools.cache
def _validators(kind: type[JsonObject]) -> tuple[str, ...]:
    """The methods that judge an object of that kind."""
    names = (name for name in dir(kind) if not name.startswith("__"))
    return tuple(name for name in names if hasattr(getattr(kind, name, None), "validator"))


def validate(shown: JsonObject) -> None:
    """What the SDK does, which looks for the methods in each object anew: a tenth of the time of drawing a message."""
    for name in _validators(type(shown)):
        getattr(shown, name)()


JsonObject.validate_json = validate  # type: ignore[assignment,method-assign]

MEMORY, MOST_WRITTEN = Path("/dev/shm"), 6 * 2**30
"""A file system in memory, and the bytes that must be free there: no test cuts the power, so none needs a disk."""
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MOST_WRITTEN:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

GARBAGE = 50_000
"""objects, after which the collector looks for those that hold each other"""

settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.register_profile("unshrunk", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("quick")


@sa.event.listens_for(sa.Engine, "connect")
def do_not_wait_for_the_disk(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    """No test cuts the power: what a process has written outlives it in any case.

    A database that another process holds is left as it is: whoever opens it waits by a rule of their own.
    """
    if type(connection).__module__.startswith("sqlalchemy.dialects.sqlite"):
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout")
        (patience,) = cursor.fetchone() or (0,)
        if patience:
            cursor.execute("PRAGMA busy_timeout=0")
        with suppress(sqlite3.Error):
            cursor.execute("PRAGMA synchronous=OFF")
        if patience:
            cursor.execute(f"PRAGMA busy_timeout={patience}")
        cursor.close()


class CompiledOnce(LRUCache[Any, Any]):
    """Statements by the kind of their dialect, where SQLAlchemy keeps them by the dialect, and so by the database."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def _by_kind(key: Any) -> Any:
    dialect, *rest = key
    return type(dialect), *rest


COMPILED = CompiledOnce(2000)


create = sqlalchemy.ext.asyncio.engine._create_engine  # type: ignore[attr-defined]


def compile_each_statement_once(*arguments: Any, **options: Any) -> sa.Engine:
    """Each test has a database of its own, and each database compiled every statement anew."""
    engine = create(*arguments, **options)
    if engine.dialect.name == "sqlite":
        engine._compiled_cache = COMPILED
    return engine


sqlalchemy.ext.asyncio.engine._create_engine = compile_each_statement_once  # type: ignore[attr-defined]


leave_out_its_thread()
show_plain_tracebacks()
wait_by_descriptor()

set_up_logging = structlog.configure


def set_up_logging_for_a_while(**options: Any) -> None:
    """A logger that is kept at its first use would go past `capture_logs` in every later test of the process."""
    set_up_logging(**options | {"cache_logger_on_first_use": False})


structlog.configure = set_up_logging_for_a_while  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Commands of the command line set up logging for their whole process."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        logging.root.handlers[:], logging.root.level = handlers, level


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a test logged or printed, through whichever library: a secret in it fails the test."""
    report = yield
    if report.passed:
        found = [leak for _, text in report.sections for leak in leaks(text)]
        if found:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} shows a secret in what it logs: {found[0]!r}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """While tests are collected nothing becomes garbage, and looking for it takes a sixth of the time.

    What has been collected then stays until the end, so the collector need not walk through it again and again. Later
    it looks only when much was made: at Python's usual 700 objects it takes 4 % of the time of the tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE)
        gc.enable()


LEFT_OUT = pytest.StashKey[frozenset[Path]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for what need not run; None leaves it to others."""
    return collection_path in config.stash.get(LEFT_OUT, frozenset()) or None


def pytest_report_header(config: pytest.Config) -> str | None:
    files = len(config.stash.get(LEFT_OUT, frozenset()))
    return f"left out: {files} files that test stand-ins, unchanged since origin; CI=true runs them" if files else None


def pytest_configure(config: pytest.Config) -> None:
    """A process that is for what waits collects only that. Those that collect the same begin at different places, and
    find the later files compiled by the others: in a fresh clone every one of them would compile all, side by side.
    """
    worker = getattr(config, "workerinput", None)
    if config.args != config.getini("testpaths"):
        return
    config.stash[LEFT_OUT] = left_out()
    if worker:
        id, processes = worker["workerid"], worker["workercount"]
        found = files(without=config.stash[LEFT_OUT])
        mine = list(filter(waits, found)) if patient(id, processes) else found
        config.args[:] = rotated(mine, place(id, processes))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first, so that no process is left alone with one at the end."""

    def turn(item: pytest.Item) -> tuple[int, str]:
        file = item.nodeid.partition("::")[0]
        return rank(file), file

    items.sort(key=turn)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return WaitingBesideComputing(config, log)
