"""`python -m integrations.charts.drawing`: a chart as JSON on standard input becomes a PNG on standard output.

The one module that knows matplotlib, by its object interface: nothing global is drawn on. The picture has its own
background, so that it reads the same in Slack's light and dark themes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

matplotlib.rcParams.update({"text.parse_math": False, "font.family": "DejaVu Sans", "axes.unicode_minus": False})

PAPER, INK, QUIET, GRID = "#ffffff", "#1d1c1d", "#5a5a5e", "#e4e4e7"
FINE, ALARMING = "#1264a3", "#c4461f"
"""told apart by lightness too: not everybody sees the hues"""
LIGHTER = 0.45
WIDTH, HEIGHT, DPI = 9.6, 6.0, 125
"""inches, and dots in each: 1,200 × 750 pixels"""
HEADROOM = 1.06
LABELS = 6
"""below an axis"""
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
Json = Mapping[str, Any]


def draw(chart: Json) -> bytes:
    """Raises KeyError, TypeError and ValueError for what is no chart."""
    layout = ConstrainedLayoutEngine(w_pad=0.16, h_pad=0.12, wspace=0.04, hspace=0.06)
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER, layout=layout)
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(chart["title"], x=0.012, ha="left", fontsize=15, fontweight="bold", color=INK)
    panels: Sequence[Json] = chart["panels"]
    columns = 2 if len(panels) > 1 else 1
    places = figure.subplots(-(-len(panels) // columns), columns, squeeze=False).flat
    for axes, panel in zip(places, panels, strict=False):
        _panel(axes, panel, chart["periods"])
    return _png(canvas)


def _png(canvas: FigureCanvasAgg) -> bytes:
    picture = BytesIO()
    canvas.print_figure(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _panel(axes: Axes, panel: Json, periods: Sequence[str]) -> None:
    places = range(len(periods))
    axes.set_facecolor(PAPER)
    axes.set_title(panel["title"], loc="left", fontsize=11.5, fontweight="bold", color=INK, pad=22)
    axes.text(0, 1.035, panel["headline"], transform=axes.transAxes, fontsize=10, color=QUIET)
    draws = _bars if panel["stacked"] else _points
    draws(axes, panel["series"], places)
    _axes(axes, panel["unit"], _highest(panel), periods)
    if len(panel["series"]) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.1), ncols=2, frameon=False, fontsize=9, labelcolor=QUIET,
                    handlelength=1.2, columnspacing=1.0, borderaxespad=0.1)  # fmt: skip


def _highest(panel: Json) -> float:
    columns = zip(*(series["values"] for series in panel["series"]), strict=True)
    total = sum if panel["stacked"] else max
    return max((total(value or 0.0 for value in column) for column in columns), default=0.0)


def _bars(axes: Axes, every: Sequence[Json], places: range) -> None:
    below = [0.0] * len(places)
    for series in every:
        values = [value or 0.0 for value in series["values"]]
        color = ALARMING if series["alarming"] else FINE
        axes.bar(list(places), values, 0.78, bottom=below, color=color, label=series["label"], zorder=2)
        below = [low + value for low, value in zip(below, values, strict=True)]


def _points(axes: Axes, every: Sequence[Json], places: range) -> None:
    """What is measured is joined; a period without a measurement has no point."""
    for nth, series in enumerate(every):
        known = [(place, value) for place, value in zip(places, series["values"], strict=True) if value is not None]
        color = ALARMING if series["alarming"] else FINE
        axes.plot(
            [place for place, _ in known], [value for _, value in known], color=color, label=series["label"],
            alpha=1.0 if nth == 0 else LIGHTER, linewidth=2.0, linestyle="-" if nth == 0 else "--", marker="o",
            markersize=4.5, zorder=3 - nth,
        )  # fmt: skip


def _axes(axes: Axes, unit: str, highest: float, periods: Sequence[str]) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.grid(axis="y", color=GRID, linewidth=0.9, zorder=0)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=QUIET)
    axes.set_xlim(-0.6, len(periods) - 0.4)
    step = -(-len(periods) // LABELS)
    shown = list(range(0, len(periods), step))
    axes.set_xticks(shown, [periods[place] for place in shown])
    SCALES[unit](axes, highest)


def _counts(axes: Axes, highest: float) -> None:
    axes.set_ylim(0, max(1.0, highest) * HEADROOM)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _shares(axes: Axes, highest: float) -> None:
    axes.set_ylim(0, min(1.0, max(0.1, highest)) * HEADROOM)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


def _durations(axes: Axes, highest: float) -> None:
    """Without numbers where nothing was measured."""
    axes.set_ylim(0, max(1.0, highest) * HEADROOM)
    size, word = next(((size, word) for size, word in UNITS if highest >= 2 * size), UNITS[-1])
    axes.yaxis.set_major_locator(_Scaled(size) if highest else NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:.3g} {word}" if value else "0"))


class _Scaled(MaxNLocator):
    """Round numbers of a unit, rather than of seconds."""

    def __init__(self, size: float) -> None:
        super().__init__(4)
        self._size = size

    def tick_values(self, vmin: float, vmax: float) -> Any:
        return [tick * self._size for tick in super().tick_values(vmin / self._size, vmax / self._size)]


SCALES = {"count": _counts, "share": _shares, "duration": _durations}


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
