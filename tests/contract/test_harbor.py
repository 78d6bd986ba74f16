"""The registry contract on the fake and, over a socket, on the client; every exchange obeys the official API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.image import Image
from bot.domain.scan import ScanStatus, Vulnerability
from bot.ports import Registry
from bot.settings import HarborSettings
from integrations.harbor import Harbor
from integrations.http import HttpPolicy
from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.harbor import HarborServer
from integrations.sandbox.harbor import Vulnerability as Finding
from integrations.sandbox.serving import serve
from tests.contract.covered import Covered
from tests.contract.registry import CRITICAL, LOW, NESTED, REPOSITORY, REVISION, SOURCE, RegistryContract
from tests.contract.swagger import Description, Held
from tests.fakes.registry import MemoryRegistry

ROBOT, SECRET = "robot$pilothouse", "r0bot"
QUICK = HttpPolicy(attempts=2, backoff=0.01)
# H14: 409 and 412 are answered though the description does not have them
UNDESCRIBED = {"scanArtifact": frozenset({409, 412})}
# The description wants an object in each extra attribute, where Harbor has the creation time and more; calls the report
# of vulnerabilities a string (H13); and does not know that the summary of an unfinished scan is null (H12).
MISDESCRIBED = (".extra_attrs.", "getVulnerabilitiesAddition: answer: $: ", ".summary: None is not")


@dataclass
class Served:
    server: HarborServer
    faults: FaultSettings
    held: Held
    url: str

    def client(self, name: str = ROBOT, password: str = SECRET, probe: str = "apps/my-app") -> Harbor:
        return Harbor(HarborSettings(url=self.url, username=name, password=password, probe=probe), QUICK)

    async def push(self, repository: str, tag: str, revision: str = REVISION) -> Image:
        return Image(repository, self.server.push(repository, [tag], revision, SOURCE, scan="never"), tag)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    faults = FaultSettings()
    # slow enough that a scan that was started does not end by itself
    server = HarborServer(Clock(0.01), {ROBOT: SECRET}, faults)
    server.add_project("apps", auto_scan="false")
    held = Held(server.app, Description("harbor.swagger.yaml", also_answered=UNDESCRIBED, misdescribed=MISDESCRIBED))
    try:
        async with serve(held) as url:
            yield Served(server, faults, held, url)
    finally:
        await server.close()


class MemoryWorld:
    def __init__(self) -> None:
        self.fake = MemoryRegistry()

    @property
    def registry(self) -> Registry:
        return self.fake

    async def push(self, repository: str, tag: str, revision: str = REVISION) -> Image:
        return self.fake.push(repository, tag, revision=revision, source=SOURCE).image

    async def finish_scan(self, image: Image, *found: Vulnerability) -> None:
        self.fake.finish_scan(image, *found)

    async def fail_scan(self, image: Image) -> None:
        self.fake.finish_scan(image, status=ScanStatus.ERROR)

    async def allow(self, cve: str) -> None:
        self.fake.allowlist |= {cve}

    async def break_down(self) -> None:
        self.fake.failing = Unavailable("Harbor", "read", "no connection")


class SocketWorld:
    def __init__(self, served: Served, harbor: Harbor) -> None:
        self.served = served
        self.harbor = harbor

    @property
    def registry(self) -> Registry:
        return self.harbor

    async def push(self, repository: str, tag: str, revision: str = REVISION) -> Image:
        return await self.served.push(repository, tag, revision)

    async def finish_scan(self, image: Image, *found: Vulnerability) -> None:
        self.served.server.set_report(image.repository, image.digest, [finding(v) for v in found])

    async def fail_scan(self, image: Image) -> None:
        self.served.server.fail_scan(image.repository, image.digest)

    async def allow(self, cve: str) -> None:
        project = self.served.server.inventory.projects["apps"]
        project.allowlist = (cve,)

    async def break_down(self) -> None:
        self.served.faults.set({"weather": {"harbor": "down"}})


def finding(of: Vulnerability) -> Finding:
    return Finding(of.id, of.package, of.version, of.fix_version, of.severity.value)


class TestFake(RegistryContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()


class TestClient(RegistryContract):
    @pytest.fixture
    async def world(self, served: Served) -> AsyncIterator[SocketWorld]:
        async with served.client() as harbor:
            yield SocketWorld(served, harbor)
        if served.faults.now.weather["harbor"] == "fine":
            assert served.held.problems() == []


Call = Callable[[Harbor, Image], Awaitable[object]]
CALLS: dict[str, tuple[Call, str]] = {
    "artifact": (lambda harbor, image: harbor.artifact(image.repository, image.tag), "getArtifact"),
    "newest": (lambda harbor, image: harbor.newest(image.repository, 3), "listArtifacts"),
    "scan": (lambda harbor, image: harbor.scan(image), "getArtifact"),
    "start_scan": (lambda harbor, image: harbor.start_scan(image), "scanArtifact"),
    "vulnerabilities": (lambda harbor, image: harbor.vulnerabilities(image), "getVulnerabilitiesAddition"),
    "contents": (lambda harbor, image: harbor.contents(image), "getArtifact"),
    "project_policy": (lambda harbor, image: harbor.project_policy(image.repository), "getProject"),
    "verify_scanning": (lambda harbor, image: harbor.verify_scanning(image.repository), "scanArtifact"),
    "verify_login": (lambda harbor, _: harbor.verify_login(), "getRepository"),
    "ping": (lambda harbor, _: harbor.ping(), "getPing"),
}
WITHOUT_REQUEST = {"aclose"}


@pytest.mark.parametrize("repository", [REPOSITORY, NESTED])
@pytest.mark.parametrize("name", CALLS)
async def test_every_request_and_answer_obeys_the_official_description(
    name: str, repository: str, served: Served
) -> None:
    """H1 for the second repository, whose name has a slash."""
    call, operation = CALLS[name]
    image = await served.push(repository, "v1")
    served.server.set_report(repository, image.digest, [finding(CRITICAL)])
    async with served.client(probe=repository) as harbor:
        await call(harbor, image)
    assert operation in served.held.operations()
    assert served.held.problems() == []


def test_no_operation_of_the_client_is_without_a_contract_test(covered: Covered) -> None:
    public = {name for name, value in vars(Harbor).items() if callable(value) and not name.startswith("_")}
    assert public - WITHOUT_REQUEST == set(CALLS)
    covered("Harbor", f"{len(CALLS)} operations, all held against the official description")


async def test_the_systems_allowlist_is_read_where_the_project_says_so(served: Served) -> None:
    """H16, H18."""
    served.server.inventory.projects["apps"].metadata["reuse_sys_cve_allowlist"] = "true"
    served.server.inventory.system_allowlist = (CRITICAL.id,)
    image = await served.push(REPOSITORY, "v1")
    served.server.set_report(REPOSITORY, image.digest, [finding(CRITICAL), finding(LOW)])
    async with served.client() as harbor:
        found = await harbor.vulnerabilities(image)
    assert "getSystemCVEAllowlist" in served.held.operations()
    assert [v.id for v in found] == [LOW.id]
    assert served.held.problems() == []


async def test_a_wrong_password_is_found_out_though_harbor_does_not_refuse_it(served: Served) -> None:
    """H3, H4: it is taken for nobody's."""
    await served.push(REPOSITORY, "v1")
    async with served.client(password="canary-wr0ng") as harbor:
        with pytest.raises(Refused, match="not logged in") as told:
            await harbor.verify_login()
        await harbor.ping()
    assert "canary-wr0ng" not in repr(told.value)
    async with served.client() as harbor:
        await harbor.verify_login()


