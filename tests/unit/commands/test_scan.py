"""What is known of an image, and what promoting it would change."""

import pytest

from bot.domain.errors import NotAllowed, Refused, Unavailable, UnknownName
from bot.domain.reply import ScanReport, ScanReports
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from tests.fakes.command_harness import CommandHarness
from tests.fakes.promotions import HOST
from tests.sentences import says

OPENSSL = Vulnerability("CVE-1", "openssl", "3.0", Severity.CRITICAL, "3.1")
ZLIB = Vulnerability("CVE-2", "zlib", "1.2", Severity.LOW)
CURL = Vulnerability("CVE-3", "curl", "8.0", Severity.HIGH)


async def report(harness: CommandHarness, typed: str, user: str = "U0BO") -> ScanReport:
    reply = await harness.run(typed, user)
    assert isinstance(reply, ScanReport)
    return reply


async def scanned(harness: CommandHarness, tag: str, *found: Vulnerability) -> None:
    harness.images.finish_scan((await harness.images.artifact(f"{HOST}/my-app", tag)).image, *found)


async def test_a_report_says_what_gets_fixed_and_what_is_new() -> None:
    harness = CommandHarness()
    await scanned(harness, "1.4.3", OPENSSL, CURL)
    await scanned(harness, "1.4.2", OPENSSL, ZLIB)
    shown = await report(harness, "/scan my-app")
    assert shown.artifact.image.tag == "1.4.3"
    assert shown.against
    assert shown.against.tag == "1.4.2"
    assert (shown.against_in, shown.fixed, shown.added) == ("staging", (ZLIB,), (CURL,))
    assert shown.vulnerabilities == (OPENSSL, CURL)
    assert shown.threshold is Severity.CRITICAL


async def test_the_last_environment_is_compared_with_nothing() -> None:
    harness = CommandHarness()
    await scanned(harness, "1.4.1", ZLIB)
    shown = await report(harness, "/scan my-app prod")
    assert (shown.artifact.image.tag, shown.against, shown.fixed, shown.added) == ("1.4.1", None, (), ())


async def test_an_image_is_never_compared_with_itself() -> None:
    harness = CommandHarness()
    await scanned(harness, "1.4.2", OPENSSL)
    await scanned(harness, "1.4.1", ZLIB)
    path = "apps/my-app/overlays/development/kustomization.yaml"
    before = (await harness.overlays.read([path], await harness.overlays.head()))[path]
    harness.overlays.push({path: before.replace(b"1.4.3", b"1.4.2")})
    shown = await report(harness, "/scan my-app")
    assert (shown.against_in, shown.fixed, shown.added) == ("production", (ZLIB,), (OPENSSL,))


async def test_a_named_image_is_compared_with_what_it_would_replace() -> None:
    harness = CommandHarness()
    await scanned(harness, "1.4.3", OPENSSL)
    await scanned(harness, "1.4.1", ZLIB)
    shown = await report(harness, "/scan my-app@1.4.3 prod")
    assert (shown.against_in, shown.fixed, shown.added) == ("production", (ZLIB,), (OPENSSL,))


async def test_an_image_can_be_named() -> None:
    harness = CommandHarness()
    named = await report(harness, "/scan my-app@1.4.1")
    assert (named.artifact.image.tag, named.pinned_in) == ("1.4.1", "")
    assert (await report(harness, "/scan my-app")).pinned_in == "development"
    with pytest.raises(UnknownName, match=r"There is no image `9\.9\.9`"):
        await report(harness, "/scan my-app@9.9.9")


async def test_an_image_that_was_never_scanned_has_no_findings_and_says_so() -> None:
    shown = await report(CommandHarness(), "/scan my-app")
    assert shown.scan.status is ScanStatus.NOT_SCANNED
    assert (shown.vulnerabilities, shown.against) == (None, None)


async def test_what_is_not_scanned_fixes_nothing() -> None:
    """Absence is not emptiness: nothing is known of what this image has, so nothing of what it would fix."""
    harness = CommandHarness()
    await scanned(harness, "1.4.2", OPENSSL)
    shown = await report(harness, "/scan my-app")
    assert (shown.scan.status, shown.fixed, shown.added, shown.against) == (ScanStatus.NOT_SCANNED, (), (), None)


async def test_the_findings_of_the_scan_before_stay_while_a_new_one_runs() -> None:
    harness = CommandHarness()
    await scanned(harness, "1.4.3", OPENSSL)
    shown = await report(harness, "/scan my-app --rescan", "U0ANA")
    assert (shown.scan.status, shown.vulnerabilities) == (ScanStatus.PENDING, (OPENSSL,))


