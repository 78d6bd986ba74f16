"""One line an event, for machines or for people, and no secret in it wherever it came from."""

import io
import json
import logging
import sys

import pytest
import structlog
from structlog.testing import capture_logs

from bot.runtime import logs
from tests.canary import CANARY

SECRET = f"{CANARY}-token"


class Log:
    """What the bot's own configuration writes; pytest's handlers, which hide nothing, hear nothing meanwhile."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def configure(self, level: str = "info", form: str = "json", secrets: logs.Secrets = lambda: [SECRET]) -> None:
        logs.configure(level, form, secrets)
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        assert handler.stream is sys.stderr
        handler.stream = self._stream

    def text(self) -> str:
        return self._stream.getvalue()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def test_an_event_is_one_line_with_what_it_is_about(log: Log) -> None:
    log.configure()
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger("bot.somewhere").info("promoted", app="my-app", lines="a\nb")
    (line,) = log.lines()
    assert line["event"] == "promoted"
    assert (line["app"], line["lines"]) == ("my-app", "a\nb")
    assert (line["level"], line["logger"], line["correlation_id"]) == ("info", "bot.somewhere", "c-1")
    assert str(line["timestamp"]).endswith("Z")


def test_the_standard_librarys_events_come_the_same_way(log: Log) -> None:
    log.configure()
    with structlog.contextvars.bound_contextvars(correlation_id="c-2"):
        logging.getLogger("a.library").warning("%s is %s", "it", "cold", extra={"degrees": 3})
    (line,) = log.lines()
    assert (line["event"], line["level"], line["logger"]) == ("it is cold", "warning", "a.library")
    assert (line["degrees"], line["correlation_id"]) == (3, "c-2")


class Client:
    def __repr__(self) -> str:
        return f"Client({SECRET})"


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"https://git:{SECRET}@git.example.com",
        {"Authorization": f"Bearer {SECRET}"},
        {"deep": [{"er": (SECRET, 1, None, True)}]},
        [SECRET],
        (SECRET, "b"),
        {SECRET},
        frozenset({SECRET}),
        SECRET.encode(),
        Client(),
        ValueError(SECRET),
        {SECRET: 1},
    ],
    ids=repr,
)
def test_a_secret_is_blanked_out_wherever_it_turns_up(log: Log, value: object) -> None:
    log.configure()
    structlog.get_logger().info("said", value=value)
    logging.getLogger("x").info("said", extra={"value": value})
    logging.getLogger("x").info("said %s", value)
    told = json.dumps(log.lines())
    assert CANARY not in told
    assert told.count(logs.HIDDEN) == 3


def refuse() -> None:
    raise ConnectionError(f"refused: {SECRET}") from ValueError(SECRET)


def test_a_secret_in_an_event_or_a_traceback_is_blanked_out(log: Log) -> None:
    log.configure()
    structlog.get_logger().info(f"token {SECRET}")
    try:
        refuse()
    except ConnectionError:
        structlog.get_logger().exception("broke")
        logging.getLogger("x").exception("broke")
    found = log.lines()
    assert CANARY not in json.dumps(found)
    assert all("ConnectionError" in str(line["exception"]) for line in found if line["event"] == "broke")
    assert sum(line["event"] == "broke" for line in found) == 2


def test_words_that_are_too_short_to_be_secrets_stay(log: Log) -> None:
    log.configure()
    structlog.get_logger().info("a short walk")
    assert log.lines()[0]["event"] == "a short walk"


def test_the_secret_of_the_moment_is_hidden(log: Log) -> None:
    known: list[str] = []
    log.configure(secrets=lambda: known)
    for value in ("first-secret", "second-secret"):
        known[:] = [value]
        structlog.get_logger().info(value)
    assert [line["event"] for line in log.lines()] == [logs.HIDDEN] * 2


def test_each_line_of_a_key_is_a_secret() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nBAQEFAASCBKcwggSjAgEAAo\n-----END PRIVATE KEY-----\n"
    assert logs.hidden("line MIIEvQIBADANBgkqhkiG9w0.", [key]) == f"line {logs.HIDDEN}."
    assert logs.hidden("-----BEGIN PRIVATE KEY-----", [key]) == "-----BEGIN PRIVATE KEY-----"
    assert logs.hidden("one-and-two and one-and", ["one-and", "one-and-two"]) == f"{logs.HIDDEN} and {logs.HIDDEN}"


def test_people_get_lines_to_read(log: Log) -> None:
    log.configure(form="console")
    structlog.get_logger("bot").warning("slow", seconds=3, url=f"https://{SECRET}@host")
    (line,) = log.text().splitlines()
    assert "slow" in line
    assert "seconds=3" in line
    assert CANARY not in line


@pytest.mark.parametrize(("level", "shown"), [("warning", ["w"]), ("info", ["i", "w"]), ("debug", ["d", "i", "w"])])
def test_the_level_holds_and_libraries_do_not_chat(log: Log, level: str, shown: list[str]) -> None:
    log.configure(level)
    logger = structlog.get_logger("bot")
    logger.debug("d")
    logger.info("i")
    logger.warning("w")
    for library in ("httpx", "httpcore", "slack_sdk", "slack_bolt", "dbos", "asyncio"):
        logging.getLogger(library).info("chat")
    assert [line["event"] for line in log.lines()] == shown


SAID_ONCE = structlog.get_logger("bot.somewhere")


def test_logging_that_a_command_sets_up_ends_with_its_test(log: Log) -> None:
    """What stands in `tests/conftest.py`: a later test hears a logger that was used meanwhile."""
    log.configure("critical")
    SAID_ONCE.warning("unheard")
    structlog.reset_defaults()
    with capture_logs() as heard:
        SAID_ONCE.warning("heard")
    assert [one["event"] for one in heard] == ["heard"]
