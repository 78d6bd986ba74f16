"""Argo CD's own sync windows."""

from bot.domain.promotion import VerdictState
from bot.gates.window import WindowGate
from tests.sentences import says
from tests.unit.bot.gates.town import Town


async def test_a_closed_window_blocks_with_argo_cds_own_reason() -> None:
    """A23."""
    town = Town()
    gate, question = WindowGate(town.applications), await town.question()
    assert (await gate.ask(question)).state is VerdictState.PASSED
    town.applications.close_window("my-app-production", "deny from 22:00 for 8h")
    verdict = await gate.ask(question)
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "sync window", "my-app-production", "deny from 22:00 for 8h")
    assert verdict.remedy


async def test_the_window_of_where_it_goes_counts_not_of_where_it_comes_from() -> None:
    town = Town()
    town.applications.close_window("my-app-staging", "night")
    assert (await WindowGate(town.applications).ask(await town.question())).state is VerdictState.PASSED
