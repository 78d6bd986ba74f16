"""The workspace that the sandbox starts with."""

from integrations.sandbox.slack.model import AppIdentity, Channel, Group, SlackUser

PEOPLE = (
    SlackUser("U0ANA", "ana", "Ana", "ana@example.com", "Engineer"),
    SlackUser("U0BO", "bo", "Bo", "bo@example.com", "Release manager"),
    SlackUser("U0MIA", "mia", "Mia", "mia@example.com", "Release manager"),
    SlackUser("U0CY", "cy", "Cy", "cy@example.com", "Viewer"),
    SlackUser("U0DEE", "dee", "Dee", "dee@example.com", "Platform admin", is_admin=True),
    SlackUser("U0GUS", "gus", "Gus", "gus@example.com", "Guest", is_restricted=True, is_ultra_restricted=True),
)
GUEST_CHANNEL = "C0GENERAL"


def users(app: AppIdentity) -> list[SlackUser]:
    bots = [
        SlackUser(app.bot_user_id, app.name, app.name.capitalize(), is_bot=True),
        SlackUser("USLACKBOT", "slackbot", "Slackbot"),
    ]
    return [SlackUser(**vars(person)) for person in PEOPLE] + bots


def groups() -> list[Group]:
    return [
        Group("S0ENG", "engineers", "Engineers", ["U0ANA"]),
        Group("S0RELEASE", "release-managers", "Release managers", ["U0BO", "U0MIA"]),
        Group("S0ADMIN", "platform-admins", "Platform admins", ["U0DEE"]),
    ]


def channels(app: AppIdentity) -> list[Channel]:
    everyone = [person.id for person in PEOPLE]
    staff = [person.id for person in PEOPLE if not person.is_restricted]
    return [
        Channel("C0DEPLOY", "deployments", [*staff, app.bot_user_id], "What moves between environments"),
        Channel(GUEST_CHANNEL, "general", [*everyone, app.bot_user_id], "Everything else"),
        Channel("C0INC", "incidents", [*staff, app.bot_user_id], "What is on fire"),
    ]
