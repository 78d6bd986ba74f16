"""What Slack sends when somebody types a command or presses a button, as far as the router reads it."""

from typing import Any

from bot.domain.promotion import Promotion
from bot.views.ids import Action, PromotionValue, encode


def typed(line: str, who: str, trigger: str) -> dict[str, Any]:
    """`who` by their first name; a trigger is of one request alone."""
    command, _, text = line.partition(" ")
    return {
        "command": command, "text": text, "user_id": f"U0{who.upper()}", "team_id": "T0PILOT",
        "channel_id": "C0GENERAL", "trigger_id": trigger,
    }  # fmt: skip


def pressed(action: Action, promotion: Promotion, who: str, number: int, channel: str = "C0GENERAL") -> dict[str, Any]:
    """The button of a card that shows the promotion as it is; `number` tells presses apart."""
    value = encode(PromotionValue(promotion.id, promotion.content_hash))
    return {
        "actions": [{"type": "button", "action_id": action, "value": value, "action_ts": f"{number}.0"}],
        "user": {"id": f"U0{who.upper()}", "team_id": "T0PILOT"}, "channel": {"id": channel},
        "trigger_id": f"t{number}", "response_url": "https://hooks.example.com/1",
    }  # fmt: skip
