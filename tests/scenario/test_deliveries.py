"""Through the whole sandbox: what others change is told, and what becomes of it; a push, followed to production."""

import httpx

from tests.scenario.sandbox import Json, Sandbox, everything_in


def told(sandbox: Sandbox, *words: str, channel: str = "deployments") -> Json:
    """The newest message that everybody in the channel sees and that holds all of the words."""

    def found() -> Json | None:
        messages = [m for m in sandbox.messages("ana", channel) if not m.get("ephemeral")]
        return next((m for m in reversed(messages) if all(word in everything_in(m) for word in words)), None)

    seen = lambda: [everything_in(m) for m in sandbox.messages("ana", channel)]  # noqa: E731
    return sandbox.until(found, f"a message with {words}", seen)


def observed(sandbox: Sandbox) -> None:
    """The branch has been looked at once: what was there before is no news."""

    def known() -> bool:
        sandbox.types("ana", "/history ledger production")
        return "are known since" in sandbox.told("ana", "Changes by hand")

    sandbox.until(known, "the first look at the branch")


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


def test_what_one_subscribed_to_comes_by_direct_message_and_a_sync_asks_before_production(sandbox: Sandbox) -> None:
    observed(sandbox)
    sandbox.types("bo", "/subscribe payments staging")
    assert "You hear about" in sandbox.told("bo", "You hear about")
    body = {"app": "payments", "environment": "staging", "tag": "7.13"}
    sandbox.post("/api/world/commits", body)

    def heard() -> Json | None:
        return next((m for m in sandbox.messages("bo", "dm") if "7.13 in staging" in everything_in(m)), None)

    sandbox.until(heard, "a direct message of the subscription")
    assert not [m for m in sandbox.messages("ana", "dm") if "7.13 in staging" in everything_in(m)]
    sandbox.types("bo", "/sync storefront production")
    asked = sandbox.until(lambda: whispered(sandbox, "bo", "storefront", "Nothing has happened yet"), "the question")
    sandbox.presses("bo", asked, "Sync")
    told(sandbox, "asked Argo CD to sync", "storefront", "production")
    sandbox.types("bo", "/status storefront production")
    sandbox.until(lambda: whispered(sandbox, "bo", "storefront", "Argo CD: compared with"), "the status")


def whispered(sandbox: Sandbox, person: str, *words: str, channel: str = "deployments") -> Json | None:
    found = (m for m in reversed(sandbox.messages(person, channel)) if all(word in everything_in(m) for word in words))
    return next(found, None)


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


def direct(sandbox: Sandbox, person: str, *words: str) -> Json:
    """A direct message of the bot with all of the words, waited for."""

    def found() -> Json | None:
        mine = sandbox.messages(person, "dm")
        return next((m for m in reversed(mine) if all(word in everything_in(m) for word in words)), None)

    return sandbox.until(found, f"{person} to be told {words}", lambda: [*map(everything_in, sandbox.messages(person))])


def test_a_mute_keeps_one_person_quiet_until_it_is_over(sandbox: Sandbox) -> None:
    observed(sandbox)
    for person in ("bo", "mia"):
        sandbox.types(person, "/subscribe ledger staging")
        sandbox.whisper(person, "You hear about ledger in staging")
    sandbox.types("mia", "/pilothouse mute ledger staging for 2h")
    sandbox.whisper("mia", "You get no news of ledger in staging")
    staging = {"app": "ledger", "environment": "staging"}
    sandbox.post("/api/world/commits", {**staging, "tag": "v0.9.0"})
    direct(sandbox, "bo", "ledger", "v0.9.0")
    sandbox.types("mia", "/pilothouse mute ledger staging off")
    sandbox.until(lambda: whispered(sandbox, "mia", "no longer muted"), "the end of the mute")
    sandbox.post("/api/world/commits", {**staging, "tag": "v0.9.1"})
    direct(sandbox, "mia", "ledger", "v0.9.1")
    assert not [m for m in sandbox.messages("mia", "dm") if "v0.9.0 in staging" in everything_in(m)]


def test_what_applications_and_projects_are_annotated_with_is_heard_in_that_channel(sandbox: Sandbox) -> None:
    """As Argo CD's own notifications would send it."""
    subscribes = "notifications.argoproj.io/subscribe.on-deployed.slack"
    development = {"app": "ledger", "environment": "development"}
    sandbox.bot("kill")  # a project is asked for at the start, and every two minutes
    sandbox.post("/api/world/annotations", {"project": "apps", "annotations": {subscribes: "incidents"}})
    sandbox.bot("start")
    sandbox.post("/api/world/annotations", {**development, "annotations": {subscribes: "general"}})

    def listed(channel: str) -> Json | None:
        sandbox.types("ana", "/subscriptions", channel)
        return whispered(sandbox, "ana", "ledger", "development", channel=channel)

    for channel in ("general", "incidents"):
        sandbox.until(lambda channel=channel: listed(channel), f"{channel} to be subscribed")  # type: ignore[misc]
    sandbox.post("/api/world/commits", {**development, "tag": "v0.9.1"})
    for channel in ("general", "incidents"):
        told(sandbox, "ledger", "development", "v0.9.1", channel=channel)
    assert not [m for m in sandbox.messages("ana", "general") if "payments" in everything_in(m)]


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
