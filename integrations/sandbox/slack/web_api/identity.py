"""auth.test, api.test, team.info and bots.info: who the caller is and where."""

from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.web_api.call import Call, Method


async def auth_test(call: Call) -> Json:
    team, app = call.core.workspace.team, call.core.workspace.app
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": app.name,
        "team_id": team.id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


async def api_test(call: Call) -> Json:
    if error := call.args.text("error"):
        raise SlackError(error, args=call.args.raw)
    return {"args": call.args.raw}


async def team_info(call: Call) -> Json:
    team = call.core.workspace.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "example.com"}}


async def bots_info(call: Call) -> Json:
    app = call.core.workspace.app
    if call.args.text("bot", app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": app.bot_id,
            "deleted": False,
            "name": app.name,
            "updated": 0,
            "app_id": app.app_id,
            "user_id": app.bot_user_id,
            "icons": {},
        }
    }


METHODS = (
    Method("auth.test", auth_test, Tier.SPECIAL),
    Method("api.test", api_test, Tier.FOUR, token="none"),
    Method("team.info", team_info, Tier.THREE, "team:read", json=False),
    Method("bots.info", bots_info, Tier.THREE, "users:read", json=False),
)
