"""The manifest of the Slack app: scopes, commands and events, from the commands that are really there."""

from typing import Any

from bot.command import CommandRegistry
from bot.views.ids import Menu, shortcut_id
from integrations.slack.probe import SCOPES

EVENTS = ("app_home_opened", "app_mention", "message.im")
NAME_PEOPLE = ("/delegate", "/pilothouse")
"""Commands in whose text Slack is to write ids for the people who are mentioned (S6)."""


def manifest(registry: CommandRegistry, *, socket_mode: bool, url: str = "") -> dict[str, Any]:
    """What "Create an app from a manifest" takes. `url` is where Slack reaches the bot over HTTP, without a path.

    Raises ValueError for HTTP without a URL.
    """
    if not socket_mode and not url.startswith("https://"):
        raise ValueError("HTTP mode needs the public URL of the bot: --url https://pilothouse.example.com")
    endpoint = {} if socket_mode else {"request_url": f"{url.rstrip('/')}/slack/events"}
    options = {} if socket_mode else {"message_menu_options_url": endpoint["request_url"]}
    return {
        "display_information": {
            "name": "Pilothouse",
            "description": "Deploy from Slack: promote, approve, follow, roll back.",
            "background_color": "#0b2545",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "pilothouse", "always_online": True},
            "slash_commands": [
                {
                    "command": each.command,
                    "description": each.description,
                    **({"usage_hint": each.usage_hint} if each.usage_hint else {}),
                    "should_escape": each.command in NAME_PEOPLE,
                    **({"url": endpoint["request_url"]} if endpoint else {}),
                }
                for each in registry.slash_commands()
            ],
            "shortcuts": [
                {
                    "name": shortcut.name,
                    "type": menu,
                    "callback_id": shortcut_id(menu, verb),
                    "description": shortcut.description,
                }
                for menu in Menu
                for verb, shortcut in registry.shortcuts().items()
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **endpoint},
            "interactivity": {"is_enabled": True, **endpoint, **options},
            "socket_mode_enabled": socket_mode,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }
