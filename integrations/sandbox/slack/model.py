"""The nouns of a workspace, as plain mutable records. How they look on the wire is in `wire.py`."""

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True)
class Team:
    id: str = "T0PILOT"
    name: str = "Pilothouse"
    domain: str = "pilothouse"


@dataclass(frozen=True)
class AppIdentity:
    """The one app that is installed in the workspace, and its bot user."""

    app_id: str = "A0PILOT"
    bot_id: str = "B0PILOT"
    bot_user_id: str = "U0PILOTHOUSE"
    name: str = "pilothouse"


@dataclass
class SlackUser:
    id: str
    name: str
    real_name: str
    email: str = ""
    title: str = ""
    is_bot: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False
    updated: int = 0


@dataclass
class Group:
    """A user group; Slack calls it a subteam on the wire."""

    id: str
    handle: str
    name: str
    members: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass
class Channel:
    """A channel, or a direct message between the bot and `im_user`."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    purpose: str = ""
    im_user: str = ""
    is_private: bool = False
    is_archived: bool = False
    created: int = 0

    @property
    def is_im(self) -> bool:
        return bool(self.im_user)

    @property
    def scope_family(self) -> Literal["channels", "groups", "im"]:
        """The prefix of the OAuth scopes that guard this conversation."""
        if self.is_im:
            return "im"
        return "groups" if self.is_private else "channels"


@dataclass
class Message:
    """`ephemeral_to` names the only person who sees it; `revisions` are the blocks of its earlier versions."""

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    broadcast: bool = False
    ephemeral_to: str = ""
    bot_id: str = ""
    subtype: str = ""
    username: str = ""
    icon: str = ""
    edited: Json | None = None
    metadata: Json | None = None
    files: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    revisions: list[list[Json]] = field(default_factory=list)
    deleted: bool = False

    def all_blocks(self) -> list[Json]:
        """The message's own blocks, then those of its attachments."""
        return [*self.blocks, *(block for attachment in self.attachments for block in attachment.get("blocks") or [])]


@dataclass
class View:
    """A modal or a Home tab as one person has it open; `definition` is what the app sent, normalised."""

    id: str
    user: str
    definition: Json
    hash: str
    state: dict[str, dict[str, Json]] = field(default_factory=dict)
    root_view_id: str = ""
    previous_view_id: str | None = None
    channel: str = ""

    @property
    def type(self) -> str:
        return str(self.definition["type"])

    @property
    def blocks(self) -> list[Json]:
        return list(self.definition["blocks"])


@dataclass
class StoredFile:
    id: str
    name: str
    length: int
    user: str
    created: int
    title: str = ""
    alt_txt: str = ""
    content: bytes | None = None
    completed: bool = False
    shares: dict[str, list[Json]] = field(default_factory=dict)


@dataclass(frozen=True)
class SlashCommand:
    """A command as the app's manifest declares it. `should_escape` turns @name and #name into ids in the text."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class Shortcut:
    """A shortcut as the app's manifest declares it; `type` is "global" or "message"."""

    callback_id: str
    type: str
    name: str
    description: str = ""
