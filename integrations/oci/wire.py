"""OCI documents, as far as they are read here."""

from msgspec import Struct, field

IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGE_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
"""of artifacts that are no images the config may be empty, and the same for all"""
MANIFESTS = (IMAGE_MANIFEST, IMAGE_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)


class OciPlatform(Struct, frozen=True):
    architecture: str | None = None
    os: str | None = None


class Descriptor(Struct, frozen=True, rename="camel"):
    digest: str
    media_type: str | None = None
    size: int = 0
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None
    platform: OciPlatform | None = None


class Manifest(Struct, frozen=True, rename="camel"):
    """An image manifest (`config`, `layers`) or an index (`manifests`)."""

    media_type: str | None = None
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class ContainerConfig(Struct, frozen=True):
    labels: dict[str, str] | None = field(default=None, name="Labels")


class ImageConfig(Struct, frozen=True):
    config: ContainerConfig | None = None


class DiffIds(Struct, frozen=True):
    """The digests of the layers as they are unpacked: compressing them in another way changes none."""

    diff_ids: tuple[str, ...] = ()


class Rootfs(Struct, frozen=True):
    """An image's config, as far as it says what the files are."""

    rootfs: DiffIds | None = None


class OciToken(Struct, frozen=True):
    """Of the token endpoint; both names are in use."""

    token: str | None = None
    access_token: str | None = None


class OciErrorItem(Struct, frozen=True):
    code: str | None = None
    message: str | None = None


class OciErrorBody(Struct, frozen=True):
    errors: list[OciErrorItem] | None = None
