"""Harbor: reachable, the robot account really logged in (H4), and allowed what gates need (H28, H29)."""

from collections.abc import Awaitable
from typing import TypeVar

from bot.doctor.finding import Check, Skipped, Wrong, once_reached
from bot.domain.errors import IntegrationError, NotFound
from bot.domain.scan import ScanStatus
from bot.settings import Settings
from integrations.harbor import Harbor
from integrations.oci import Oci, PullRefused

SYSTEM = "Harbor"
T = TypeVar("T")


def checks(settings: Settings) -> tuple[Check, ...]:
    harbor = settings.harbor

    def needs_url() -> None:
        if not harbor.url:
            raise Wrong("no URL is set", "Set PILOTHOUSE_HARBOR__URL.")

    async def reachable() -> str:
        needs_url()
        async with Harbor(harbor) as client:
            await client.ping()
        return "it answers"

    async def login() -> str:
        if not harbor.username or not harbor.credential("password"):
            raise Wrong("no robot account is set", "Set PILOTHOUSE_HARBOR__USERNAME and PILOTHOUSE_HARBOR__PASSWORD.")
        needs_url()
        async with Harbor(harbor) as client:
            with once_reached(SYSTEM):
                await client.verify_login()
        return f"{harbor.username} sees the private {harbor.probe}"

    async def gates() -> str:
        needs_url()
        async with Harbor(harbor) as client, Oci(harbor) as oci:
            return await _tried(client, oci, harbor.probe)

    return (
        Check(SYSTEM, "reachable", reachable, "Check PILOTHOUSE_HARBOR__URL, and that it is up."),
        Check(
            SYSTEM,
            "login",
            login,
            "Check PILOTHOUSE_HARBOR__USERNAME (with its prefix, robot$…), its secret in PILOTHOUSE_HARBOR__PASSWORD, "
            "and that PILOTHOUSE_HARBOR__PROBE names a private repository that it may pull.",
        ),
        Check(SYSTEM, "permissions", gates, "Give the robot account what deploy/harbor-robot.json lists."),
    )


async def _tried(client: Harbor, oci: Oci, probe: str) -> str:
    """All that gates ask of an image, tried on the probe's newest. No scan is started."""
    try:
        await client.verify_login()
    except IntegrationError as error:
        raise Skipped("first fix Harbor: login") from error
    failed: list[IntegrationError] = []
    await _noting(failed, client.verify_scanning(probe))
    newest = await _noting(failed, client.newest(probe, 1)) or ()
    for image in (artifact.image for artifact in newest):
        scan = await _noting(failed, client.scan(image))
        await _noting(failed, client.vulnerabilities(image))
        await _noting(failed, oci.manifest(image.repository, image.digest))
        if scan and scan.status is ScanStatus.SCANNER_AWAY:
            raise Wrong("the scanner does not answer", "Start Harbor's scanner, or look at its Interrogation Services.")
    if failed:
        raise Wrong("; ".join(dict.fromkeys(map(_sentence, failed))))
    if not newest:
        raise Skipped(f"{probe} has no tagged image to try the rest on: push one")
    return f"everything that the gates need, tried on {newest[0].image.repository}:{newest[0].image.tag}"


async def _noting(failed: list[IntegrationError], attempt: Awaitable[T]) -> T | None:
    """What is not there yet (a report), or is held back by a project's rules, is no missing permission."""
    try:
        return await attempt
    except (NotFound, PullRefused):
        return None
    except IntegrationError as error:
        failed.append(error)
        return None


def _sentence(error: IntegrationError) -> str:
    return error.advice.sentence.rstrip(".") if error.advice else str(error)
