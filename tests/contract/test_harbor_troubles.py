"""What goes wrong in Harbor, on the stand-in's socket, told by the client in its own words; and what the robot needs.

The stand-in answers as the real server did (H25 to H30); its faults are those of the sandbox's interface.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.errors import IntegrationError, NotFound, Refused, Unavailable
from bot.domain.image import Image
from bot.domain.scan import ScanStatus
from bot.settings import HarborSettings
from integrations.harbor import Harbor, HarborPulls
from integrations.harbor.permissions import HarborPermission
from integrations.http import HttpPolicy
from integrations.oci import Oci
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.harbor import HarborServer, Webhook
from integrations.sandbox.serving import serve
from integrations.sandbox.world import World as SandboxWorld
from tests.contract.registry import REPOSITORY, REVISION, SOURCE

BODY = Path(__file__).parents[2] / "deploy" / "harbor-robot.json"
QUICK = HttpPolicy(attempts=1)


@dataclass
class World:
    server: HarborServer
    faults: FaultSettings
    url: str
    harbor: Harbor
    oci: Oci

    def push(self, tag: str = "v1") -> Image:
        return Image(REPOSITORY, self.server.push(REPOSITORY, [tag], REVISION, SOURCE, scan="done"), tag)

    def push_index(self, tag: str = "multi") -> Image:
        return Image(REPOSITORY, self.server.push_index(REPOSITORY, [tag], REVISION, SOURCE, scan="done"), tag)


@asynccontextmanager
async def opened(without: str = "", speed: float = 0.01, webhooks: tuple[Webhook, ...] = ()) -> AsyncIterator[World]:
    """With the robot that `deploy/harbor-robot.json` makes, but for one permission."""
    faults = FaultSettings()
    server = HarborServer(Clock(speed), {}, faults, webhooks=webhooks, admin_password="canary-admin")
    server.add_project("apps", auto_scan="false")
    body = json.loads(BODY.read_text())
    access = body["permissions"][0]["access"]
    body["permissions"][0]["access"] = [a for a in access if f"{a['resource']}:{a['action']}" != without]
    try:
        async with serve(server.app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
            answer = await http.post("/api/v2.0/robots", json=body, auth=("admin", "canary-admin"))
            made = answer.raise_for_status().json()
            settings = HarborSettings(url=url, username=made["name"], password=made["secret"], probe="apps/my-app")
            async with Harbor(settings, QUICK) as harbor, Oci(settings, QUICK) as oci:
                yield World(server, faults, url, harbor, oci)
    finally:
        await server.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened() as made:
        yield made


Call = Callable[[World, Image], Awaitable[object]]
CALLS: dict[HarborPermission, tuple[Call, ...]] = {
    HarborPermission.PULL: (lambda w, i: w.oci.manifest(i.repository, i.digest),),
    HarborPermission.READ_REPOSITORY: (lambda w, _: w.harbor.verify_login(),),
    HarborPermission.READ_ARTIFACT: (
        lambda w, i: w.harbor.artifact(i.repository, i.tag),
        lambda w, i: w.harbor.scan(i),
        lambda w, i: w.harbor.contents(i),
    ),
    HarborPermission.LIST_ARTIFACTS: (lambda w, i: w.harbor.newest(i.repository, 3),),
    HarborPermission.READ_REPORT: (lambda w, i: w.harbor.vulnerabilities(i),),
    HarborPermission.READ_PROJECT: (lambda w, i: w.harbor.project_policy(i.repository),),
    HarborPermission.START_SCAN: (
        lambda w, i: w.harbor.start_scan(i),
        lambda w, i: w.harbor.verify_scanning(i.repository),
    ),
}
"""Every call of the two clients, by the permission without which it fails."""


def granted() -> set[str]:
    (permission,) = json.loads(BODY.read_text())["permissions"]
    return {f"{each['resource']}:{each['action']}" for each in permission["access"]}


def test_the_robots_body_grants_what_the_client_names_and_nothing_else() -> None:
    """H29."""
    assert granted() == {str(permission) for permission in HarborPermission}
    assert set(CALLS) == set(HarborPermission)


def test_the_sandboxs_robot_is_no_mightier(tmp_path: Path) -> None:
    """H29: what works in the sandbox works with the robot that the documents describe."""
    (robot,) = SandboxWorld(tmp_path, Clock(), 0).harbor.accounts.robots.values()
    assert set(robot.permissions or ()) == granted()
    assert robot.projects == {"apps"}


async def test_with_the_robots_body_everything_works(world: World) -> None:
    """H29."""
    image = world.push()
    for calls in CALLS.values():
        for call in calls:
            await call(world, image)


@pytest.mark.parametrize("lacking", list(HarborPermission))
async def test_each_of_the_robots_permissions_is_needed_and_named_when_it_is_missing(lacking: HarborPermission) -> None:
    """H28, H29."""
    async with opened(without=lacking) as world:
        image = world.push()
        for call in CALLS[lacking]:
            with pytest.raises(Refused) as told:
                await call(world, image)
            advice = told.value.advice
            if (
                lacking is not HarborPermission.READ_PROJECT
            ):  # without which Harbor does not say whether there is a project
                assert advice
                assert lacking in f"{advice.sentence} {advice.remedy}"


@pytest.mark.parametrize(
    ("fault", "error", "word"),
    [
        ({"harbor_read_only": True}, Unavailable, "read-only mode"),
        ({"scanner_away": True}, Unavailable, "scanner does not answer"),
        ({"harbor_denies": ["scan:create"]}, Refused, "lacks the permission scan:create"),
    ],
)
async def test_each_reason_not_to_scan_is_told_as_itself(
    fault: dict[str, object], error: type[IntegrationError], word: str, world: World
) -> None:
    """H26, H28: what is temporary can be waited for. What there is stays readable, and nothing is deleted (H14)."""
    image = world.push()
    world.faults.set(fault)
    with pytest.raises(error) as told:
        await world.harbor.start_scan(image)
    assert told.value.advice
    assert word in told.value.advice.sentence
    await world.harbor.vulnerabilities(image)
    world.faults.set({"harbor_read_only": False, "scanner_away": False, "harbor_denies": []})
    assert (await world.harbor.scan(image)).status is ScanStatus.SUCCESS


async def test_what_is_not_there_is_told_as_what_it_is(world: World) -> None:
    """H5, H7, H28: an absent project, a deleted image, an absent repository."""
    image = world.push()
    with pytest.raises(Refused) as absent:
        await world.harbor.artifact("harbor.example.com/nobody/x", "v1")
    assert absent.value.advice
    assert "project nobody is not in Harbor" in absent.value.advice.sentence
    with pytest.raises(NotFound) as gone:
        await world.harbor.artifact(image.repository, "sha256:" + "f" * 64)
    assert gone.value.advice
    assert "deleted, or never pushed" in gone.value.advice.sentence
    with pytest.raises(NotFound) as nowhere:
        await world.harbor.artifact("harbor.example.com/apps/nothing", "v1")
    assert nowhere.value.advice
    assert "does not have that repository" in nowhere.value.advice.sentence


async def test_a_scanner_that_goes_away_hides_the_state_and_not_the_report(world: World) -> None:
    """H26."""
    image = world.push()
    world.faults.set({"scanner_away": True})
    assert (await world.harbor.scan(image)).status is ScanStatus.SCANNER_AWAY
    assert await world.harbor.vulnerabilities(image)


async def test_an_index_is_what_its_platforms_are(world: World) -> None:
    """H25: a success of 50 % is none; attestations do not count."""
    image = world.push_index()
    platforms = world.server.platforms(REPOSITORY, image.digest)
    assert set(platforms) == {"linux/amd64", "linux/arm64"}
    assert (await world.harbor.scan(image)).status is ScanStatus.SUCCESS
    contents = await world.harbor.contents(image)
    assert {image.digest, *platforms.values()} < contents
    assert len(contents) == 5
    world.server.fail_scan(REPOSITORY, platforms["linux/arm64"])
    scan = await world.harbor.scan(image)
    assert (scan.status, scan.missing, scan.counts) == (ScanStatus.INCOMPLETE, ("linux/arm64 failed",), {})
    world.server.never_scanned(REPOSITORY, platforms["linux/amd64"])
    assert (await world.harbor.scan(image)).status is ScanStatus.ERROR


async def test_the_news_of_an_index_are_its_platforms() -> None:
    """H27: their digests, a tag that is null, and a failure that comes later."""
    heard: list[dict[str, Any]] = []
    both = asyncio.Event()

    async def hear(request: Request) -> Response:
        event = await request.json()
        if event["type"].startswith("SCANNING"):
            heard.append(event)
        if len(heard) == 2:
            both.set()
        return Response()

    listening = Starlette(routes=[Route("/", hear, methods=["POST"])])
    async with serve(listening) as listener, opened(speed=100, webhooks=(Webhook(f"{listener}/"),)) as world:
        world.faults.set({"failing_platform": "linux/arm64"})
        digest = world.server.push_index(REPOSITORY, ["multi"], REVISION, SOURCE, scan="never")
        await world.harbor.start_scan(Image(REPOSITORY, digest))
        async with asyncio.timeout(20):
            await both.wait()
        platforms = world.server.platforms(REPOSITORY, digest)
    assert [event["type"] for event in heard] == ["SCANNING_COMPLETED", "SCANNING_FAILED"]
    resources = [event["event_data"]["resources"][0] for event in heard]
    assert [r["digest"] for r in resources] == [platforms["linux/amd64"], platforms["linux/arm64"]]
    assert all(r["tag"] is None for r in resources)


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        ({"prevent_vul": "true", "severity": "low"}, "vulnerability severity"),
        ({"enable_content_trust_cosign": "true"}, "not signed by cosign"),
    ],
)
async def test_a_pull_that_the_project_refuses(policy: dict[str, str], word: str, world: World) -> None:
    """H30: 412 at the pull, whatever the API says of the image."""
    image = world.push()
    await world.oci.manifest(image.repository, image.digest)
    world.faults.set({"harbor_policy": policy})
    with pytest.raises(Refused, match=word):
        await world.oci.manifest(image.repository, image.digest)
    assert word in await HarborPulls(world.harbor, world.oci).refusal(image)
    assert (await world.harbor.scan(image)).status is ScanStatus.SUCCESS


async def test_an_index_is_refused_for_one_of_its_platforms(world: World) -> None:
    """H17, H30: the index itself is let through once it has a report; a cluster pulls its platform's image next."""
    image = world.push_index()
    pulls = HarborPulls(world.harbor, world.oci)
    world.faults.set({"harbor_policy": {"prevent_vul": "true", "severity": "critical"}})
    assert await pulls.refusal(image) == ""
    world.server.fail_scan(REPOSITORY, world.server.platforms(REPOSITORY, image.digest)["linux/arm64"])
    await world.oci.manifest(image.repository, image.digest)
    assert "cannot be pulled" in await pulls.refusal(image)


async def test_where_a_project_refuses_nothing_nothing_is_pulled(world: World) -> None:
    """H30: a look counts as a pull."""
    image = world.push()
    assert await HarborPulls(world.harbor, world.oci).refusal(image) == ""
    assert world.server.inventory.repository("apps/my-app")[1].pulls == 0


async def test_asking_whether_it_may_scan_starts_no_scan(world: World) -> None:
    """H28."""
    image = world.push()
    await world.harbor.verify_scanning(image.repository)
    assert (await world.harbor.scan(image)).status is ScanStatus.SUCCESS
    world.faults.set({"harbor_denies": ["scan:create"]})
    with pytest.raises(Refused):
        await world.harbor.verify_scanning(image.repository)
