"""Through the whole sandbox: what others change is told, and what becomes of it; a push, followed to production."""

import httpx

from tests.scenario.hearing import observed, told, whispered
from tests.scenario.sandbox import Json, Sandbox, everything_in


def test_a_change_in_the_cluster_is_told_explained_and_synced_away(sandbox: Sandbox) -> None:
    """By kubectl, past git."""
    observed(sandbox)
    sandbox.post("/api/world/live", {"app": "ledger", "environment": "production", "replicas": 7})
    first = told(sandbox, "ledger", "production", "differed from git")
    menu = {"callback_id": "message.status", "channel": first["channel"], "ts": first["ts"]}
    sandbox.reaches("/api/shortcuts", {"as": "bo", **menu})  # of a message that no promotion has
    why = everything_in(sandbox.until(lambda: whispered(sandbox, "bo", "spec.replicas"), "why it differs"))
    assert "live `7`, git `4`" in why
    assert "by `kubectl`" in why
    assert "stream" not in why  # it is heard, so nobody had to ask
    sandbox.types("bo", "/sync ledger production")
    asked = sandbox.until(lambda: whispered(sandbox, "bo", "spec.replicas", "Nothing has happened yet"), "the question")
    sandbox.presses("bo", asked, "Sync")
    last = told(sandbox, "ledger", "production", "back in line with git")
    assert first["ts"] == last["ts"]


def test_a_commit_by_hand_to_production_is_told_followed_and_in_the_history(sandbox: Sandbox) -> None:
    observed(sandbox)
    body = {"app": "payments", "environment": "production", "tag": "7.13", "message": "Hotfix at night"}
    sandbox.post("/api/world/commits", body)
    first = told(sandbox, "payments", "by hand in git")
    last = told(sandbox, "payments", "by hand in git", "✅", "Healthy")
    assert first["ts"] == last["ts"]  # edited
    assert "7.13" in everything_in(last)
    sandbox.types("ana", "/history payments production")
    assert "by hand in git" in sandbox.told("ana", "History of payments")
    metrics = httpx.get(f"{sandbox.world()['bot']['url']}/metrics").text
    counted = (
        'pilothouse_deployments_total{app="payments",cause="by hand in git",environment="production",outcome="Healthy"}'
    )
    assert f"{counted} 1.0" in metrics
    sandbox.types("ana", "/dora payments production")
    assert "The chart follows" in sandbox.told("ana", "Delivery to production")
    [chart] = told(sandbox, "payments to production", channel="dm")["files"]
    assert (chart["mimetype"], chart["alt_txt"].partition(",")[0]) == ("image/png", "payments to production")
    assert not any(m.get("files") for m in sandbox.messages("bo", "deployments"))


def test_a_push_is_followed_to_production_in_one_message(sandbox: Sandbox) -> None:
    """Its webhook reaches the EventListener of deploy/, and the bot."""
    observed(sandbox)
    sha = sandbox.post("/api/world/pushes", {"author": "Ana", "message": "Make it faster"})["sha"]
    begun = told(sandbox, sha[:7], "Make it faster", channel="dm")
    told(sandbox, sha[:7], "built", "scanned", "✅\u00a0development", channel="dm")
    sandbox.types("ana", "/deploy my-app staging")
    told(sandbox, sha[:7], "✅\u00a0development", "|staging>", channel="dm")
    sandbox.card_says("my-app → staging", "is Healthy in staging")
    sandbox.types("ana", "/deploy my-app production")
    sandbox.presses("bo", sandbox.card_says("my-app → production", "Waiting for an approval"), "Approve")
    card = sandbox.card_says("my-app → production", "is Healthy in production")
    ended = told(sandbox, sha[:7], "✅\u00a0<", card["ts"].replace(".", ""), "|production>", channel="dm")
    assert ended["ts"] == begun["ts"]
    mine = [m for m in sandbox.messages("ana", "dm") if sha[:7] in everything_in(m)]
    assert len(mine) == 1


def test_a_build_that_fails_replies_with_the_reason(sandbox: Sandbox) -> None:
    sandbox.faults(failing_step="run-tests")
    sha = sandbox.post("/api/world/pushes", {"author": "Mia", "message": "Break the tests"})["sha"]

    def reply() -> Json | None:
        said = sandbox.messages("mia", "dm")
        root = next((m for m in said if sha[:7] in everything_in(m)), None)
        return next((m for m in said if root and m.get("thread_ts") == root["ts"] and m["ts"] != root["ts"]), None)

    words = everything_in(sandbox.until(reply, "a reply"))
    sandbox.faults(failing_step="")
    assert "run-tests failed" in words
    assert "<@U0MIA>" in words
    assert [m for m in sandbox.messages("ana", "dm") if sha[:7] in everything_in(m)] == []


def test_what_does_not_come_up_is_told_in_every_environment_with_the_resource_to_blame(sandbox: Sandbox) -> None:
    observed(sandbox)
    sandbox.faults(unhealthy_rollout=["payments-development"])
    sandbox.post("/api/world/commits", {"app": "payments", "environment": "development", "tag": "7.12"})
    told(sandbox, "payments", "development", "the deployment failed", "restarting failed container")
    sandbox.faults(unhealthy_rollout=[])


def test_what_argo_cd_cannot_compare_is_told_and_the_end_edits_it(sandbox: Sandbox) -> None:
    observed(sandbox)
    sandbox.faults(repo_server_away=True)
    sandbox.post("/api/world/commits", {"files": {"README.md": "Away"}})  # a webhook tells Argo CD of it: it compares
    first = told(sandbox, "able to compare", "storefront", "production")
    sandbox.faults(repo_server_away=False)
    sandbox.post("/api/world/commits", {"files": {"README.md": "Back"}})
    last = told(sandbox, "compared with git again", "storefront")
    assert first["ts"] == last["ts"]


def test_an_illness_that_passes_is_told_in_one_message(sandbox: Sandbox) -> None:
    observed(sandbox)
    pods = {"app": "storefront", "environment": "staging"}
    sandbox.post("/api/world/illnesses", {**pods, "seconds": 3600})
    first = told(sandbox, "storefront", "staging", "Degraded")
    sandbox.post("/api/world/illnesses", {**pods, "seconds": 0})  # well from now on, however late the news came
    last = told(sandbox, "storefront", "staging", "healthy again")
    assert first["ts"] == last["ts"]


def test_a_sync_by_hand_in_argo_cd_is_told_with_who_did_it(sandbox: Sandbox) -> None:
    """To what ran before, past git. The last test: nothing is synced there by itself until somebody commits."""
    observed(sandbox)
    place = {"app": "ledger", "environment": "production"}
    newest = sandbox.commits("apps/ledger/overlays/production/kustomization.yaml")[0]
    sandbox.post("/api/world/syncs", {**place, "author": "kim", "revision": newest["parents"][0]})
    news = everything_in(told(sandbox, "ledger", "by hand in Argo CD"))
    assert "kim" in news
    assert "Git says something else" in news
    sandbox.types("ana", "/history ledger production")
    sandbox.until(lambda: whispered(sandbox, "ana", "History of ledger", "by hand in Argo CD"), "the history")
