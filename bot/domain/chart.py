"""A chart to draw: what is shown, not how it looks. Small multiples over the same periods."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What the values of a panel are; durations are in seconds, shares between 0 and 1."""

    COUNT = "count"
    SHARE = "share"
    DURATION = "duration"


@dataclass(frozen=True)
class Series:
    """One value a period; None where there is nothing to measure. `alarming`: it shows what went wrong."""

    label: str
    values: tuple[float | None, ...]
    alarming: bool = False


@dataclass(frozen=True)
class ChartPanel:
    """`stacked`: bars on top of each other, else points that are joined. `headline` is the figure of the whole time."""

    title: str
    headline: str
    unit: Unit
    series: tuple[Series, ...]
    stacked: bool = False


@dataclass(frozen=True)
class Chart:
    """`description` says in words what it shows, for those who do not see it."""

    title: str
    periods: tuple[str, ...]
    panels: tuple[ChartPanel, ...]
    description: str
