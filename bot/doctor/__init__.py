"""`pilothouse doctor`: does everything that the bot needs answer, and what fixes it where it does not."""

from bot.doctor.examination import examine
from bot.doctor.finding import CheckOutcome, Finding
from bot.doctor.report import as_json, summary, table

__all__ = ["CheckOutcome", "Finding", "as_json", "examine", "summary", "table"]
