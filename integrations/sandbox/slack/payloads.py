"""The bodies of what Slack sends to the app, as the samples of slackapi show them (S13, S16, S17)."""

import re
import secrets
from typing import Any

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.model import Channel, Json, Message, SlackUser, SlashCommand, View

VERIFICATION_TOKEN = "verification-token"


class Payloads:
    """Builds payloads; each one that lets the app open a modal carries a fresh trigger (S15)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._team = core.workspace.team
        self._app = core.workspace.app

    def command(self, user: SlackUser, channel: Channel, command: SlashCommand, text: str) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": self._team.id,
            "team_domain": self._team.domain,
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command.command,
            "text": self.escaped(text, with_names=True) if command.should_escape else text,
            "api_app_id": self._app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url("commands", user, channel),
            "trigger_id": self._core.triggers.issue(user.id),
        }

    def message_action(self, user: SlackUser, channel: Channel, message: Message, action: Json, state: Json) -> Json:
        """block_actions from a message; an ephemeral one does not come along (S17)."""
        return {
            **self._interaction("block_actions", user),
            **self.message_place(channel, message, action["block_id"]),
            "trigger_id": self._core.triggers.issue(user.id),
            "state": {"values": state},
            "response_url": self._response_url("actions", user, channel, message.ts),
            "actions": [{**action, "action_ts": self._core.timeline.next_ts()}],
        }

    def shortcut(self, user: SlackUser, callback_id: str) -> Json:
        """A global one: neither channel nor response_url (S14)."""
        return {
            **self._interaction("shortcut", user),
            "callback_id": callback_id,
            "trigger_id": self._core.triggers.issue(user.id),
            "action_ts": self._core.timeline.next_ts(),
        }

    def message_shortcut(self, user: SlackUser, channel: Channel, message: Message, callback_id: str) -> Json:
        """With the whole message, and where an answer goes (S14)."""
        return {
            **self._interaction("message_action", user),
            "callback_id": callback_id,
            "trigger_id": self._core.triggers.issue(user.id),
            "action_ts": self._core.timeline.next_ts(),
            "response_url": self._response_url("app", user, channel, message.ts),
            "channel": {"id": channel.id, "name": channel.name},
            "message_ts": message.ts,
            "message": wire.message_object(message, self._core.workspace),
        }

    def view_action(self, user: SlackUser, view: View, action: Json) -> Json:
        """block_actions from a modal or the Home tab: with a view, without message, channel and response_url."""
        return {
            **self._interaction("block_actions", user),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self._core.triggers.issue(user.id, view.id if view.type == "modal" else ""),
            "view": wire.view_object(view, self._core.workspace),
            "actions": [{**action, "action_ts": self._core.timeline.next_ts()}],
        }

    def view_submission(self, user: SlackUser, view: View) -> Json:
        return {
            **self._interaction("view_submission", user),
            "trigger_id": self._core.triggers.issue(user.id, view.id),
            "view": wire.view_object(view, self._core.workspace),
            "response_urls": self._response_urls(user, view),
        }

    def view_closed(self, user: SlackUser, view: View, is_cleared: bool) -> Json:
        return {
            **self._interaction("view_closed", user),
            "view": wire.view_object(view, self._core.workspace),
            "is_cleared": is_cleared,
        }

    def suggestion(self, user: SlackUser, place: Json, element: Json, block_id: str, query: str) -> Json:
        """`place` holds the container and the view, or the channel and message, that the select stands in."""
        return {
            **self._interaction("block_suggestion", user),
            "action_id": element["action_id"],
            "block_id": block_id,
            "value": query,
            **place,
        }

    def view_place(self, view: View) -> Json:
        container = {"type": "view", "view_id": view.id}
        return {"container": container, "view": wire.view_object(view, self._core.workspace)}

    def message_place(self, channel: Channel, message: Message, block_id: str) -> Json:
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(message.ephemeral_to),
        }
        for attachment in message.attachments:
            if any(block["block_id"] == block_id for block in attachment.get("blocks") or []):
                container |= {"type": "message_attachment", "attachment_id": attachment["id"], "is_app_unfurl": False}
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        place: Json = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
        if not message.ephemeral_to:
            place["message"] = wire.message_object(message, self._core.workspace)
        return place

    def event(self, event: Json) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": self._team.id,
            "api_app_id": self._app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(self._core.clock.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._team.id,
                    "user_id": self._app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"1-{event['type']}-{self._team.id}-{event.get('channel', '')}",
        }

    def _interaction(self, kind: str, user: SlackUser) -> Json:
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": self._team.id},
            "api_app_id": self._app.app_id,
            "token": VERIFICATION_TOKEN,
            "team": {"id": self._team.id, "domain": self._team.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _response_url(self, kind: str, user: SlackUser, channel: Channel, message_ts: str = "") -> str:
        return self._core.public_url + self._core.response_urls.issue(kind, user.id, channel.id, message_ts)

    def _response_urls(self, user: SlackUser, view: View) -> list[Json]:
        """Only for selects with response_url_enabled (S14)."""
        urls = []
        for block in view.blocks:
            element = block.get("element") or {}
            if not element.get("response_url_enabled"):
                continue
            chosen = view.state.get(block["block_id"], {}).get(element["action_id"], {})
            channel_id = chosen.get("selected_channel") or chosen.get("selected_conversation")
            channel = self._core.workspace.channels.get(channel_id or "")
            if channel:
                urls.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": channel.id,
                        "response_url": self._response_url("actions", user, channel),
                    }
                )
        return urls

    def escaped(self, text: str, with_names: bool = False) -> str:
        """What a person typed as Slack passes it on: entities, and @names and #names as ids (S6)."""
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text = re.sub(r"&lt;((?:@U|#C|!subteam\^S)[A-Z0-9]+)&gt;", r"<\1>", text)

        def mention(match: "re.Match[str]") -> str:
            return self._mention(match, with_names)

        return re.sub(r"(?<![\w<])([@#])([a-z0-9][\w.-]*)", mention, text)

    def _mention(self, match: "re.Match[str]", with_names: bool) -> str:
        sign, name = match[1], match[2]
        workspace = self._core.workspace
        found: Any = workspace.channel(name) if sign == "#" else workspace.user(name) or workspace.group(name)
        if found is None:
            return f"<!{name}>" if sign == "@" and name in {"here", "channel", "everyone"} else match[0]
        if sign == "#":
            return f"<#{found.id}|{found.name}>"
        if isinstance(found, SlackUser):
            return f"<@{found.id}|{found.name}>" if with_names else f"<@{found.id}>"
        return f"<!subteam^{found.id}>"
