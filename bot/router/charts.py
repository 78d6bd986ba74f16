"""The chart of an answer: drawn after it, and sent to the asker alone."""

import structlog

from bot.domain.errors import IntegrationError
from bot.domain.reply import DoraReport
from bot.ports import ChartPainter, FileUpload, Messenger
from bot.views.dora_chart import CHART_FOLLOWS, NO_LIBRARY, dora_chart, no_chart
from bot.views.words import safe

FILE = "dora.png"
log = structlog.get_logger(__name__)


class Charts:
    """Slack shows no file in a message that one person alone sees, so it is a direct message (decision 0294)."""

    def __init__(self, messenger: Messenger, painter: ChartPainter | None = None) -> None:
        self._messenger = messenger
        self._painter = painter if painter and painter.ready else None

    def note(self, report: DoraReport) -> str:
        """What the answer itself says of its chart; "" where there is nothing to draw."""
        if not report.total.deployments:
            return ""
        return CHART_FOLLOWS if self._painter else NO_LIBRARY

    async def send(self, report: DoraReport, user: str) -> str:
        """ "" when it is on its way, or when there is none; else a sentence why not. Raises nothing of Slack's."""
        if self._painter is None or not report.total.deployments:
            return ""
        chart = dora_chart(report)
        try:
            picture = await self._painter.paint(chart)
            shown = FileUpload(FILE, picture, chart.title, chart.description, safe(chart.title, 300))
            await self._messenger.upload(user, shown)
        except IntegrationError as error:
            log.warning("chart.not_sent", error=str(error))
            return no_chart(error)
        return ""
