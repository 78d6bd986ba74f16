"""A real Harbor and its registry. Reads only."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import IntegrationError, NotFound, Refused
from bot.domain.scan import ScanStatus
from bot.domain.signature import SignatureState
from bot.settings import Settings
from integrations.cosign import Cosign
from integrations.harbor import Harbor, HarborPulls
from integrations.oci import Oci
from tests.live.environment import needed

pytestmark = pytest.mark.live


@pytest.fixture
async def harbor() -> AsyncIterator[Harbor]:
    needed("PILOTHOUSE_HARBOR__URL", "LIVE_HARBOR_REPOSITORY")
    async with Harbor(Settings().harbor) as made:
        yield made


@pytest.fixture
async def oci() -> AsyncIterator[Oci]:
    needed("PILOTHOUSE_HARBOR__URL", "LIVE_HARBOR_REPOSITORY")
    async with Oci(Settings().harbor) as made:
        yield made


@pytest.fixture
def repository() -> str:
    return needed("LIVE_HARBOR_REPOSITORY")[0]


async def test_the_robot_is_really_logged_in(harbor: Harbor) -> None:
    """H4."""
    needed("PILOTHOUSE_HARBOR__PROBE")
    await harbor.ping()
    await harbor.verify_login()


async def test_the_newest_image_in_every_respect(harbor: Harbor, repository: str) -> None:
    (newest, *_) = await harbor.newest(repository, 1)
    assert (await harbor.artifact(repository, newest.image.tag)).image == newest.image
    await harbor.project_policy(repository)
    assert newest.image.digest in await harbor.contents(newest.image)
    scan = await harbor.scan(newest.image)
    if scan.status is ScanStatus.SUCCESS:
        await harbor.vulnerabilities(newest.image, scan.total)


async def test_an_absent_tag_is_not_found(harbor: Harbor, repository: str) -> None:
    with pytest.raises(NotFound):
        await harbor.artifact(repository, "pilothouse-live-test-that-does-not-exist")


async def test_an_absent_project_is_told_with_a_remedy(harbor: Harbor, repository: str) -> None:
    """H28: Harbor does not say whether it is absent or hidden."""
    host = repository.partition("/")[0]
    with pytest.raises(IntegrationError) as told:
        await harbor.artifact(f"{host}/pilothouse-live-test-that-does-not-exist/web", "1.0")
    assert isinstance(told.value, NotFound) or (isinstance(told.value, Refused) and told.value.advice)


async def test_every_image_that_an_index_holds_is_its_content(harbor: Harbor) -> None:
    """H25, H27."""
    repository, tag = needed("LIVE_HARBOR_INDEX")[0].rsplit(":", 1)
    index = (await harbor.artifact(repository, tag)).image
    assert len(await harbor.contents(index)) > 1
    await harbor.scan(index)


async def test_the_newest_image_can_be_pulled(harbor: Harbor, oci: Oci, repository: str) -> None:
    """H17, H30. Harbor counts a pull where the project has rules for pulls."""
    (newest, *_) = await harbor.newest(repository, 1)
    assert await HarborPulls(harbor, oci).refusal(newest.image) == ""


async def test_what_the_projects_rules_keep_back_is_refused_in_harbors_words(harbor: Harbor, oci: Oci) -> None:
    """H30: an image that `prevent_vul` or content trust keeps from being pulled."""
    repository, tag = needed("LIVE_HARBOR_KEPT_BACK")[0].rsplit(":", 1)
    image = (await harbor.artifact(repository, tag)).image
    assert await HarborPulls(harbor, oci).refusal(image)


async def test_a_scan_may_be_started(harbor: Harbor, repository: str) -> None:
    """H28, H29: asked without starting one; needs `scan:create`, and so is asked for by name."""
    needed("LIVE_HARBOR_MAY_SCAN")
    await harbor.verify_scanning(repository)


async def test_the_registry_and_the_api_agree(harbor: Harbor, oci: Oci, repository: str) -> None:
    (newest, *_) = await harbor.newest(repository, 1)
    assert (await oci._manifest(repository, newest.image.tag))[1] == newest.image.digest
    labels = await oci.labels(repository, newest.image.digest)
    assert labels.get("org.opencontainers.image.revision", newest.revision) == newest.revision
    await oci.referrers(repository, newest.image.digest)


async def test_the_newest_image_is_signed(harbor: Harbor, oci: Oci, repository: str) -> None:
    (file,) = needed("LIVE_COSIGN_KEY")
    (newest, *_) = await harbor.newest(repository, 1)
    check = await Cosign(oci).check(newest.image, {"live": await asyncio.to_thread(Path(file).read_text)})
    assert check.state is SignatureState.SIGNED
