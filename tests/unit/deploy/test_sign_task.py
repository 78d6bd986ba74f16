"""The steps of sign-image with a real cosign and a real registry: what they write is what the bot's gate reads."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.domain.image import Image
from bot.domain.signature import SignatureState
from bot.settings import HarborSettings
from integrations.cosign import Cosign
from integrations.oci import Oci
from tests.unit.deploy.manifests import find, go_path

PASSWORD = "a password from Vault"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def cosign() -> str:
    """Of the very version that the Task names."""
    found = shutil.which("cosign", path=go_path())
    steps = find("platform/tekton", "Task", "sign-image")["spec"]["steps"]
    version = next(s["image"] for s in steps if s["name"] == "sign").partition("@")[0].rpartition(":")[2]
    install = f"go install github.com/sigstore/cosign/v3/cmd/cosign@{version}"
    if not found:
        pytest.skip(f"cosign is not installed: {install}")
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=True)
    if version not in told.stdout:
        pytest.skip(f"cosign is of another version: {install}")
    return found


@pytest.fixture(scope="module")
def keys(cosign: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    environment = {"PATH": os.environ["PATH"], "COSIGN_PASSWORD": PASSWORD, "HOME": str(directory)}
    subprocess.run([cosign, "generate-key-pair"], cwd=directory, env=environment, check=True, capture_output=True)
    return directory


def push(registry: str, repository: str, content: bytes) -> str:
    """A small image; its digest."""

    def blob(data: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        upload = client.post(f"/v2/{repository}/blobs/uploads/").raise_for_status().headers["Location"]
        client.put(httpx.URL(upload).copy_merge_params({"digest": digest}), content=data).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    with httpx.Client(base_url=f"http://{registry}", trust_env=False) as client:
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(b'{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json"),
            "layers": [blob(content, "application/vnd.oci.image.layer.v1.tar")],
        }
        body = json.dumps(manifest).encode()
        address = f"/v2/{repository}/manifests/v1.4.3"
        answer = client.put(address, content=body, headers={"Content-Type": MANIFEST}).raise_for_status()
    return str(answer.headers["Docker-Content-Digest"])


class Steps:
    """The Task's steps, each with its own arguments and environment; only mounted paths are elsewhere."""

    def __init__(self, cosign: str, keys: Path, directory: Path) -> None:
        self._cosign = cosign
        self._keys = keys
        self._directory = directory
        (directory / "sbom.cdx.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}')
        (directory / "config.json").write_text("{}")

    def run(self, name: str, repository: str, digest: str, without: str = "") -> subprocess.CompletedProcess[str]:
        spec = find("platform/tekton", "Task", "sign-image")["spec"]
        step = next(s for s in spec["steps"] if s["name"] == name)
        places = {
            "$(params.repository)": repository,
            "$(params.digest)": digest,
            "/var/run/cosign/": f"{self._keys}/",
            "/tmp/sbom.cdx.json": str(self._directory / "sbom.cdx.json"),
            "/tmp/attestation.json": str(self._directory / "attestation.json"),
        }
        arguments = []
        for argument in step["args"]:
            for place, value in places.items():
                argument = argument.replace(place, value)
            arguments.append(argument)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._directory), "DOCKER_CONFIG": str(self._directory)}
        if any(v["name"] == "COSIGN_PASSWORD" for v in step.get("env", [])):
            environment["COSIGN_PASSWORD"] = PASSWORD
        command = [self._cosign, *(a for a in arguments if a != without)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def steps(cosign: str, keys: Path, tmp_path: Path) -> Steps:
    return Steps(cosign, keys, tmp_path)


def verdict(registry: str, image: Image, key: Path) -> SignatureState:
    """What the bot's own check says."""
    pem = key.read_text()

    async def ask() -> SignatureState:
        async with Oci(HarborSettings(url=f"http://{registry}")) as oci:
            return (await Cosign(oci).check(image, {"ci-pipeline": pem})).state

    return asyncio.run(ask())


def test_what_the_pipeline_signs_the_bots_gate_accepts(
    steps: Steps, registry: str, keys: Path, cosign: str, tmp_path: Path
) -> None:
    """C1-C4: in the older layout, which is also the one that the admission policy reads."""
    repository = f"{registry}/apps/signed"
    digest = push(registry, "apps/signed", b"signed")
    image = Image(repository, digest)
    assert verdict(registry, image, keys / "cosign.pub") is SignatureState.MISSING
    assert steps.run("verify", repository, digest).returncode != 0

    assert steps.run("verify-contents", repository, digest).returncode != 0

    for name in ("sign", "attest", "verify", "verify-contents"):
        done = steps.run(name, repository, digest)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "bomFormat" not in done.stdout + done.stderr
    assert verdict(registry, image, keys / "cosign.pub") is SignatureState.SIGNED

    with httpx.Client(base_url=f"http://{registry}/v2/apps/signed", trust_env=False) as client:
        tags = client.get("/tags/list").json()["tags"]
        assert {digest.replace(":", "-") + suffix for suffix in (".sig", ".att")} <= set(tags)
        signature = client.get(f"/manifests/{digest.replace(':', '-')}.sig", headers={"Accept": MANIFEST}).json()
    assert [layer["mediaType"] for layer in signature["layers"]] == ["application/vnd.dev.cosign.simplesigning.v1+json"]


def test_another_key_and_another_image_are_refused(
    steps: Steps, registry: str, keys: Path, cosign: str, tmp_path: Path
) -> None:
    repository = f"{registry}/apps/refused"
    digest, other = (push(registry, "apps/refused", content) for content in (b"one", b"another"))
    assert steps.run("sign", repository, digest).returncode == 0
    assert steps.run("verify", repository, other).returncode != 0
    assert verdict(registry, Image(repository, other), keys / "cosign.pub") is SignatureState.MISSING
    environment = {"PATH": os.environ["PATH"], "COSIGN_PASSWORD": "", "HOME": str(tmp_path)}
    subprocess.run([cosign, "generate-key-pair"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    stranger = tmp_path / "cosign.pub"
    assert verdict(registry, Image(repository, digest), stranger) is SignatureState.OTHER_KEY


def test_the_bots_gate_reads_what_cosign_writes_by_default_as_well(steps: Steps, registry: str, keys: Path) -> None:
    """C4, C5: a bundle, here found through the index under the fallback tag; this registry has no referrers API."""
    digest = push(registry, "apps/bundled", b"bundled")
    done = steps.run("sign", f"{registry}/apps/bundled", digest, without="--new-bundle-format=false")
    assert done.returncode == 0, done.stderr
    with httpx.Client(base_url=f"http://{registry}/v2/apps/bundled", trust_env=False) as client:
        assert digest.replace(":", "-") + ".sig" not in client.get("/tags/list").json()["tags"]
    image = Image(f"{registry}/apps/bundled", digest)
    assert verdict(registry, image, keys / "cosign.pub") is SignatureState.SIGNED


@pytest.mark.parametrize("bundled", [True, False])
def test_an_ed25519_key_is_as_good_as_any(bundled: bool, cosign: str, registry: str, tmp_path: Path) -> None:
    """C14: cosign 3.1.3 signs by such a key with Ed25519ph, in both layouts."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "ed25519.pem").write_bytes(pem)
    environment = {"PATH": os.environ["PATH"], "COSIGN_PASSWORD": "", "HOME": str(tmp_path)}
    options: dict[str, Any] = {"cwd": tmp_path, "env": environment, "check": True, "capture_output": True}
    subprocess.run([cosign, "import-key-pair", "--key", "ed25519.pem", "--output-key-prefix", "ci"], **options)
    repository = f"apps/ed25519-{'bundle' if bundled else 'tag'}"
    digest = push(registry, repository, b"signed")
    layout = [f"--new-bundle-format={str(bundled).lower()}", "--use-signing-config=false", "--tlog-upload=false"]
    reference = f"{registry}/{repository}@{digest}"
    subprocess.run([cosign, "sign", "--yes", "--key", "ci.key", *layout, reference], **options)
    image = Image(f"{registry}/{repository}", digest)
    assert verdict(registry, image, tmp_path / "ci.pub") is SignatureState.SIGNED
    other = Image(f"{registry}/{repository}", push(registry, repository, b"not signed"))
    assert verdict(registry, other, tmp_path / "ci.pub") is SignatureState.MISSING


def test_a_signature_leaves_no_trace_outside(steps: Steps, registry: str) -> None:
    """C4: cosign would tell a public transparency log the name of a private image."""
    digest = push(registry, "apps/private", b"private")
    done = steps.run("sign", f"{registry}/apps/private", digest)
    assert done.returncode == 0, done.stderr
    assert "tlog entry" not in done.stdout + done.stderr
