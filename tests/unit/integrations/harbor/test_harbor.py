"""Harbor's traps, one by one."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx

from bot.domain.errors import NotFound, Refused
from bot.domain.image import Image
from bot.domain.scan import ScanStatus, Severity
from bot.settings import HarborSettings
from integrations.harbor import Harbor
from integrations.http import HttpPolicy

URL = "https://harbor.example.com"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
REPOSITORY = "harbor.example.com/apps/my-app"
IMAGE = Image(REPOSITORY, DIGEST)
ARTIFACTS = f"{URL}/api/v2.0/projects/apps/repositories/my-app/artifacts"
ARTIFACT = f"{ARTIFACTS}/{DIGEST.replace(':', '%3A')}"
FINDINGS = f"{ARTIFACT}/additions/vulnerabilities"
PROJECT = f"{URL}/api/v2.0/projects/apps"
REPORT = "application/vnd.security.vulnerability.report; version=1.1"
QUICK = HttpPolicy(connect=1, read=1, total=2, attempts=1)


@pytest.fixture
async def harbor() -> AsyncIterator[Harbor]:
    settings = HarborSettings(url=URL, username="robot$pilothouse", password="s3cret", probe="apps/my-app")
    async with Harbor(settings, QUICK) as made:
        yield made


def error(status: int, code: str, message: str = "words") -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})


def artifact(**more: Any) -> dict[str, Any]:
    return {"digest": DIGEST, "size": 1, "push_time": "2026-01-05T09:00:00.000Z", **more}


def overview(status: str, **more: Any) -> dict[str, Any]:
    return artifact(scan_overview={REPORT: {"scan_status": status, "severity": "", "summary": None, **more}})


def finding(id_: str, severity: str = "High", fix: str | None = "2.0", package: str = "openssl") -> dict[str, Any]:
    return {"id": id_, "package": package, "version": "1.0", "fix_version": fix, "severity": severity}


def report(*findings: dict[str, Any]) -> dict[str, Any]:
    return {REPORT: {"generated_at": "2026-01-05T09:00:00Z", "severity": "High", "vulnerabilities": list(findings)}}


@respx.mock
async def test_an_artifact_by_tag(harbor: Harbor) -> None:
    tags = [
        {"name": "v1.4.1", "push_time": "2026-01-01T00:00:00Z"},
        {"name": "v1.4.2", "push_time": "2026-01-02T00:00:00Z"},
    ]
    labels = {"org.opencontainers.image.revision": "abc", "org.opencontainers.image.source": "https://git/src"}
    found = artifact(tags=tags, extra_attrs={"config": {"Labels": labels}, "os": "linux"})
    route = respx.get(f"{ARTIFACTS}/v1.4.1").respond(json=found)
    read = await harbor.artifact(REPOSITORY, "v1.4.1")
    assert read.image == Image(REPOSITORY, DIGEST, "v1.4.1")
    assert read.tags == ("v1.4.2", "v1.4.1")
    assert (read.revision, read.source) == ("abc", "https://git/src")
    assert route.calls.last.request.headers["authorization"].startswith("Basic ")


@respx.mock
async def test_by_digest_the_newest_tag_is_shown(harbor: Harbor) -> None:
    tags = [{"name": "old", "push_time": "2026-01-01T00:00:00Z"}, {"name": "new", "push_time": "2026-01-02T00:00:00Z"}]
    respx.get(ARTIFACT).respond(json=artifact(tags=tags))
    assert (await harbor.artifact(REPOSITORY, DIGEST)).image.tag == "new"


@respx.mock
async def test_an_artifact_without_tags_or_attributes_is_read(harbor: Harbor) -> None:
    respx.get(ARTIFACT).respond(json=artifact(tags=None, extra_attrs=None, labels=None))
    read = await harbor.artifact(REPOSITORY, DIGEST)
    assert (read.tags, read.revision) == ((), "")


@respx.mock
async def test_attributes_that_are_no_images_do_not_break_the_reading(harbor: Harbor) -> None:
    respx.get(ARTIFACT).respond(json=artifact(extra_attrs={"config": "a chart's", "version": 3}))
    assert (await harbor.artifact(REPOSITORY, DIGEST)).revision == ""


@respx.mock
async def test_an_index_has_the_labels_of_its_first_platform(harbor: Harbor) -> None:
    references = [
        {"child_digest": "sha256:" + "c" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
        {"child_digest": OTHER, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    labels = {"org.opencontainers.image.revision": "abc"}
    respx.get(ARTIFACT).respond(json=artifact(references=references))
    child = {"digest": OTHER, "extra_attrs": {"config": {"Labels": labels}}}
    respx.get(f"{ARTIFACTS}/{OTHER.replace(':', '%3A')}").respond(json=child)
    read = await harbor.artifact(REPOSITORY, DIGEST)
    assert (read.image.digest, read.revision) == (DIGEST, "abc")


@respx.mock
async def test_a_digest_that_is_none_is_refused(harbor: Harbor) -> None:
    respx.get(f"{ARTIFACTS}/v1").respond(json={"digest": "sha256:short"})
    with pytest.raises(Refused, match="not a digest"):
        await harbor.artifact(REPOSITORY, "v1")


@respx.mock
async def test_absent_is_not_found(harbor: Harbor) -> None:
    """H7."""
    respx.get(f"{ARTIFACTS}/v9").mock(return_value=error(404, "NOT_FOUND", "artifact apps/my-app:v9 not found"))
    with pytest.raises(NotFound, match="my-app:v9 not found"):
        await harbor.artifact(REPOSITORY, "v9")


@respx.mock
async def test_an_absent_project_is_refused_and_not_not_found(harbor: Harbor) -> None:
    """H5: 403 for who is no system administrator."""
    respx.get(PROJECT).mock(return_value=error(403, "FORBIDDEN"))
    respx.get(f"{ARTIFACTS}/v9").mock(return_value=error(403, "FORBIDDEN"))
    with pytest.raises(Refused, match="absent, or hidden") as told:
        await harbor.artifact(REPOSITORY, "v9")
    assert not isinstance(told.value, NotFound)


@respx.mock
async def test_a_page_of_a_proxy_is_no_absent_artifact(harbor: Harbor) -> None:
    respx.get(f"{ARTIFACTS}/v9").respond(404, html="<h1>Not Found</h1>")
    with pytest.raises(Refused, match="does not lead to the API") as told:
        await harbor.artifact(REPOSITORY, "v9")
    assert not isinstance(told.value, NotFound)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Pending", ScanStatus.PENDING),
        ("Scheduled", ScanStatus.PENDING),
        ("Running", ScanStatus.RUNNING),
        ("Error", ScanStatus.ERROR),
        ("Stopped", ScanStatus.STOPPED),
        ("Something new", ScanStatus.ERROR),
        ("Success", ScanStatus.INCOMPLETE),
    ],
)
@respx.mock
async def test_only_a_success_with_a_summary_has_counts(harbor: Harbor, status: str, expected: ScanStatus) -> None:
    """H12: the severity is empty and the summary null unless the scan succeeded."""
    respx.get(ARTIFACT).respond(json=overview(status))
    scan = await harbor.scan(IMAGE)
    assert (scan.status, scan.counts, scan.finished_at) == (expected, {}, None)


@respx.mock
async def test_never_scanned_is_told_by_absence(harbor: Harbor) -> None:
    """H11."""
    respx.get(ARTIFACT).respond(json=artifact())
    respx.get(FINDINGS).respond(json={})
    assert (await harbor.scan(IMAGE)).status is ScanStatus.NOT_SCANNED


@pytest.mark.parametrize("mime", [REPORT, "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"])
@respx.mock
async def test_the_report_is_the_only_one_whatever_its_type(harbor: Harbor, mime: str) -> None:
    """H10, H11, H12."""
    summary = {"total": 5, "fixable": 2, "summary": {"Critical": 1, "Low": 4}}
    entry = {
        "scan_status": "Success",
        "severity": "Critical",
        "summary": summary,
        "end_time": "2026-01-05T09:00:00Z",
        "complete_percent": 100,
        "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.60.0"},
    }
    route = respx.get(ARTIFACT).respond(json=artifact(scan_overview={mime: entry}))
    scan = await harbor.scan(IMAGE)
    assert scan.counts == {Severity.CRITICAL: 1, Severity.LOW: 4}
    assert (scan.total, scan.fixable, scan.scanner, scan.progress) == (5, 2, "Trivy v0.60.0", 100)
    assert scan.at_or_above(Severity.HIGH) == 1
    sent = route.calls.last.request
    assert sent.url.params["with_scan_overview"] == "true"
    assert sent.headers["x-accept-vulnerabilities"].count("version=") == 2


@respx.mock
async def test_findings_without_the_allowlist(harbor: Harbor) -> None:
    """H12, H13, H18."""
    respx.get(FINDINGS).respond(json=report(finding("CVE-1", "Critical"), finding("CVE-2", "Bad", fix="")))
    allowlist = {"items": [{"cve_id": "CVE-1"}], "expires_at": None}
    route = respx.get(PROJECT).respond(json={"name": "apps", "metadata": {}, "cve_allowlist": allowlist})
    (found,) = await harbor.vulnerabilities(IMAGE)
    assert (found.id, found.severity, found.fixable) == ("CVE-2", Severity.UNKNOWN, False)
    assert route.calls.last.request.headers["x-is-resource-name"] == "true"


@respx.mock
async def test_an_expired_allowlist_is_empty(harbor: Harbor) -> None:
    """H18."""
    respx.get(FINDINGS).respond(json=report(finding("CVE-1")))
    allowlist = {"items": [{"cve_id": "CVE-1"}], "expires_at": 1_700_000_000}
    respx.get(PROJECT).respond(json={"name": "apps", "cve_allowlist": allowlist})
    assert len(await harbor.vulnerabilities(IMAGE)) == 1


@respx.mock
async def test_a_project_may_use_the_systems_allowlist_instead(harbor: Harbor) -> None:
    """H16, H18."""
    respx.get(FINDINGS).respond(json=report(finding("CVE-1"), finding("CVE-2")))
    metadata = {"reuse_sys_cve_allowlist": "true"}
    own = {"items": [{"cve_id": "CVE-1"}]}
    respx.get(PROJECT).respond(json={"name": "apps", "metadata": metadata, "cve_allowlist": own})
    respx.get(f"{URL}/api/v2.0/system/CVEAllowlist").respond(json={"items": [{"cve_id": "CVE-2"}]})
    assert [v.id for v in await harbor.vulnerabilities(IMAGE)] == ["CVE-1"]


@respx.mock
async def test_an_allowlist_that_cannot_be_read_allows_nothing(harbor: Harbor) -> None:
    respx.get(FINDINGS).respond(json=report(finding("CVE-1")))
    respx.get(PROJECT).mock(return_value=error(403, "FORBIDDEN"))
    assert len(await harbor.vulnerabilities(IMAGE)) == 1


@respx.mock
async def test_no_report_is_not_the_same_as_no_findings(harbor: Harbor) -> None:
    """H13, H14."""
    respx.get(PROJECT).respond(json={"name": "apps"})
    route = respx.get(FINDINGS).respond(json={})
    with pytest.raises(NotFound, match="no scan of it has finished"):
        await harbor.vulnerabilities(IMAGE)
    route.respond(json={REPORT: {"vulnerabilities": None}})
    assert await harbor.vulnerabilities(IMAGE) == ()


@respx.mock
async def test_the_last_finished_report_is_kept_while_a_rescan_runs(harbor: Harbor) -> None:
    """H14: starting a scan deletes the report."""
    respx.get(PROJECT).respond(json={"name": "apps"})
    reports = respx.get(FINDINGS).respond(json=report(finding("CVE-1")))

    def started(_: httpx.Request) -> httpx.Response:
        reports.respond(json={})
        return httpx.Response(202)

    respx.post(f"{ARTIFACT}/scan").mock(side_effect=started)
    await harbor.start_scan(IMAGE)
    assert [v.id for v in await harbor.vulnerabilities(IMAGE)] == ["CVE-1"]


@respx.mock
async def test_a_scan_that_runs_already_is_no_error(harbor: Harbor) -> None:
    """H14."""
    respx.get(FINDINGS).respond(json={})
    respx.post(f"{ARTIFACT}/scan").mock(return_value=error(409, "CONFLICT", "a previous scan process is Running"))
    await harbor.start_scan(IMAGE)


@pytest.mark.parametrize(("status", "code"), [(412, "PRECONDITION"), (400, "BAD_REQUEST")])
@respx.mock
async def test_a_scan_that_cannot_be_is_refused(harbor: Harbor, status: int, code: str) -> None:
    """H7, H14: no scanner, not scannable."""
    respx.get(ARTIFACT).respond(json=artifact(type="CHART"))
    respx.get(FINDINGS).respond(json={})
    respx.post(f"{ARTIFACT}/scan").mock(return_value=error(status, code, "no scanner"))
    with pytest.raises(Refused, match=f"{code}: no scanner"):
        await harbor.start_scan(IMAGE)


@respx.mock
async def test_the_newest_are_tagged_images_and_no_signatures(harbor: Harbor) -> None:
    """H9, H23."""
    signature = {"name": f"sha256-{'a' * 64}.sig", "push_time": "2026-01-06T00:00:00Z"}
    listed = [
        artifact(digest=OTHER, tags=[signature]),
        artifact(tags=[{"name": "v2", "push_time": "2026-01-05T00:00:00Z"}]),
    ]
    route = respx.get(ARTIFACTS).respond(json=listed)
    assert [a.image.tag for a in await harbor.newest(REPOSITORY, 5)] == ["v2"]
    sent = route.calls.last.request.url
    assert (sent.params["q"], sent.params["sort"]) == ("tags=*", "-push_time")


@respx.mock
async def test_the_newest_are_those_whose_tag_is_the_newest(harbor: Harbor) -> None:
    """A tag that is set today on an image of last year is today's."""

    def tagged(digest: str, pushed: str, tag: str, at: str) -> dict[str, Any]:
        moment = f"{pushed}T00:00:00Z"
        return artifact(digest=digest, tags=[{"name": tag, "push_time": f"{at}T00:00:00Z"}]) | {"push_time": moment}

    listed = [
        tagged("sha256:" + "1" * 64, "2026-01-05", "nightly", "2026-01-05"),
        tagged("sha256:" + "2" * 64, "2025-01-05", "v2", "2026-01-07"),
        tagged("sha256:" + "3" * 64, "2024-01-05", "v1", "2026-01-06"),
    ]
    respx.get(ARTIFACTS).respond(json=listed)
    assert [a.image.tag for a in await harbor.newest(REPOSITORY, 2)] == ["v2", "v1"]


