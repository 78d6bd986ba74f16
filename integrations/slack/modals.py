"""Modals and the Home tab, on Slack."""

from collections.abc import Mapping
from typing import Any

from bot.domain.errors import Refused
from integrations.slack.api import Json, SlackApi
from integrations.slack.failures import SYSTEM


class SlackModals:
    """Implements the Modals port."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        """Raises Refused for a trigger that is too old (`expired_trigger_id`) or used (`exchanged_trigger_id`, S15)."""
        answer = await self._api.write("views.open", trigger_id=trigger, view=dict(view))
        return _id_of(answer)

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Raises NotFound when the person has closed it."""
        await self._api.write("views.update", idempotent=True, view_id=view_id, view=dict(view))

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        await self._api.write("views.publish", idempotent=True, user_id=user, view=dict(view))


def _id_of(answer: Json) -> str:
    found = (answer.get("view") or {}).get("id")
    if not isinstance(found, str):
        raise Refused(SYSTEM, "views.open", "the answer has no view id")
    return found
