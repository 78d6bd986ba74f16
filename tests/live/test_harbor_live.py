"""A real Harbor and its registry. Reads only."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import NotFound
from bot.domain.scan import ScanStatus
from bot.domain.signature import SignatureState
from bot.settings import Settings
from integrations.cosign import Cosign
from integrations.harbor import Harbor
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


async def test_the_registry_and_the_api_agree(harbor: Harbor, oci: Oci, repository: str) -> None:
    (newest, *_) = await harbor.newest(repository, 1)
    assert await oci.resolve(repository, newest.image.tag) == newest.image.digest
    labels = await oci.labels(repository, newest.image.digest)
    assert labels.get("org.opencontainers.image.revision", newest.revision) == newest.revision
    await oci.referrers(repository, newest.image.digest)


async def test_the_newest_image_is_signed(harbor: Harbor, oci: Oci, repository: str) -> None:
    (file,) = needed("LIVE_COSIGN_KEY")
    (newest, *_) = await harbor.newest(repository, 1)
    check = await Cosign(oci).check(newest.image, {"live": await asyncio.to_thread(Path(file).read_text)})
    assert check.state is SignatureState.SIGNED
