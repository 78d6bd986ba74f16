"""Quiet, or not, where the image goes."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from bot.domain.promotion import Verdict, VerdictState
from bot.gates.alerts import AlertsGate, AlertsOptions
from tests.fakes.alerts import MemoryAlerts
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import GateHarness

HERE = {"app": "my-app", "environment": "production"}


async def ask(alerts: MemoryAlerts | None, **options: object) -> Verdict:
    return await AlertsGate(alerts).ask(await GateHarness().question(options=options))


async def test_an_alert_with_the_app_s_and_environment_s_labels_is_waited_for() -> None:
    alerts = MemoryAlerts()
    assert (await ask(alerts)).state is VerdictState.PASSED
    alerts.fire("HighErrorRate", "5 % of requests fail.", **HERE)
    verdict = await ask(alerts)
    assert verdict.state == VerdictState.WAITING
    assert says(verdict.reason, "HighErrorRate", "5 % of requests fail")
    assert says(verdict.remedy, "alert", "resolved")
    alerts.fire("PodCrashes", **HERE)
    assert says((await ask(alerts)).reason, "HighErrorRate", "1 more", "5 % of requests fail")


async def test_alerts_of_elsewhere_and_ignored_ones_do_not_count() -> None:
    alerts = MemoryAlerts()
    alerts.fire("HighErrorRate", app="payments", environment="production")
    alerts.fire("HighErrorRate", app="my-app", environment="staging")
    alerts.fire("Watchdog", **HERE)
    assert (await ask(alerts, ignore=["Watchdog"])).state is VerdictState.PASSED
    assert (await ask(alerts, labels={"app": "{app}", "environment": "{source}"})).state is VerdictState.WAITING


OF_THE_SOURCE = {"labels": {"app": "{app}", "environment": "{source}"}}


async def test_an_app_that_skips_an_environment_is_asked_about_where_its_own_image_comes_from() -> None:
    alerts = MemoryAlerts()
    alerts.fire("HighErrorRate", app="my-app", environment="development")
    question = await GateHarness().question(options=OF_THE_SOURCE)
    move = replace(question.moves[0], origin="development")
    assert (await AlertsGate(alerts).ask(replace(question, moves=(move,)))).state is VerdictState.WAITING


async def test_an_image_that_comes_from_nowhere_is_not_called_quiet_there() -> None:
    """No alert carries an empty label, so an empty answer would be no news."""
    named = await AlertsGate(MemoryAlerts()).ask(await GateHarness().question(options=OF_THE_SOURCE, source=""))
    assert (named.state, named.asked) == (VerdictState.PASSED, False)
    here = await AlertsGate(MemoryAlerts()).ask(await GateHarness().question(source=""))
    assert (here.state, here.asked) == (VerdictState.PASSED, True)


async def test_without_an_alertmanager_nothing_passes() -> None:
    verdict = await ask(None)
    assert verdict.state is VerdictState.BLOCKED
    assert "PILOTHOUSE_ALERTMANAGER__URL" in verdict.remedy


@pytest.mark.parametrize("labels", [{}, {"app": "{ap}"}])
def test_labels_that_would_match_everything_or_nothing_are_a_mistake(labels: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AlertsOptions.model_validate({"labels": labels})