async def test_a_public_project_is_read_by_nobody_too_and_proves_nothing(served: Served) -> None:
    """H4."""
    served.server.push("library/tool", ["v1"], REVISION, SOURCE, scan="never")
    async with served.client(password="wrong", probe="library/tool") as harbor:
        await harbor.artifact("harbor.example.com/library/tool", "v1")
        with pytest.raises(Refused):
            await harbor.verify_login()


async def test_a_second_post_succeeds_without_a_cookie(served: Served) -> None:
    """H6."""
    image = await served.push(REPOSITORY, "v1")
    other = await served.push(REPOSITORY, "v2", "f" * 40)
    async with served.client() as harbor:
        await harbor.start_scan(image)
        await harbor.start_scan(other)
    assert all("cookie" not in exchange.headers for exchange in served.held.exchanges)


async def test_lists_longer_than_a_page_are_read_to_their_end(served: Served) -> None:
    """H8: at most a hundred at once."""
    for number in range(230):
        served.server.push(REPOSITORY, [f"v{number:03}"], f"{number:040}", SOURCE, scan="never")
    async with served.client() as harbor:
        assert len(await harbor.newest(REPOSITORY, 230)) == 230
    assert [exchange.query["page"] for exchange in served.held.exchanges] == [["1"], ["2"], ["3"]]


async def test_a_project_whose_name_is_a_number_is_meant_by_name(served: Served) -> None:
    """H2."""
    served.server.add_project("1", public=True)
    async with served.client() as harbor:
        assert (await harbor.project_policy("harbor.example.com/1/x")).public


async def test_an_absent_project_is_refused(served: Served) -> None:
    """H5."""
    async with served.client() as harbor:
        with pytest.raises(Refused):
            await harbor.artifact("harbor.example.com/nobody/x", "v1")


async def test_an_upstream_that_comes_back_is_used_again(served: Served) -> None:
    image = await served.push(REPOSITORY, "v1")
    async with served.client() as harbor:
        for weather in ("down", "error-500"):
            served.faults.set({"weather": {"harbor": weather}})
            with pytest.raises(Unavailable):
                await harbor.artifact(REPOSITORY, "v1")
        served.faults.set({"weather": {"harbor": "fine"}})
        assert replace((await harbor.artifact(REPOSITORY, "v1")).image, tag="v1") == image
