"""Charts, drawn by matplotlib in a process of their own (the port ChartPainter)."""

from integrations.charts.painter import ProcessPainter

__all__ = ["ProcessPainter"]
