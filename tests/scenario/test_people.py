"""People in a hurry and people who are asked: an incident, user groups that the policy names by handle, a thread."""

import re

from tests.scenario.sandbox import Sandbox, everything_in

LEDGER = "apps/ledger/overlays/production/kustomization.yaml"


def test_one_person_rolls_back_in_an_incident_and_owes_a_review(sandbox: Sandbox) -> None:
    before = sandbox.commits(LEDGER)
    sandbox.types("dee", "/rollback ledger prod ! checkout is down")
    asked = sandbox.whisper("dee", "Breaking the glass")
    sandbox.presses("dee", asked, "Break the glass")
    card = sandbox.card_says("ledger → production", "is Healthy in production")
    assert len(sandbox.commits(LEDGER, since=before)) == 1
    assert "Somebody else must review it" in everything_in(card)
    owed = re.search(r"/review (p-\w+)", everything_in(card))
    assert owed
    sandbox.types("bo", f"/review {owed[1]} the rollback was right")
    sandbox.until(lambda: "the rollback was right" in everything_in(sandbox.cards("ledger → production")), "the review")
    sandbox.types("dee", "/unlock ledger prod")


def test_who_may_approve_is_pinged_though_policy_knows_handles_only_and_a_thread_understands_the_bot(
    sandbox: Sandbox,
) -> None:
    assert "S0RELEASE" not in (sandbox.data / "pilothouse.yaml").read_text()
    sandbox.types("ana", "/deploy storefront prod")
    card = sandbox.card_says("storefront → production", "Waiting for an approval")
    assert "<!subteam^S0RELEASE" in everything_in(card)
    where = "/api/channels/deployments/messages"
    said = {"as": "bo", "text": "@pilothouse status storefront prod", "thread_ts": card["ts"]}
    sandbox.post(where, said)
    answer = sandbox.whisper("bo", "storefront")
    assert answer["thread_ts"] == card["ts"]
    sandbox.presses("ana", card, "Abort")
    sandbox.card_says("storefront → production", "Aborted")
