"""What is known of an image, and what promoting it would change."""

import pytest

from bot.domain.errors import NotAllowed, Refused, Unavailable, UnknownName
from bot.domain.reply import ScanReport, ScanReports
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from tests.fakes.office import Office
from tests.fakes.promotions import HOST
from tests.sentences import says

OPENSSL = Vulnerability("CVE-1", "openssl", "3.0", Severity.CRITICAL, "3.1")
ZLIB = Vulnerability("CVE-2", "zlib", "1.2", Severity.LOW)
CURL = Vulnerability("CVE-3", "curl", "8.0", Severity.HIGH)


async def report(office: Office, typed: str, user: str = "U0BO") -> ScanReport:
    reply = await office.run(typed, user)
    assert isinstance(reply, ScanReport)
    return reply


async def scanned(office: Office, tag: str, *found: Vulnerability) -> None:
    office.images.finish_scan((await office.images.artifact(f"{HOST}/my-app", tag)).image, *found)


async def test_a_report_says_what_gets_fixed_and_what_is_new() -> None:
    office = Office()
    await scanned(office, "1.4.3", OPENSSL, CURL)
    await scanned(office, "1.4.2", OPENSSL, ZLIB)
    shown = await report(office, "/scan my-app")
    assert shown.artifact.image.tag == "1.4.3"
    assert shown.against
    assert shown.against.tag == "1.4.2"
    assert (shown.against_in, shown.fixed, shown.added) == ("staging", (ZLIB,), (CURL,))
    assert shown.vulnerabilities == (OPENSSL, CURL)
    assert shown.threshold is Severity.CRITICAL


async def test_the_last_environment_is_compared_with_nothing() -> None:
    office = Office()
    await scanned(office, "1.4.1", ZLIB)
    shown = await report(office, "/scan my-app prod")
    assert (shown.artifact.image.tag, shown.against, shown.fixed, shown.added) == ("1.4.1", None, (), ())


async def test_an_image_is_never_compared_with_itself() -> None:
    office = Office()
    await scanned(office, "1.4.2", OPENSSL)
    await scanned(office, "1.4.1", ZLIB)
    path = "apps/my-app/overlays/development/kustomization.yaml"
    before = (await office.overlays.read([path], await office.overlays.head()))[path]
    office.overlays.push({path: before.replace(b"1.4.3", b"1.4.2")})
    shown = await report(office, "/scan my-app")
    assert (shown.against_in, shown.fixed, shown.added) == ("production", (ZLIB,), (OPENSSL,))


async def test_a_named_image_is_compared_with_what_it_would_replace() -> None:
    office = Office()
    await scanned(office, "1.4.3", OPENSSL)
    await scanned(office, "1.4.1", ZLIB)
    shown = await report(office, "/scan my-app@1.4.3 prod")
    assert (shown.against_in, shown.fixed, shown.added) == ("production", (ZLIB,), (OPENSSL,))


async def test_an_image_can_be_named() -> None:
    office = Office()
    assert (await report(office, "/scan my-app@1.4.1")).artifact.image.tag == "1.4.1"
    with pytest.raises(UnknownName, match=r"The registry has no image `9\.9\.9`"):
        await report(office, "/scan my-app@9.9.9")


async def test_an_image_that_was_never_scanned_has_no_findings_and_says_so() -> None:
    shown = await report(Office(), "/scan my-app")
    assert shown.scan.status is ScanStatus.NOT_SCANNED
    assert (shown.vulnerabilities, shown.against) == (None, None)


async def test_what_is_not_scanned_fixes_nothing() -> None:
    """Absence is not emptiness: nothing is known of what this image has, so nothing of what it would fix."""
    office = Office()
    await scanned(office, "1.4.2", OPENSSL)
    shown = await report(office, "/scan my-app")
    assert (shown.scan.status, shown.fixed, shown.added, shown.against) == (ScanStatus.NOT_SCANNED, (), (), None)


async def test_the_findings_of_the_scan_before_stay_while_a_new_one_runs() -> None:
    office = Office()
    await scanned(office, "1.4.3", OPENSSL)
    shown = await report(office, "/scan my-app --rescan", "U0ANA")
    assert (shown.scan.status, shown.vulnerabilities) == (ScanStatus.PENDING, (OPENSSL,))


async def test_a_rescan_is_started_by_those_who_may_promote() -> None:
    office = Office()
    assert (await report(office, "/scan my-app --rescan", "U0ANA")).scan.status is ScanStatus.PENDING
    assert [image.tag for image in office.images.scans_started] == ["1.4.3"]
    with pytest.raises(NotAllowed, match="`promote` permission"):
        await report(office, "/scan my-app --rescan", "U0CY")


