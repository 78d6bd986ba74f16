"""Slack's Web API in memory, right behind the real client: what it holds, how often it was asked, and its bad days."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from slack_sdk.errors import SlackApiError

from integrations.slack import SlackApi
from integrations.slack.pace import Pace
from tests.fakes.directory import GROUPS, PEOPLE, TEAM
from tests.fakes.messenger import direct_channel

Json = dict[str, Any]
RETRY_AFTER = 30
"""seconds"""


@dataclass(frozen=True)
class SlackCall:
    at: float
    method: str
    channel: str
    limited: bool


@dataclass
class MemorySlack:
    """`clock` counts seconds. `storms`: until when each method answers 429 (S2); a list of members of user groups comes
    with the groups or, where `lists_members` is off, has to be asked for (S7).
    """

    clock: Callable[[], float]
    storms: dict[str, float] = field(default_factory=dict)
    lists_members: bool = True
    calls: list[SlackCall] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)
    whispers: list[Json] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)
    lost_replies: int = 0
    """posts that happen although their answer is lost"""

    async def api_call(self, method: str, *, http_verb: str, params: Any = None, json: Any = None) -> Any:
        assert http_verb in ("GET", "POST")
        asked = params or json
        limited = self.storms.get(method, 0.0) > self.clock()
        self.calls.append(SlackCall(self.clock(), method, str(asked.get("channel", "")), limited))
        if limited:
            headers = {"Retry-After": str(RETRY_AFTER)}
            answer = SimpleNamespace(status_code=429, headers=headers, data={"ok": False, "error": "ratelimited"})
            raise SlackApiError("no", answer)  # type: ignore[no-untyped-call]
        return SimpleNamespace(data={"ok": True, **self._answer(method, asked)}, headers={}, status_code=200)

    def texts(self, channel: str) -> list[str]:
        return [one["text"] for one in self.messages if one["channel"] == channel]

    def _answer(self, method: str, asked: Mapping[str, Any]) -> Json:
        answer: Json = getattr(self, f"_{method.replace('.', '_')}")(asked)
        return answer

    def _auth_test(self, _: Mapping[str, Any]) -> Json:
        return {"team_id": TEAM, "user_id": "U0BOT"}

    def _users_info(self, asked: Mapping[str, Any]) -> Json:
        user = asked["user"]
        if user not in PEOPLE:
            raise _error("user_not_found")
        name = PEOPLE[user]
        return {"user": {"id": user, "team_id": TEAM, "name": name, "is_restricted": name == "gus",
                         "profile": {"real_name": name, "email": f"{name}@example.com"}}}  # fmt: skip

    def _users_lookupByEmail(self, asked: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        name = str(asked["email"]).partition("@")[0]
        known = next((id for id, called in PEOPLE.items() if called == name), None)
        if known is None:
            raise _error("users_not_found")
        return self._users_info({"user": known})

    def _usergroups_list(self, _: Mapping[str, Any]) -> Json:
        groups: list[Json] = [{"id": id, "handle": handle} for id, handle in GROUPS]
        for group, users in zip(groups, GROUPS.values(), strict=True):
            group |= {"users": list(users)} if self.lists_members else {}
        return {"usergroups": groups}

    def _usergroups_users_list(self, asked: Mapping[str, Any]) -> Json:
        return {"users": next(list(users) for (id, _), users in GROUPS.items() if id == asked["usergroup"])}

    def _conversations_open(self, asked: Mapping[str, Any]) -> Json:
        return {"channel": {"id": direct_channel(asked["users"])}}

    def _conversations_list(self, _: Mapping[str, Any]) -> Json:
        return {"channels": [{"id": "C0DEPLOY", "name": "deployments"}, {"id": "C0OTHER", "name": "other"}]}

    def _conversations_info(self, _: Mapping[str, Any]) -> Json:
        return {"channel": {"is_member": True}}

    def _conversations_history(self, asked: Mapping[str, Any]) -> Json:
        return {"messages": [one for one in self.messages if one["channel"] == asked["channel"]]}

    def _conversations_replies(self, asked: Mapping[str, Any]) -> Json:
        return {"messages": [one for one in self.messages if one.get("thread_ts") == asked["ts"]]}

    def _chat_postMessage(self, asked: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        posted = {
            **asked,
            "channel": direct_channel(asked["channel"]),
            "ts": f"1700000000.{len(self.messages) + 1:06d}",
        }
        self.messages.append(posted)
        if self.lost_replies:
            self.lost_replies -= 1
            raise OSError("connection reset")
        return {"ts": posted["ts"], "channel": posted["channel"]}

    def _chat_update(self, asked: Mapping[str, Any]) -> Json:
        self._at(asked).update(text=asked["text"], blocks=asked["blocks"])
        return {"ts": asked["ts"]}

    def _chat_delete(self, asked: Mapping[str, Any]) -> Json:
        self.messages.remove(self._at(asked))
        return {}

    def _chat_getPermalink(self, asked: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        return {"permalink": f"https://acme.slack.com/archives/{asked['channel']}/p{asked['message_ts']}"}

    def _chat_postEphemeral(self, asked: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        self.whispers.append(dict(asked))
        return {"message_ts": "1.1"}

    def _views_open(self, asked: Mapping[str, Any]) -> Json:
        id = f"V{len(self.views) + 1}"
        self.views[id] = asked["view"]
        return {"view": {"id": id}}

    def _views_update(self, asked: Mapping[str, Any]) -> Json:
        self.views[asked["view_id"]] = asked["view"]
        return {}

    def _views_publish(self, asked: Mapping[str, Any]) -> Json:
        self.homes[asked["user_id"]] = asked["view"]
        return {}

    def _files_getUploadURLExternal(self, _: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        return {"upload_url": "https://files.example.com/", "file_id": "F1"}

    def _files_completeUploadExternal(self, asked: Mapping[str, Any]) -> Json:  # noqa: N802 (Slack's name)
        self.files.append(dict(asked))
        return {}

    def _apps_connections_open(self, _: Mapping[str, Any]) -> Json:
        return {"url": "wss://example.com/"}

    def _at(self, asked: Mapping[str, Any]) -> Json:
        found = [one for one in self.messages if (one["channel"], one["ts"]) == (asked["channel"], asked["ts"])]
        if not found:
            raise _error("message_not_found")
        return found[0]


class NearSlack(SlackApi):
    """The real client, without a wire: its pace counts the virtual seconds of `slack`."""

    def __init__(self, slack: MemorySlack) -> None:
        super().__init__(lambda: "xoxb-test", pace=Pace(slack.clock, per_second=1e6, burst=1e6))
        self._slack = slack

    @property
    def client(self) -> Any:
        return self._slack

    async def _send(self, url: str, content: bytes) -> None:
        assert url, content


def _error(code: str) -> SlackApiError:
    answer = SimpleNamespace(status_code=200, headers={}, data={"ok": False, "error": code})
    return SlackApiError("no", answer)  # type: ignore[no-untyped-call]
