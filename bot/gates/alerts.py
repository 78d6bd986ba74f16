"""Alerts: is all quiet where the image goes?"""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, field_validator

from bot.domain.promotion import Verdict
from bot.evaluation.question import Options, Question
from bot.ports import Alerts, FiringAlert

AGAIN = timedelta(seconds=30)


class AlertsOptions(Options):
    labels: dict[str, str] = Field(
        {"app": "{app}", "environment": "{environment}"},
        min_length=1,
        description="Labels that an alert must carry to count; {app}, {environment} and {source} are filled in.",
    )
    ignore: tuple[str, ...] = Field((), description="Names of alerts to ignore.")

    @field_validator("labels")
    @classmethod
    def _can_be_filled_in(cls, labels: dict[str, str]) -> dict[str, str]:
        for label, template in labels.items():
            try:
                template.format(app="", environment="", source="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(f"{label}: {template!r} may hold {{app}}, {{environment}} and {{source}}") from error
        return labels


class AlertsGate:
    """Is the app free of firing alerts in this environment?

    The gate asks Alertmanager for alerts with the labels that the policy gives; the promotion waits until none of them
    fires.
    """

    name: ClassVar[str] = "alerts"
    options: ClassVar[type[Options]] = AlertsOptions

    def __init__(self, alerts: Alerts | None) -> None:
        self._alerts = alerts

    async def ask(self, question: Question) -> Verdict:
        if self._alerts is None:
            return Verdict.blocked(
                "No Alertmanager is configured, so nobody can tell whether an alert fires.",
                "Set PILOTHOUSE_ALERTMANAGER__URL, or leave the gate out of the policy.",
            )
        options = AlertsOptions.model_validate(question.options)
        if not question.source and any("{source}" in template for template in options.labels.values()):
            return Verdict.passed("the image was named by hand", asked=False)  # no alert has an empty label
        words = {"app": question.app, "environment": question.environment, "source": question.source}
        wanted = {label: template.format(**words) for label, template in options.labels.items()}
        firing = [alert for alert in await self._alerts.firing(wanted) if alert.name not in options.ignore]
        if not firing:
            return Verdict.passed("No alert fires")
        return Verdict.waiting(_told(firing), _remedy(firing), retry_after=AGAIN, link=firing[0].url)


def _told(firing: list[FiringAlert]) -> str:
    first, others = firing[0], len(firing) - 1
    verb = "fires" if not others else f"and {others} more fire"
    summary = f": {first.summary.rstrip('.')}" if first.summary else ""
    return f"{first.name} {verb}{summary}."


def _remedy(firing: list[FiringAlert]) -> str:
    return f"It continues once {'the alert is' if len(firing) == 1 else 'the alerts are'} resolved."
