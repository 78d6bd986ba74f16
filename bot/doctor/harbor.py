"""Harbor: reachable, and the robot account really logged in (H4)."""

from bot.doctor.finding import Check, Wrong, once_reached
from bot.settings import Settings
from integrations.harbor import Harbor

SYSTEM = "Harbor"


def checks(settings: Settings) -> tuple[Check, ...]:
    harbor = settings.harbor

    async def reachable() -> str:
        if not harbor.url:
            raise Wrong("no URL is set", "Set PILOTHOUSE_HARBOR__URL.")
        async with Harbor(harbor) as client:
            await client.ping()
        return "it answers"

    async def login() -> str:
        if not harbor.username or not harbor.credential("password"):
            raise Wrong("there is no robot account")
        async with Harbor(harbor) as client:
            with once_reached(SYSTEM):
                await client.verify_login()
        return f"{harbor.username} sees the private {harbor.probe}"

    return (
        Check(SYSTEM, "reachable", reachable, "Check PILOTHOUSE_HARBOR__URL, and that it is up."),
        Check(
            SYSTEM,
            "login",
            login,
            "Check PILOTHOUSE_HARBOR__USERNAME (with its prefix, robot$…), its secret in PILOTHOUSE_HARBOR__PASSWORD, "
            "and that PILOTHOUSE_HARBOR__PROBE names a private repository that it may pull.",
        ),
    )
