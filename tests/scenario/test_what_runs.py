"""Through Slack, over the whole sandbox: the card reports what runs, and why it does not."""

from collections.abc import Iterator

import pytest

from tests.scenario.sandbox import Sandbox, everything_in, running

PAYMENTS_BASE = "apps/payments/base/kustomization.yaml"
REFUSED = "harbor.example.com/apps/my-app:v1.4.1"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Twenty times as fast: the untrue Synced comes after two minutes of the world (A28)."""
    with running(tmp_path_factory.mktemp("what-runs"), speed="20") as found:
        yield found


RENAMED = (
    "resources: [deployment.yaml, service.yaml]\nimages:\n"
    "- name: payments-image\n  newName: harbor.example.com/apps/payments\n  newTag: '7.12'\n"
)
UNTOLD = RENAMED + (
    "patches:\n- patch: '{apiVersion: v1, kind: Service, metadata: {name: payments, annotations: {a: b}}}'\n"
    "  options: {allowNameChange: true}\n"
)


def test_an_image_that_the_base_renames_is_refused_before_the_commit(sandbox: Sandbox) -> None:
    """scenarios-image-does-not-run-1: the overlay's entry matches nothing."""
    sandbox.post("/api/world/commits", {"files": {PAYMENTS_BASE: RENAMED}, "message": "Rename in the base"})
    sandbox.types("ana", "/deploy payments@7.13 staging")
    said = sandbox.told("ana", "changes nothing: no container")
    assert "The entry payments-image of `images:`" in said
    assert "They have harbor.example.com/apps/payments," in said
    assert sandbox.cards("payments → staging") == []
    assert sandbox.tag("payments", "staging") != "7.13"


def test_an_image_that_the_base_renames_is_never_called_healthy(sandbox: Sandbox) -> None:
    """Where the base cannot be followed, the promotion goes on, and what runs is told."""
    sandbox.post("/api/world/commits", {"files": {PAYMENTS_BASE: UNTOLD}, "message": "Rename in the base"})
    sandbox.types("ana", "/deploy payments@7.13 staging")
    card = sandbox.card_says("payments → staging", "payments-staging does not run it")
    assert "harbor.example.com/apps/payments:7.12 runs, not 7.13" in everything_in(card)
    assert "is Healthy" not in everything_in(card)
    assert sandbox.application("payments-staging")["images"] == ["harbor.example.com/apps/payments:7.12"]


def test_the_way_back_from_a_failed_sync_is_healthy_though_nothing_is_synced(sandbox: Sandbox) -> None:
    """A29: a commit back to what is live starts no operation, and the newest one stays the one that failed."""
    sandbox.faults(hook_fails=["harbor.example.com/apps/my-app:v1.4.2"])
    sandbox.types("ana", "/deploy my-app@v1.4.2 prod")
    forward, back = "🚀 my-app → production", "⏪ my-app → production"
    sandbox.presses("bo", sandbox.card_says(forward, "Waiting for an approval"), "Approve")
    failed = everything_in(sandbox.card_says(forward, "The sync failed"))
    assert "PreSync hook Job migrate is Failed" in failed
    assert "is Healthy" not in failed

    sandbox.types("ana", "/rollback my-app prod previous")
    sandbox.presses("bo", sandbox.card_says(back, "Waiting for an approval"), "Approve")
    sandbox.card_says(back, "Synced · Healthy")
    assert sandbox.application("my-app-production")["operation"] == "Failed"
    assert sandbox.application("my-app-production")["images"] == ["harbor.example.com/apps/my-app:v1.4.1"]


def test_what_admission_refuses_is_never_called_healthy(sandbox: Sandbox) -> None:
    """A28: not even while Argo CD itself says Synced and Healthy."""
    sandbox.faults(admission_refuses=[REFUSED])
    sandbox.types("ana", "/deploy my-app@v1.4.1 staging")
    headline = "my-app → staging"
    sandbox.card_says(headline, "denied the request")
    seen = []

    def untrue() -> bool:
        seen.append(everything_in(sandbox.card(headline)))
        row = sandbox.application("my-app-staging")
        return bool(row["sync"] == "Synced" and row["images"] == ["harbor.example.com/apps/my-app:v1.4.2"])

    sandbox.until(untrue, "the untrue Synced")
    seen += [everything_in(sandbox.card(headline)) for _ in range(20)]
    assert not [text for text in seen if "is Healthy" in text]
    assert "signed-images" in everything_in(sandbox.card_says(headline, "denied the request"))


def test_a_rollback_begins_while_argo_cd_still_tries(sandbox: Sandbox) -> None:
    """A34: the retries of a bad commit may take minutes; nobody waits for them."""
    sandbox.faults(hook_fails=["harbor.example.com/apps/storefront:v2.2.0"])
    sandbox.types("ana", "/deploy storefront staging")
    first = "🚀 storefront → staging"
    sandbox.card_says(first, "PreSync hook Job migrate is Failed")
    sandbox.types("ana", "/rollback storefront staging previous")
    sandbox.card("⏪ storefront → staging")
    ended = everything_in(sandbox.card_says(first, "got another image instead"))
    assert "is Healthy" not in ended
