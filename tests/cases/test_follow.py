"""The handed cases of following a commit (beside the repository), told to the follower as Argo CD would tell them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.application import Application, HealthStatus, OperationPhase, SyncStatus
from bot.domain.image import Image
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.promotion import Progress
from tests.unit.bot.workflow.test_following import NEW, PATH, REF, START, Place, ended

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "follow.yaml"


def cases() -> list[Any]:
    if not CASES.exists():
        return [pytest.param({}, marks=pytest.mark.skip("the handed cases are not beside the repository"))]
    return [pytest.param(case, id=case["id"]) for case in yaml.safe_load(CASES.read_text()) if "move" in case]


def line(repository: str, tag: str) -> bytes:
    return f"images:\n- name: {repository}\n  newTag: {tag}\n".encode()


@pytest.mark.parametrize("case", cases())
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
