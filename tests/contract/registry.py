"""What every Registry and every Signatures does, whoever implements them."""

from typing import Protocol

import pytest

from bot.domain.errors import NotFound, Unavailable
from bot.domain.image import Image
from bot.domain.scan import ScanStatus, Severity, Vulnerability
from bot.domain.signature import SignatureState
from bot.ports import Registry, Signatures

REPOSITORY = "harbor.example.com/apps/my-app"
NESTED = "harbor.example.com/apps/team/web"
REVISION = "0123456789abcdef0123456789abcdef01234567"
SOURCE = "https://git.example.com/apps/my-app"
CRITICAL = Vulnerability("CVE-2026-0001", "openssl", "3.0.0", Severity.CRITICAL, "3.0.1")
LOW = Vulnerability("CVE-2026-0002", "zlib", "1.2.0", Severity.LOW)


class RegistryWorld(Protocol):
    """Nothing is pushed, and nothing scanned, but by the test."""

    @property
    def registry(self) -> Registry: ...

    async def push(self, repository: str, tag: str, revision: str = REVISION) -> Image:
        """A new image from SOURCE, which takes the tag."""

    async def finish_scan(self, image: Image, *found: Vulnerability) -> None: ...

    async def fail_scan(self, image: Image) -> None: ...

    async def allow(self, cve: str) -> None:
        """It is on the project's allowlist."""

    async def break_down(self) -> None: ...


class RegistryContract:
    @pytest.mark.parametrize("repository", [REPOSITORY, NESTED])
    async def test_by_tag_and_by_digest_it_is_the_same_image(self, world: RegistryWorld, repository: str) -> None:
        """H1: also where the name has a slash."""
        pushed = await world.push(repository, "v1.4.2")
        by_tag = await world.registry.artifact(repository, "v1.4.2")
        by_digest = await world.registry.artifact(repository, pushed.digest)
        assert by_tag == by_digest
        assert by_tag.image == Image(repository, pushed.digest, "v1.4.2")
        assert (by_tag.revision, by_tag.source) == (REVISION, SOURCE)
        assert by_tag.pushed_at is not None
        assert by_tag.size > 0

    async def test_a_tag_that_moved_is_the_new_image(self, world: RegistryWorld) -> None:
        """C7: which is why digests are what is promoted."""
        old = await world.push(REPOSITORY, "latest")
        new = await world.push(REPOSITORY, "latest", "f" * 40)
        assert (await world.registry.artifact(REPOSITORY, "latest")).image.digest == new.digest
        assert (await world.registry.artifact(REPOSITORY, old.digest)).tags == ()

    async def test_an_absent_tag_is_not_found(self, world: RegistryWorld) -> None:
        await world.push(REPOSITORY, "v1")
        with pytest.raises(NotFound):
            await world.registry.artifact(REPOSITORY, "v9")

    async def test_the_newest_come_first(self, world: RegistryWorld) -> None:
        for number in range(4):
            await world.push(REPOSITORY, f"v{number}", f"{number}" * 40)
        newest = await world.registry.newest(REPOSITORY, 3)
        assert [artifact.image.tag for artifact in newest] == ["v3", "v2", "v1"]

    async def test_a_scan_from_nothing_to_its_findings(self, world: RegistryWorld) -> None:
        """H11, H12, H13, H14."""
        image = await world.push(REPOSITORY, "v1")
        assert (await world.registry.scan(image)).status is ScanStatus.NOT_SCANNED
        await world.registry.start_scan(image)
        await world.registry.start_scan(image)
        assert (await world.registry.scan(image)).status in (ScanStatus.PENDING, ScanStatus.RUNNING)
        await world.finish_scan(image, CRITICAL, LOW)
        scan = await world.registry.scan(image)
        assert scan.status is ScanStatus.SUCCESS
        assert scan.counts == {Severity.CRITICAL: 1, Severity.LOW: 1}
        assert (scan.total, scan.fixable) == (2, 1)
        assert scan.finished_at is not None
        assert set(await world.registry.vulnerabilities(image)) == {CRITICAL, LOW}

    async def test_an_image_without_findings(self, world: RegistryWorld) -> None:
        image = await world.push(REPOSITORY, "v1")
        await world.finish_scan(image)
        assert (await world.registry.scan(image)).counts == {}
        assert await world.registry.vulnerabilities(image) == ()

    async def test_without_a_finished_scan_there_are_no_findings_to_tell(self, world: RegistryWorld) -> None:
        """H14: none known is not none found."""
        image = await world.push(REPOSITORY, "v1")
        with pytest.raises(NotFound):
            await world.registry.vulnerabilities(image)

    async def test_a_failed_scan_has_no_counts(self, world: RegistryWorld) -> None:
        """H12."""
        image = await world.push(REPOSITORY, "v1")
        await world.fail_scan(image)
        scan = await world.registry.scan(image)
        assert (scan.status, scan.counts) == (ScanStatus.ERROR, {})

    async def test_the_last_findings_stay_while_a_rescan_runs(self, world: RegistryWorld) -> None:
        """H14."""
        image = await world.push(REPOSITORY, "v1")
        await world.finish_scan(image, CRITICAL)
        await world.registry.start_scan(image)
        assert (await world.registry.scan(image)).counts == {}
        assert await world.registry.vulnerabilities(image) == (CRITICAL,)

    async def test_the_allowlist_is_subtracted(self, world: RegistryWorld) -> None:
        """H18."""
        image = await world.push(REPOSITORY, "v1")
        await world.finish_scan(image, CRITICAL, LOW)
        await world.allow(CRITICAL.id)
        assert await world.registry.vulnerabilities(image) == (LOW,)

    async def test_a_registry_that_is_down_is_unavailable(self, world: RegistryWorld) -> None:
        await world.break_down()
        with pytest.raises(Unavailable) as told:
            await world.registry.artifact(REPOSITORY, "v1")
        assert told.value.system == "Harbor"


class SignatureWorld(Protocol):
    @property
    def signatures(self) -> Signatures: ...

    async def push(self, tag: str) -> Image: ...

    async def sign(self, image: Image, key: str) -> None:
        """With one of two private keys, "ours" or "theirs"."""

    def public(self, key: str) -> str:
        """What verifies a signature of that key."""


class SignaturesContract:
    async def test_unsigned(self, world: SignatureWorld) -> None:
        image = await world.push("v1")
        check = await world.signatures.check(image, {"release": world.public("ours")})
        assert check.state is SignatureState.MISSING

    async def test_signed_by_one_of_several_trusted_keys(self, world: SignatureWorld) -> None:
        image = await world.push("v1")
        await world.sign(image, "ours")
        keys = {"other": world.public("theirs"), "release": world.public("ours")}
        check = await world.signatures.check(image, keys)
        assert (check.state, check.key) == (SignatureState.SIGNED, "release")

    async def test_signed_by_somebody_else(self, world: SignatureWorld) -> None:
        image = await world.push("v1")
        await world.sign(image, "theirs")
        check = await world.signatures.check(image, {"release": world.public("ours")})
        assert (check.state, check.key) == (SignatureState.OTHER_KEY, "")

    async def test_one_good_signature_among_others_is_enough(self, world: SignatureWorld) -> None:
        """C3."""
        image = await world.push("v1")
        await world.sign(image, "theirs")
        await world.sign(image, "ours")
        check = await world.signatures.check(image, {"release": world.public("ours")})
        assert check.state is SignatureState.SIGNED