async def test_a_registry_that_is_down_is_an_error_not_a_clean_report() -> None:
    office = Office()
    office.images.failing = Unavailable("Harbor", "read", "down")
    with pytest.raises(Unavailable):
        await report(office, "/scan my-app")


@pytest.mark.parametrize(
    ("kustomization", "says"),
    [
        (b"images: []\n", "pins no image"),
        (f"images:\n- name: {HOST}/my-app\n".encode(), "pins neither a tag nor a digest"),
    ],
)
async def test_an_overlay_that_pins_nothing_is_explained(kustomization: bytes, says: str) -> None:
    office = Office()
    office.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": kustomization})
    with pytest.raises(UnknownName, match=says):
        await report(office, "/scan my-app")


WEB, API = f"{HOST}/my-app", f"{HOST}/my-app-api"


def with_two_images(office: Office, api: str = "2.0.0") -> Office:
    pinned = (
        f"images:\n- name: web\n  newName: {WEB}\n  newTag: 1.4.3\n- name: api\n  newName: {API}\n  newTag: {api}\n"
    )
    office.overlays.push({"apps/my-app/overlays/development/kustomization.yaml": pinned.encode()})
    office.images.push(API, "2.0.0")
    return office


async def reports(office: Office, typed: str, user: str = "U0BO") -> ScanReports:
    reply = await office.run(typed, user)
    assert isinstance(reply, ScanReports)
    return reply


def named(shown: ScanReports) -> list[str]:
    return [f"{each.artifact.image.repository}:{each.artifact.image.tag}" for each in shown.reports]


async def test_every_image_of_an_app_is_reported() -> None:
    office = with_two_images(Office())
    office.images.finish_scan((await office.images.artifact(API, "2.0.0")).image, OPENSSL)
    shown = await reports(office, "/scan my-app")
    assert named(shown) == [f"{WEB}:1.4.3", f"{API}:2.0.0"]
    assert [each.vulnerabilities for each in shown.reports] == [None, (OPENSSL,)]
    assert shown.missing == ()


async def test_a_rescan_is_of_every_image() -> None:
    office = with_two_images(Office())
    shown = await reports(office, "/scan my-app --rescan", "U0ANA")
    assert [each.scan.status for each in shown.reports] == [ScanStatus.PENDING] * 2
    assert {image.repository for image in office.images.scans_started} == {WEB, API}
    with pytest.raises(NotAllowed):
        await office.run("/scan my-app --rescan", "U0CY")
    assert len(office.images.scans_started) == 2


async def test_a_tag_is_looked_up_in_every_repository_of_the_app() -> None:
    office = with_two_images(Office())
    office.images.push(API, "1.4.1")
    assert named(await reports(office, "/scan my-app@1.4.1")) == [f"{WEB}:1.4.1", f"{API}:1.4.1"]
    one = await reports(office, "/scan my-app@2.0.0")
    assert named(one) == [f"{API}:2.0.0"]
    [missing] = one.missing
    assert says(missing, "no image `2.0.0`", WEB)
    with pytest.raises(UnknownName, match=rf"`9\.9\.9` in {WEB}: .* `9\.9\.9` in {API}: "):
        await office.run("/scan my-app@9.9.9")


async def test_a_digest_is_of_one_image_and_the_other_is_not_missed() -> None:
    office = with_two_images(Office())
    digest = (await office.images.artifact(API, "2.0.0")).image.digest
    assert (await report(office, f"/scan my-app@{digest}")).artifact.image.repository == API


async def test_an_image_that_is_gone_hides_no_other() -> None:
    shown = await reports(with_two_images(Office(), api="1.9.9"), "/scan my-app")
    assert named(shown) == [f"{WEB}:1.4.3"]
    [missing] = shown.missing
    assert says(missing, "no image `1.9.9`", API)


async def test_an_image_of_another_registry_hides_no_other() -> None:
    office = with_two_images(Office())
    known = office.images.artifact

    async def knows_the_web_only(repository: str, reference: str) -> object:
        if repository == API:
            raise Refused("Harbor", f"find {API}", "not an image of Harbor")
        return await known(repository, reference)

    office.images.artifact = knows_the_web_only  # type: ignore[method-assign,assignment]
    shown = await reports(office, "/scan my-app")
    assert (named(shown), shown.missing) == ([f"{WEB}:1.4.3"], (f"Harbor refuses to find {API}.",))
