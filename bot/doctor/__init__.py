"""`pilothouse doctor`: does everything that the bot needs answer, and what fixes it where it does not."""

from bot.doctor.examination import examine
from bot.doctor.finding import Finding, Outcome
from bot.doctor.report import as_json, table

__all__ = ["Finding", "Outcome", "as_json", "examine", "table"]