async def test_a_rescan_is_started_by_those_who_may_promote() -> None:
    harness = CommandHarness()
    assert (await report(harness, "/scan my-app --rescan", "U0ANA")).scan.status is ScanStatus.PENDING
    assert [image.tag for image in harness.images.scans_started] == ["1.4.3"]
    with pytest.raises(NotAllowed, match="`promote` permission"):
        await report(harness, "/scan my-app --rescan", "U0CY")


async def test_a_registry_that_is_down_is_an_error_not_a_clean_report() -> None:
    harness = CommandHarness()
    harness.images.failing = Unavailable("Harbor", "read", "down")
    with pytest.raises(Unavailable):
        await report(harness, "/scan my-app")


@pytest.mark.parametrize(
    ("kustomization", "says"),
    [
        (b"images: []\n", "pins no image"),
        (f"images:\n- name: {HOST}/my-app\n".encode(), "pins neither a tag nor a digest"),
    ],
)
async def test_an_overlay_that_pins_nothing_is_explained(kustomization: bytes, says: str) -> None:
    harness = CommandHarness()
    harness.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": kustomization})
    with pytest.raises(UnknownName, match=says):
        await report(harness, "/scan my-app")


WEB, API = f"{HOST}/my-app", f"{HOST}/my-app-api"


def with_two_images(harness: CommandHarness, api: str = "2.0.0") -> CommandHarness:
    pinned = (
        f"images:\n- name: web\n  newName: {WEB}\n  newTag: 1.4.3\n- name: api\n  newName: {API}\n  newTag: {api}\n"
    )
    harness.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": pinned.encode()})
    harness.images.push(API, "2.0.0")
    return harness


async def reports(harness: CommandHarness, typed: str, user: str = "U0BO") -> ScanReports:
    reply = await harness.run(typed, user)
    assert isinstance(reply, ScanReports)
    return reply


def named(shown: ScanReports) -> list[str]:
    return [f"{each.artifact.image.repository}:{each.artifact.image.tag}" for each in shown.reports]


async def test_every_image_of_an_app_is_reported() -> None:
    harness = with_two_images(CommandHarness())
    harness.images.finish_scan((await harness.images.artifact(API, "2.0.0")).image, OPENSSL)
    shown = await reports(harness, "/scan my-app")
    assert named(shown) == [f"{WEB}:1.4.3", f"{API}:2.0.0"]
    assert [each.vulnerabilities for each in shown.reports] == [None, (OPENSSL,)]
    assert shown.missing == ()


async def test_a_rescan_is_of_every_image() -> None:
    harness = with_two_images(CommandHarness())
    shown = await reports(harness, "/scan my-app --rescan", "U0ANA")
    assert [each.scan.status for each in shown.reports] == [ScanStatus.PENDING] * 2
    assert {image.repository for image in harness.images.scans_started} == {WEB, API}
    with pytest.raises(NotAllowed):
        await harness.run("/scan my-app --rescan", "U0CY")
    assert len(harness.images.scans_started) == 2


async def test_a_tag_is_looked_up_in_every_repository_of_the_app() -> None:
    harness = with_two_images(CommandHarness())
    harness.images.push(API, "1.4.1")
    assert named(await reports(harness, "/scan my-app@1.4.1")) == [f"{WEB}:1.4.1", f"{API}:1.4.1"]
    one = await reports(harness, "/scan my-app@2.0.0")
    assert named(one) == [f"{API}:2.0.0"]
    [missing] = one.missing
    assert says(missing, "no image `2.0.0`", WEB)
    with pytest.raises(UnknownName, match=rf"`9\.9\.9` in {WEB}\. .* `9\.9\.9` in {API}\."):
        await harness.run("/scan my-app@9.9.9")


async def test_a_digest_is_of_one_image_and_the_other_is_not_missed() -> None:
    harness = with_two_images(CommandHarness())
    digest = (await harness.images.artifact(API, "2.0.0")).image.digest
    assert (await report(harness, f"/scan my-app@{digest}")).artifact.image.repository == API


async def test_an_image_that_is_gone_hides_no_other() -> None:
    shown = await reports(with_two_images(CommandHarness(), api="1.9.9"), "/scan my-app")
    assert named(shown) == [f"{WEB}:1.4.3"]
    [missing] = shown.missing
    assert says(missing, "`1.9.9`", API, "deleted")


async def test_an_image_of_another_registry_hides_no_other() -> None:
    harness = with_two_images(CommandHarness())
    known = harness.images.artifact

    async def knows_the_web_only(repository: str, reference: str) -> object:
        if repository == API:
            raise Refused("Harbor", f"find {API}", "not an image of Harbor")
        return await known(repository, reference)

    harness.images.artifact = knows_the_web_only  # type: ignore[method-assign,assignment]
    shown = await reports(harness, "/scan my-app")
    assert (named(shown), shown.missing) == ([f"{WEB}:1.4.3"], (f"Harbor refuses to find {API}.",))
