"""A chart becomes a PNG in a process of its own: bounded, and without the bot's secrets."""

import struct
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from bot.domain.chart import Chart, ChartPanel, Series, Unit
from bot.domain.errors import Refused, Unavailable
from integrations.charts import ProcessPainter

MONEY = Series("pay$\\frac{$ments & <b>", (1.0, None, 3600.0 * 50))
CHART = Chart(
    "pay$x^2$ments to production",
    ("1 Nov", "8 Nov", "15 Nov"),
    (
        ChartPanel("Deployments", "3", Unit.COUNT, (MONEY, Series("failed", (0.0, 1.0, 0.0), True)), stacked=True),
        ChartPanel("Lead time", "2 h", Unit.DURATION, (MONEY, Series("p90", (None, None, None)))),
        ChartPanel("Failures", "20%", Unit.SHARE, (Series("failed", (None, 0.2, 1.0), alarming=True),), stacked=True),
        ChartPanel("Restore", "nothing", Unit.DURATION, (Series("median", (None, None, None)),)),
    ),
    "Words",
)  # fmt: skip


def draw(chart: Mapping[str, Any]) -> bytes:
    from integrations.charts.drawing import draw as drawn  # each process that collects tests would load matplotlib

    return drawn(chart)


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def size(picture: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


async def test_it_is_drawn_by_another_process() -> None:
    picture = await ProcessPainter().paint(CHART)
    assert size(picture) == (1200, 750)
    assert 10_000 < len(picture) < 500_000


@pytest.mark.parametrize(("unit", "value"), [(Unit.COUNT, None), (Unit.SHARE, 1e-9), (Unit.DURATION, 3.6e9)])
def test_whatever_is_measured_can_be_drawn(unit: Unit, value: float | None) -> None:
    bars = ChartPanel("x" * 40, "", unit, (Series("one", (value,)), Series("two", (0.0,), alarming=True)), stacked=True)
    points = ChartPanel("", "x" * 50, unit, (Series("one", (value,)),))
    assert draw(asdict(Chart("x" * 90, ("1 Nov",), (bars, points), ""))).startswith(b"\x89PNG")


async def test_what_cannot_even_begin_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="No such file"):
        await ProcessPainter(("/nonexistent",)).paint(CHART)


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("raise SystemExit('no fonts')", "no fonts"),
        ("print('this is no picture')", "status 0"),
        ("import sys; sys.stdout.buffer.write(b'\\x89PNG' + b'x' * (6 << 20))", "status 0"),
        ("import os; raise SystemExit(' '.join(sorted(os.environ)))", "MPLCONFIGDIR"),
    ],
)
async def test_what_is_no_picture_is_refused(code: str, detail: str) -> None:
    with pytest.raises(Refused) as error:
        await ProcessPainter(script(code)).paint(CHART)
    assert detail in error.value.detail


async def test_it_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTHOUSE_SLACK__BOT_TOKEN", "xoxb-secret")
    code = "import os; raise SystemExit('secret' * any('xoxb' in value for value in os.environ.values()) or 'none')"
    with pytest.raises(Refused) as error:
        await ProcessPainter(script(code)).paint(CHART)
    assert error.value.detail == "none"


async def test_what_takes_too_long_is_killed() -> None:
    with pytest.raises(Unavailable):
        await ProcessPainter(script("import time; time.sleep(600)"), seconds=0.2).paint(CHART)


async def test_a_chart_does_not_wait_for_ever_for_those_before_it() -> None:
    painter = ProcessPainter(script("import sys; sys.stdout.buffer.write(b'\\x89PNG')"), patience=0.05)
    async with painter._turn:
        with pytest.raises(Unavailable, match="no turn within"):
            await painter.paint(CHART)
    assert await painter.paint(CHART) == b"\x89PNG"


def test_it_is_ready_where_matplotlib_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ProcessPainter().ready
    monkeypatch.setattr("integrations.charts.painter.find_spec", lambda _name: None)
    assert not ProcessPainter().ready
