"""The chart of an answer goes to the asker alone, and never holds the answer up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.domain.chart import Chart
from bot.domain.delivery import Cause, Deployment, Figures
from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.reply import DoraPlace, DoraReport
from bot.router.answers import Answers
from bot.router.charts import Charts
from bot.views.dora_chart import CHART_FOLLOWS, NO_LIBRARY, NO_SCOPE, NOT_DRAWN
from tests.fakes.messenger import FakeMessenger
from tests.unit.bot.router.test_answers import ASKED, NoModals

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n"
SCOPE = Refused("Slack", "files.getUploadURLExternal", "missing_scope: needs files:write")


@dataclass
class FakePainter:
    """Notes what had been said when it began to draw."""

    messenger: FakeMessenger
    ready: bool = True
    fails: IntegrationError | None = None
    drawn: list[Chart] = field(default_factory=list)
    said_before: int = 0

    async def paint(self, chart: Chart) -> bytes:
        self.said_before = len(self.messenger.messages)
        if self.fails:
            raise self.fails
        self.drawn.append(chart)
        return PICTURE


def report(*, deployed: bool = True) -> DoraReport:
    one = Deployment("my-app", "production", "c0ffee", Cause.GIT, NOW - timedelta(days=2), "Ben")
    figures = Figures("my-app", 90, (one,) if deployed else ())
    places = (DoraPlace("production", (figures,), figures),)
    return DoraReport(places, NOW - timedelta(days=90), None, figures)


def asked(painter: FakePainter) -> Answers:
    return Answers(painter.messenger, NoModals(), pauses=(0,), charts=Charts(painter.messenger, painter))


@pytest.fixture
def painter() -> FakePainter:
    return FakePainter(FakeMessenger())


def shown(painter: FakePainter) -> list[str]:
    return [str(message.shown.blocks) for message in painter.messenger.messages]


async def test_the_table_is_answered_first_and_the_chart_goes_to_the_asker_alone(painter: FakePainter) -> None:
    await asked(painter).reply(report(), ASKED, None)
    [answer] = painter.messenger.messages
    assert (answer.only_for, painter.said_before) == (ASKED.user, 1)
    assert "my-app" in str(answer.shown.blocks)
    assert CHART_FOLLOWS in str(answer.shown.blocks)
    [sent] = painter.messenger.files
    assert sent.channel != ASKED.channel
    assert sent.channel.startswith("D")
    assert (sent.file.name, sent.file.content, sent.thread) == ("dora.png", PICTURE, "")
    assert sent.file.description == painter.drawn[0].description
    assert "my-app" in sent.file.description


async def test_without_a_plotting_library_the_table_says_so(painter: FakePainter) -> None:
    painter.ready = False
    await asked(painter).reply(report(), ASKED, None)
    [answer] = shown(painter)
    assert NO_LIBRARY in answer
    assert painter.messenger.files == []


async def test_where_nothing_was_deployed_there_is_nothing_to_draw(painter: FakePainter) -> None:
    await asked(painter).reply(report(deployed=False), ASKED, None)
    [answer] = shown(painter)
    assert "hart" not in answer
    assert painter.drawn == []


@pytest.mark.parametrize(
    ("drawing", "sending", "why"),
    [
        (None, SCOPE, NO_SCOPE),
        (Unavailable("charts", "draw", "not done within 60 seconds"), None, NOT_DRAWN),
        (Refused("charts", "draw", "ImportError"), None, NOT_DRAWN),
    ],
)
async def test_what_goes_wrong_with_it_is_one_sentence_and_the_table_stays(
    painter: FakePainter, drawing: IntegrationError | None, sending: IntegrationError | None, why: str
) -> None:
    painter.fails, painter.messenger.no_files = drawing, sending
    with capture_logs() as logs:
        await asked(painter).reply(report(), ASKED, None)
    table, sentence = shown(painter)
    assert "my-app" in table
    assert why in sentence
    assert {message.only_for for message in painter.messenger.messages} == {ASKED.user}
    assert [entry["event"] for entry in logs] == ["chart.not_sent"]
