"""How the records of the workspace look in replies and payloads."""

from integrations.sandbox.slack.model import (
    AppIdentity,
    Channel,
    Group,
    Json,
    Message,
    SlackUser,
    StoredFile,
    Team,
    View,
)
from integrations.sandbox.slack.workspace import Workspace


def user_object(user: SlackUser, team: Team, app: AppIdentity, with_email: bool) -> Json:
    profile: Json = {
        "title": user.title,
        "phone": "",
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "status_text": "",
        "status_emoji": "",
        "team": team.id,
    }
    if with_email and user.email:
        profile["email"] = user.email
    is_app_bot = user.id == app.bot_user_id
    if is_app_bot:
        profile |= {"api_app_id": app.app_id, "bot_id": app.bot_id, "always_active": True}
    wire: Json = {
        "id": user.id,
        "team_id": team.id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": user.updated,
    }
    if not user.deleted:
        wire |= {
            "is_admin": user.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": user.is_ultra_restricted,
        }
        if not user.is_bot:
            wire["is_email_confirmed"] = True
    return wire


def channel_object(channel: Channel, team: Team, bot_user: str, with_num_members: bool = False) -> Json:
    wire: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.is_im,
        "is_org_shared": False,
        "context_team_id": team.id,
        "updated": channel.created * 1000,
    }
    if channel.is_im:
        return wire | {"user": channel.im_user, "is_user_deleted": False, "priority": 0}
    wire |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "is_member": bot_user in channel.members,
        "shared_team_ids": [team.id],
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "unlinked": 0,
        "creator": "USLACKBOT",
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": channel.purpose, "creator": "USLACKBOT", "last_set": channel.created},
        "previous_names": [],
    }
    if with_num_members:
        wire["num_members"] = len(channel.members)
    return wire


def group_object(group: Group, team: Team, with_users: bool, with_count: bool) -> Json:
    wire: Json = {
        "id": group.id,
        "team_id": team.id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 0,
        "date_update": 0,
        "date_delete": 1 if group.disabled else 0,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "U0DEE",
        "updated_by": "U0DEE",
        "prefs": {"channels": [], "groups": []},
        "channel_count": 0,
    }
    if with_users:
        wire["users"] = list(group.members)
    if with_count:
        wire["user_count"] = len(group.members)
    return wire


def message_object(message: Message, workspace: Workspace, with_metadata: bool = False) -> Json:
    """As conversations.history shows it; metadata only when asked for (S18)."""
    app, team = workspace.app, workspace.team
    wire: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": team.id}
    if message.subtype:
        wire["subtype"] = message.subtype
    if message.bot_id:
        wire |= {
            "bot_id": message.bot_id,
            "app_id": app.app_id,
            "bot_profile": {
                "id": app.bot_id,
                "deleted": False,
                "name": app.name,
                "updated": 0,
                "app_id": app.app_id,
                "icons": {},
                "team_id": team.id,
            },
        }
    parts = {
        "username": message.username,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
        "edited": message.edited,
        "files": message.files,
        "reactions": reactions_list(message),
        "metadata": message.metadata if with_metadata else None,
    }
    return wire | {name: part for name, part in parts.items() if part}


def reactions_list(message: Message) -> list[Json]:
    return [
        {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items() if users
    ]


def view_object(view: View, workspace: Workspace) -> Json:
    """A view as payloads and views.* replies carry it (S16)."""
    app, team, definition = workspace.app, workspace.team, view.definition
    return {
        "id": view.id,
        "team_id": team.id,
        "type": view.type,
        "blocks": view.blocks,
        "private_metadata": definition.get("private_metadata", ""),
        "callback_id": definition.get("callback_id", ""),
        "state": {"values": view.state},
        "hash": view.hash,
        "title": definition.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "clear_on_close": definition.get("clear_on_close", False),
        "notify_on_close": definition.get("notify_on_close", False),
        "close": definition.get("close"),
        "submit": definition.get("submit"),
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": app.app_id,
        "external_id": definition.get("external_id", ""),
        "app_installed_team_id": team.id,
        "bot_id": app.bot_id,
    }


FILE_TYPES = {
    "": ("text/plain", "Plain Text"),
    "txt": ("text/plain", "Plain Text"),
    "log": ("text/plain", "Plain Text"),
    "png": ("image/png", "PNG"),
}
"""by extension: MIME type, and what people call it"""


def file_object(file: StoredFile, team: Team, base_url: str, *, looked_at: bool = True) -> Json:
    """Until Slack has looked at the bytes, a little later, it says of no file what it is (S9)."""
    extension = file.name.rpartition(".")[2] if "." in file.name else ""
    mimetype, pretty = FILE_TYPES.get(extension, ("", "")) if looked_at else ("", "")
    return {
        **({"alt_txt": file.alt_txt} if file.alt_txt else {}),
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": mimetype,
        "filetype": (extension or "text") if looked_at else "",
        "pretty_type": pretty,
        "user": file.user,
        "user_team": team.id,
        "editable": False,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{base_url}/files-pri/{team.id}-{file.id}/{file.name}",
        "url_private_download": f"{base_url}/files-pri/{team.id}-{file.id}/download/{file.name}",
        "permalink": f"https://{team.domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        "comments_count": 0,
        "is_starred": False,
        "shares": {"public": file.shares} if file.shares else {},
        "channels": list(file.shares),
        "groups": [],
        "ims": [],
        "has_more_shares": False,
        "has_rich_preview": False,
        "file_access": "visible",
    }