@respx.mock
async def test_a_robot_that_is_nobody_is_told_so(harbor: Harbor) -> None:
    """H3, H4: bad credentials are not refused, but lead to 401 at what is private."""
    respx.get(f"{URL}/api/v2.0/projects/apps/repositories/my-app").mock(return_value=error(401, "UNAUTHORIZED"))
    with pytest.raises(Refused, match="not logged in"):
        await harbor.verify_login()


@respx.mock
async def test_a_public_repository_proves_no_login(harbor: Harbor) -> None:
    """H4, H16: "true" is text."""
    respx.get(f"{URL}/api/v2.0/projects/apps/repositories/my-app").respond(json={"name": "apps/my-app"})
    project = respx.get(PROJECT).respond(json={"name": "apps", "metadata": {"public": "true"}})
    with pytest.raises(Refused, match="public, so reading it proves nothing"):
        await harbor.verify_login()
    project.respond(json={"name": "apps", "metadata": {"public": "false"}})
    await harbor.verify_login()


async def test_without_a_probe_the_login_is_unproved() -> None:
    async with Harbor(HarborSettings(url=URL), QUICK) as harbor:
        with pytest.raises(Refused, match="PILOTHOUSE_HARBOR__PROBE"):
            await harbor.verify_login()


@respx.mock
async def test_the_projects_policy(harbor: Harbor) -> None:
    """H16, H17: severities in lower case, booleans as text."""
    metadata = {"public": "false", "prevent_vul": "true", "severity": "high", "auto_scan": "true"}
    respx.get(PROJECT).respond(json={"name": "apps", "metadata": {**metadata, "enable_content_trust_cosign": "true"}})
    policy = await harbor.project_policy(REPOSITORY)
    assert policy.prevents_pull_from is Severity.HIGH
    assert (policy.public, policy.scans_on_push, policy.requires_cosign) == (False, True, True)
    assert (policy.requires_notation, policy.uses_system_allowlist) == (False, False)


@respx.mock
async def test_the_password_is_in_no_error(harbor: Harbor) -> None:
    respx.get(f"{ARTIFACTS}/v1").mock(return_value=error(400, "BAD_REQUEST", "you sent s3cret"))
    with pytest.raises(Refused) as told:
        await harbor.artifact(REPOSITORY, "v1")
    assert "s3cret" not in json.dumps([str(told.value), repr(told.value), repr(harbor)])
