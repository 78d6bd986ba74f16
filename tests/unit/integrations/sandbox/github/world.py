"""A repository and the GitHub in front of it, on a socket."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.github import App, GitHubServer, GitHubServerSettings, Principal
from integrations.sandbox.serving import serve

REPO = "/repos/pilothouse/deploy"
FILE = "apps/my-app/overlays/production/kustomization.yaml"
FILES = {FILE: b"images:\n- name: my-app\n  newTag: v1\n", "README.md": b"# deploy\n"}
BO, READER = Principal("bo", 7), Principal("cy", 8, permissions=(("contents", "read"), ("metadata", "read")))
STRANGER = Principal("eve", 9, permissions=())
TOKENS = {"bo-token": BO, "cy-token": READER, "eve-token": STRANGER}


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def app() -> App:
    pem = (
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return App(id=101, client_id="Iv1.pilot", slug="pilothouse", installation_id=5, public_key=pem.decode())


def app_jwt(**claims: Any) -> dict[str, str]:
    now = int(time.time())
    token = jwt.encode({"iat": now - 60, "exp": now + 300, "iss": "Iv1.pilot", **claims}, private_key(), "RS256")
    return {"Authorization": f"Bearer {token}"}


@dataclass
class World:
    git: GitServer
    github: GitHubServer
    http: httpx.AsyncClient
    faults: FaultSettings
    url: str

    async def installation_token(self, **body: Any) -> str:
        answer = await self.http.post("/app/installations/5/access_tokens", json=body, headers=app_jwt())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    async def branch(self, name: str, changes: dict[str, bytes | None]) -> str:
        """A branch with one commit on top of main."""
        ref = {"ref": f"refs/heads/{name}", "sha": await self.git.head()}
        assert (await self.http.post(f"{REPO}/git/refs", json=ref)).status_code == 201
        tree = [
            {"path": path, "mode": "100644", "type": "blob", "content": content.decode()}
            if content is not None
            else {"path": path, "mode": "100644", "type": "blob", "sha": None}
            for path, content in changes.items()
        ]
        made = await self.http.post(f"{REPO}/git/trees", json={"base_tree": ref["sha"], "tree": tree})
        body = {"message": f"On {name}", "tree": made.json()["sha"], "parents": [ref["sha"]]}
        commit = (await self.http.post(f"{REPO}/git/commits", json=body)).json()["sha"]
        moved = await self.http.patch(f"{REPO}/git/refs/heads/{name}", json={"sha": commit})
        assert moved.status_code == 200, moved.text
        return str(commit)

    async def pull(self, head: str, title: str = "Promote") -> httpx.Response:
        return await self.http.post(f"{REPO}/pulls", json={"title": title, "head": head, "base": "main", "body": "b"})


@asynccontextmanager
async def running(root: Path, **settings: Any) -> AsyncIterator[World]:
    faults = FaultSettings()
    git = GitServer(root, token="git-token")
    await git.create(FILES, "Seed", Signature("Dee", "dee@example.com"))
    github = GitHubServer(
        git, settings=GitHubServerSettings(**{"tokens": TOKENS, "app": app(), **settings}), faults=faults
    )
    async with (
        serve(github.app) as url,
        httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer bo-token"}) as http,
    ):
        yield World(git, github, http, faults, url)
    await github.webhooks.settled()
