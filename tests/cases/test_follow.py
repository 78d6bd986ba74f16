"""The handed cases of following a commit (beside the repository), told to the follower as Argo CD would tell them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.domain.application import Application, HealthStatus, OperationPhase, SyncStatus
from bot.domain.image import Image
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Progress
from bot.domain.source import OverlayBranch
from integrations.argocd import convert, wire
from tests.cases import cases
from tests.unit.bot.workflow.test_following import NEW, PATH, REF, REPOSITORY, START, Place, ended


def handed(suits: Callable[[dict[str, Any]], bool]) -> list[Any]:
    return [each for each in cases("follow.yaml") if each.id == "absent" or suits(each.values[0])]


def line(repository: str, tag: str) -> bytes:
    return f"images:\n- name: {repository}\n  newTag: {tag}\n".encode()


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("case", handed(lambda case: case["kind"] == "several-sources"))
async def test_of_several_sources_the_overlay_repositorys_commit_is_followed(case: dict[str, Any], ours: bool) -> None:
    """As Argo CD writes it, through the client's own conversion; to one who takes the first source it never comes."""
    told, place = case["application"], Place()
    branch = OverlayBranch((told["sources"][1]["repoURL"],), "main") if ours else None
    place.overlays._log[-1] = replace(place.overlays._log[-1], sha=case["commit"])
    place.overlays._trees[case["commit"]] = place.overlays._trees[place.commit.sha]
    place.commit = place.overlays._log[-1]
    wired = msgspec.json.decode(
        json.dumps(
            {
                "metadata": {"name": REF.name, "namespace": "argocd"},
                "spec": {"sources": told["sources"], "syncPolicy": {"automated": {}}},
                "status": {
                    "sync": {"status": told["sync"], "revisions": told["revisions"]},
                    "health": {"status": told["health"]},
                    "reconciledAt": "2026-01-05T09:00:01Z",
                    "operationState": {
                        "phase": "Succeeded",
                        "startedAt": "2026-01-05T09:00:00Z",
                        "finishedAt": "2026-01-05T09:00:00Z",
                        "syncResult": {"revision": "", "revisions": told["revisions"]},
                        "operation": {"sync": {"revisions": told["revisions"]}},
                    },
                    "summary": {"images": [f"{REPOSITORY}:v2"]},
                },
            }
        ),
        type=wire.ArgoApplication,
    )
    found = convert.application(wired, REF.environment, "https://argocd.example.com", "argocd", branch)
    assert (found.revision == case["commit"]) is ours
    place.applications.put(replace(found, ref=REF))
    assert (await ended(place, 60)).progress is (Progress.HEALTHY if ours else Progress.WAITING)


@pytest.mark.parametrize("case", handed(lambda case: "move" in case))
async def test_the_handed_cases(case: dict[str, Any]) -> None:
    place, said, move = Place(), case["application"], case["move"]
    repository = move["repository"]
    place.overlays._log[:] = []
    for sha, tag in ((case["commit"], move["after"]), *((later, move["before"]) for later in case["later"])):
        place.overlays._log.append(Commit(sha, Author("Cy", "cy@example.com"), "words", START))
        place.overlays._trees[sha] = {PATH: line(repository, tag)}
    place.commit = place.overlays._log[0]
    entry = OverlayImage(repository, repository, move["before"])
    moved = place.move.__class__("web", PATH, entry, Image(repository, NEW, move["after"]), REF)
    place.moves = (moved,)
    place.applications.put(
        Application(
            REF,
            SyncStatus(said["sync"]),
            HealthStatus(said["health"]),
            said["revision"],
            images=tuple(said["images"]),
            operation=place.sync(OperationPhase(said["operation"]), said["revision"]),
            reconciled_at=START + timedelta(seconds=1),
            auto_sync=True,
        )
    )
    end = await ended(place)
    if case["expect"] == "not Healthy":
        assert end.progress.failed
        assert end.progress is not Progress.FAILED  # no resource is ill: nothing is taken back for it
    else:
        assert end.progress is Progress.HEALTHY
        assert "drifts" in end.explanation
