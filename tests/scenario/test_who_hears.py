"""Through the whole sandbox: news come to whoever subscribed to them, and to nobody who muted them."""

from tests.scenario.hearing import direct, observed, told, whispered
from tests.scenario.sandbox import Json, Sandbox, everything_in


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
