"""A real registry, for what pushes to one."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from integrations.sandbox.ports import free_port


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a registry with nothing in it."""
    if not (binary := shutil.which("docker-registry")):
        pytest.skip("a registry is not installed: apt-get install docker-registry")
    address = f"127.0.0.1:{free_port()}"
    directory = tmp_path_factory.mktemp("registry")
    configuration = directory / "config.yml"
    storage = {"filesystem": {"rootdirectory": str(directory / "data")}}
    configuration.write_text(json.dumps({"version": 0.1, "storage": storage, "http": {"addr": address}}))
    process = subprocess.Popen(
        [binary, "serve", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(address):
            assert process.poll() is None, "the registry ended"
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/", trust_env=False).is_success
    except httpx.TransportError:
        return False
