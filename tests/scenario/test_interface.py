"""The sandbox's HTTP interface, driven as a script would: the whole main job, refusals, restarts, the moving world."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.scenario.sandbox import Sandbox, changed_lines, everything_in, labels

MY_APP = "apps/my-app/overlays/production/kustomization.yaml"
LEDGER = "apps/ledger/overlays/production/kustomization.yaml"
PAYMENTS = "apps/payments/overlays/production/kustomization.yaml"
STOREFRONT_DEV = "apps/storefront/overlays/development/kustomization.yaml"
STOREFRONT = "apps/storefront/overlays/production/kustomization.yaml"


@pytest.fixture(autouse=True)
def _good_weather(sandbox: Sandbox) -> Iterator[None]:
    yield
    fine = dict.fromkeys(sandbox.world()["faults"]["weather"], "fine")
    sandbox.faults(weather=fine, failing_step="", critical_cve=False, unhealthy_rollout=[])


def test_an_approved_deploy_changes_one_line_and_ends_healthy(sandbox: Sandbox) -> None:
    before = sandbox.commits(MY_APP)

    assert sandbox.types("ana", "/deploy my-app prod")["acked"]
    card = sandbox.card_says("my-app → production", "Waiting for an approval")
    assert labels(card) == ["Approve", "Reject", "Abort"]
    assert "v1.4.1 → v1.4.2" in everything_in(card)

    sandbox.presses("bo", card, "Approve")
    card = sandbox.card_says("my-app → production", "v1.4.2 is Healthy in production")

    assert labels(card) == ["Roll back …", "History"]
    assert "<@U0BO>" in everything_in(card)
    [commit] = sandbox.commits(MY_APP, since=before)
    assert [line.strip("+- ") for line in changed_lines(commit["diff"])] == ["newTag: v1.4.1", "newTag: v1.4.2"]
    assert commit["author"] == "Ana"
    assert re.search(r"^Promotion-Id: p-\w+$", commit["message"], re.MULTILINE)
    assert "Approved-By: Bo <bo@example.com>" in commit["message"]
    assert sandbox.tag("my-app", "production") == "v1.4.2"
    application = sandbox.application("my-app-production")
    assert (application["sync"], application["health"]) == ("Synced", "Healthy")
    assert application["images"] == ["harbor.example.com/apps/my-app:v1.4.2"]


def test_whoever_may_not_decide_is_told_so_and_nothing_happens(sandbox: Sandbox) -> None:
    """Own approval, a viewer, a guest, a tampered value, and a press on an old picture of the card."""
    before = sandbox.commits(LEDGER)
    sandbox.types("bo", "/deploy ledger prod")
    card = sandbox.card_says("ledger → production", "Waiting for an approval")

    sandbox.presses("bo", card, "Approve")
    assert "mia" in sandbox.told("bo", "cannot approve your own") or "release-managers" in sandbox.told(
        "bo", "your own"
    )

    sandbox.presses("cy", card, "Approve")
    sandbox.told("cy", "do not have the `approve` permission")
    sandbox.types("cy", "/deploy ledger prod")
    sandbox.told("cy", "do not have the `promote` permission")

    sandbox.types("gus", "/deploy ledger prod", channel="general")
    sandbox.told("gus", "Guests", channel="general")

    value = json.loads(_button(card, "Approve")["value"])
    sandbox.presses("mia", card, "Approve", value=json.dumps({**value, "h": "0" * 64}), forged=True)
    sandbox.told("mia", "is out of date")
    sandbox.presses("mia", card, "Approve", value="rm -rf /", forged=True)

    _reject(sandbox, "mia", card, "not this week")
    sandbox.card_says("ledger → production", "not this week")
    sandbox.presses("mia", card, "Approve", stale=True)
    sandbox.told("mia", "This promotion is over")

    assert sandbox.commits(LEDGER, since=before) == []
    assert not [m for m in sandbox.messages("ana") if "not have the" in m["text"]], "a refusal is seen by one person"


def _button(card: dict[str, object], label: str) -> dict[str, str]:
    blocks = card["blocks"]
    assert isinstance(blocks, list)
    rows = [block["elements"] for block in blocks if block["type"] == "actions"]
    return next(button for row in rows for button in row if button["text"]["text"] == label)


def _reject(sandbox: Sandbox, person: str, card: dict[str, object], reason: str) -> None:
    sandbox.presses(person, card, "Reject")

    def form() -> dict[str, object] | None:
        views = sandbox.get("/api/views", **{"as": person})
        return views[-1] if views and views[-1]["submit"] else None

    view = sandbox.until(form, "the form that asks why")
    empty = sandbox.http.post(f"/api/views/{view['id']}/submit", json={"as": person, "values": {}})
    assert (empty.status_code, empty.json()["ok"]) == (422, False)
    assert "required" in empty.json()["error"]
    sandbox.post(f"/api/views/{view['id']}/submit", {"as": person, "values": {"reason": reason}})
    assert sandbox.get("/api/views", **{"as": person}) == []


def test_the_glass_is_broken_by_a_press_and_never_by_a_word_of_the_reason(sandbox: Sandbox) -> None:
    """scenarios-glass-1"""
    before = sandbox.commits(LEDGER)

    def saying(words: str) -> dict[str, object]:
        """The newest card of it, once it says these words."""
        find = lambda: [c for c in sandbox.cards("ledger → production")[-1:] if words in everything_in(c)]  # noqa: E731
        return sandbox.until(find, f"a card that says {words!r}")[0]

    sandbox.types("dee", "/deploy ledger prod --reason customers are waiting!")
    card = saying("Waiting for an approval")
    assert "customers are waiting!" in everything_in(card)
    assert "broke the glass" not in everything_in(card)
    sandbox.presses("dee", card, "Abort")
    saying("Aborted")

    sandbox.types("dee", "/deploy ledger prod ! customers are waiting")
    sandbox.told("dee", "Nothing has started. Breaking the glass for")
    asked = [m for m in sandbox.messages("dee") if "Nothing has started" in m["text"]][-1]
    assert sandbox.commits(LEDGER, since=before) == []
    value = json.loads(_button(asked, "Break the glass")["value"])
    sandbox.presses("dee", asked, "Break the glass", value=json.dumps({**value, "!": "0" * 64}), forged=True)
    sandbox.told("dee", "has changed since you were asked")
    assert sandbox.commits(LEDGER, since=before) == []

    sandbox.presses("dee", asked, "Break the glass")
    card = saying("is Healthy in production")
    assert "broke the glass" in everything_in(card)
    assert len(sandbox.commits(LEDGER, since=before)) == 1


def test_killed_between_approval_and_commit_it_commits_once(sandbox: Sandbox) -> None:
    before = sandbox.commits(PAYMENTS)
    sandbox.types("ana", "/deploy payments@7.13 staging")  # production takes what staging has seen
    sandbox.card_says("payments → staging", "7.13 is Healthy in staging")
    sandbox.types("ana", "/deploy payments@7.13 prod")
    card = sandbox.card_says("payments → production", "Waiting for an approval")
    sandbox.faults(weather={"git": "down"})
    sandbox.presses("bo", card, "Approve")
    sandbox.card_says("payments → production", "1/1: <@U0BO>")

    sandbox.bot("kill")
    dead = {"running": False, "pid": None, "starts": 1, "exit": -9}
    assert sandbox.world()["bot"].items() >= dead.items()
    sandbox.faults(weather={"git": "fine"})
    sandbox.bot("start")

    sandbox.card_says("payments → production", "7.13 is Healthy in production")
    [commit] = sandbox.commits(PAYMENTS, since=before)
    assert len(changed_lines(commit["diff"])) == 2


def test_killed_between_commit_and_card_it_ends_with_one_commit_and_one_card(sandbox: Sandbox) -> None:
    before = sandbox.commits(STOREFRONT)
    sandbox.types("mia", "/deploy storefront prod")
    card = sandbox.card_says("storefront → production", "Waiting for an approval")
    sandbox.presses("bo", card, "Approve")
    # However long it takes to see the commit, nothing is shown of its end. Slack says who people are all the while.
    sandbox.faults(weather={"slack:chat.update": "down"})
    sandbox.until(lambda: sandbox.commits(STOREFRONT, since=before), "the commit")

    sandbox.bot("kill")
    assert "is Healthy in production" not in everything_in(sandbox.card("storefront → production"))
    sandbox.faults(weather={"slack:chat.update": "fine"})
    sandbox.bot("start")

    sandbox.card_says("storefront → production", "Healthy in production")
    [commit] = sandbox.commits(STOREFRONT, since=before)
    assert len(changed_lines(commit["diff"])) == 4, "both images of this app"


def test_a_pipeline_run_moves_the_world_on(sandbox: Sandbox) -> None:
    """Run → image in Harbor → scan → the development overlay → Argo CD."""
    known = {artifact["digest"] for artifact in sandbox.world()["artifacts"]}
    sandbox.types("ana", "/pipeline run my-app")

    def finished() -> dict[str, object] | None:
        runs = [run for run in sandbox.world()["pipelineruns"] if run["status"] != "Running"]
        return runs[0] if runs else None

    run = sandbox.until(finished, "the run to finish")
    assert run["status"] == "Succeeded", run
    results = run["results"]
    assert isinstance(results, dict)
    assert results["digest"] not in known

    def scanned() -> dict[str, object] | None:
        every = sandbox.world()["artifacts"]
        return next((a for a in every if a["digest"] == results["digest"] and a["scan"] == "Success"), None)

    image = sandbox.until(scanned, "the image to be scanned")
    tags = image["tags"]
    assert isinstance(tags, list)
    sandbox.until(lambda: sandbox.tag("my-app", "development") == tags[0], "the overlay to name the image")
    wanted = f"harbor.example.com/apps/my-app:{tags[0]}"
    sandbox.until(lambda: sandbox.application("my-app-development")["images"] == [wanted], "Argo CD to run it")
    sandbox.until(lambda: sandbox.application("my-app-development")["health"] == "Healthy", "it to be Healthy")


def test_a_failing_step_fails_the_run(sandbox: Sandbox) -> None:
    sandbox.faults(failing_step="run-tests")
    sandbox.types("ana", "/pipeline run ledger")

    def failed() -> dict[str, object] | None:
        runs = [run for run in sandbox.world()["pipelineruns"] if run["app"] == "ledger" and run["status"] == "Failed"]
        return runs[0] if runs else None

    run = sandbox.until(failed, "the run to fail")
    sandbox.faults(failing_step="")
    tasks = run["tasks"]
    assert isinstance(tasks, list)
    assert {task["name"]: task["reason"] for task in tasks}["run-tests"].endswith("Failed")


def test_a_lock_on_development_holds_the_pipelines_own_write(sandbox: Sandbox) -> None:
    """The pipeline's last task asks the bot; what it built can be deployed afterwards."""
    before, tag = sandbox.commits(STOREFRONT_DEV), sandbox.tag("storefront", "development")
    sandbox.types("ana", "/lock storefront dev testing a migration")
    sandbox.told("ana", "do not write it while this lasts")
    sandbox.types("ana", "/pipeline run storefront")

    def held(word: str) -> str:
        shown = [everything_in(message) for message in sandbox.messages("ana", "deployments")]
        return next((text for text in shown if "Not written to development" in text and word in text), "")

    card = sandbox.until(lambda: held("✅ Succeeded"), "the run to say that it held back")
    assert "testing a migration" in card
    ping = sandbox.until(lambda: held("<@U0ANA>: "), "the requester to hear of its end")
    assert "testing a migration" in ping
    assert sandbox.commits(STOREFRONT_DEV, since=before) == []
    assert sandbox.tag("storefront", "development") == tag
    sandbox.types("ana", "/unlock storefront dev")
    [built] = set(re.findall(r"/deploy (storefront@[\w.]+) development", card))
    sandbox.types("ana", f"/deploy {built} dev")
    sandbox.card_says("storefront → development", "is Healthy in development")
    assert sandbox.tag("storefront", "development") == built.partition("@")[2]


def test_an_unhealthy_rollout_is_explained_and_can_be_rolled_back(sandbox: Sandbox) -> None:
    sandbox.faults(unhealthy_rollout=["ledger-staging"])
    sandbox.types("ana", "/deploy ledger staging")

    def degraded() -> dict[str, object] | None:
        found = sandbox.cards("ledger → staging")
        return found[-1] if found and "Roll back" in labels(found[-1]) else None

    card = sandbox.until(degraded, "a card that offers Rollback")
    # The Pod's own words, not its Deployment's "progress deadline": the cause before the symptom (A33).
    assert "restarting failed container" in everything_in(card)
    before = sandbox.commits("apps/ledger/overlays/staging/kustomization.yaml")
    sandbox.faults(unhealthy_rollout=[])

    sandbox.presses("ana", card, "Roll back")

    sandbox.until(lambda: len(sandbox.cards("ledger → staging")) == 2, "a card for the way back")
    sandbox.until(lambda: sandbox.application("ledger-staging")["health"] == "Healthy", "staging to be Healthy again")
    [back] = sandbox.commits("apps/ledger/overlays/staging/kustomization.yaml", since=before)
    assert [line[1:] for line in reversed(changed_lines(back["diff"]))] == [
        line[1:] for line in changed_lines(before[0]["diff"])
    ]


def test_a_system_that_is_down_is_waited_for(sandbox: Sandbox) -> None:
    sandbox.faults(weather={"argocd": "down"})
    goes = sandbox.tag("storefront", "development")
    sandbox.types("ana", "/deploy storefront staging")
    waiting = sandbox.card_says("storefront → staging", "Waiting")
    assert "Argo CD" in everything_in(waiting)

    sandbox.faults(weather={"argocd": "fine"})

    sandbox.card_says("storefront → staging", "Healthy in staging")
    assert sandbox.tag("storefront", "staging") == goes


def test_without_harbor_nothing_can_be_named_so_nothing_starts(sandbox: Sandbox) -> None:
    """What a tag means is Harbor's to say: the person is told which system does not answer."""
    here = sandbox.tag("payments", "staging")
    image = "7.12" if here == "7.13" else "7.13"
    headline = f"payments → staging · {here} → {image}"
    sandbox.faults(weather={"harbor": "down"})
    sandbox.types("ana", f"/deploy payments@{image} staging")
    sandbox.told("ana", "Harbor does not answer")
    assert sandbox.cards(headline) == []

    sandbox.faults(weather={"harbor": "fine"})
    sandbox.types("ana", f"/deploy payments@{image} staging")
    sandbox.card_says(headline, "Healthy in staging")


def test_a_foreign_commit_to_the_same_line_voids_the_approval(sandbox: Sandbox) -> None:
    sandbox.types("ana", "/deploy my-app@v1.4.0 staging")
    sandbox.card_says("my-app → staging", "v1.4.0 is Healthy in staging")
    sandbox.types("ana", "/deploy my-app@v1.4.0 prod")
    asked = sandbox.whisper("ana", "goes back to an older image")
    assert not [card for card in sandbox.cards("→ v1.4.0") if "Approve" in labels(card)]
    sandbox.presses("ana", asked, "Deploy the older image")
    card = sandbox.until(
        lambda: next((c for c in sandbox.cards("→ v1.4.0") if "Approve" in labels(c)), None), "a card to approve"
    )
    sandbox.post("/api/world/commits", {"app": "my-app", "environment": "production", "tag": "v1.3.9"})
    assert sandbox.tag("my-app", "production") == "v1.3.9"
    sandbox.presses("bo", card, "Approve")

    def told() -> bool:
        """On the card itself: that somebody has committed is news in the channel, whatever becomes of the approval."""
        [shown] = [message for message in sandbox.messages("bo") if message["ts"] == card["ts"]]
        return "Kim" in everything_in(shown)

    sandbox.until(told, "the card to tell of Kim's commit", lambda: everything_in(sandbox.messages("bo"))[-1500:])
    assert sandbox.tag("my-app", "production") == "v1.3.9"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/api/channels/deployments/messages", None, 400, "?as=ana"),
        ("GET", "/api/channels/deployments/messages?as=eve", None, 404, "eve"),
        ("GET", "/api/channels/secret/messages?as=ana", None, 404, "#deployments"),
        ("GET", "/api/channels/deployments/messages?as=gus", None, 409, "gus is not in #deployments"),
        ("GET", "/api/nothing", None, 404, "there is no /api/nothing"),
        ("GET", "/api/commands", None, 405, "/api/commands takes no GET"),
        ("POST", "/api/commands", "not json", 400, "not JSON"),
        ("POST", "/api/commands", {"as": "ana", "channel": "deployments"}, 400, "text: expected a text"),
        ("POST", "/api/commands", {"as": "ana", "channel": "deployments", "text": "hi"}, 409, "begins with a slash"),
        ("POST", "/api/actions", {"as": "ana", "channel": "deployments", "ts": "1.0"}, 400, "by action_id or by label"),
        (
            "POST",
            "/api/actions",
            {"as": "ana", "channel": "deployments", "ts": "1.0", "label": "Approve"},
            409,
            "sees no message",
        ),
        ("POST", "/api/views/V0/submit", {"as": "ana", "values": {}}, 409, "no view 'V0' open"),
        ("POST", "/api/views/V0/submit", {"as": "ana", "values": []}, 400, "values: expected an object"),
        ("POST", "/api/world/faults", {"weather": {"moon": "down"}}, 400, "moon"),
        ("POST", "/api/world/faults", {"rain": True}, 400, "unknown fault rain"),
        ("POST", "/api/world/commits", {}, 400, "files: expected an object"),
        ("POST", "/api/world/pushes", {"files": ["app.py"]}, 400, "files: expected an object"),
        ("POST", "/api/world/pushes", {"files": {"../x": "y"}}, 400, "no path within"),
        ("POST", "/api/world/live", {"app": "ledger", "environment": "production"}, 400, "say what changes"),
        ("POST", "/api/world/live", {"app": "no", "environment": "production", "replicas": 1}, 400, "no application"),
        ("POST", "/api/world/live", {"app": "ledger", "environment": "staging", "replicas": -1}, 400, "replicas:"),
        ("POST", "/api/world/illnesses", {"app": "ledger", "environment": "nowhere"}, 400, "no application"),
        ("POST", "/api/world/syncs", {"app": "ledger", "environment": "nowhere"}, 400, "no application"),
        ("POST", "/api/world/annotations", {"project": "moon", "annotations": {}}, 400, "no project moon"),
        ("POST", "/api/world/annotations", {"project": "apps", "annotations": {"a": 1}}, 400, "annotations: expected"),
        ("POST", "/api/world/commits", {"app": "nope", "environment": "production", "tag": "v1"}, 400, "no overlay"),
        ("POST", "/api/world/commits", {"app": "ledger", "environment": "staging", "tag": "a b"}, 400, "tag:"),
        ("POST", "/api/bot", {"do": "dance"}, 400, "expected kill"),
        ("GET", "/api/files/F0", None, 404, "no file"),
    ],
)
def test_errors_are_sentences(sandbox: Sandbox, method: str, path: str, body: object, status: int, words: str) -> None:
    content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    response = sandbox.http.request(method, path, content=content)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    assert words in response.json()["error"]


def test_changes_are_told_as_they_happen(sandbox: Sandbox) -> None:
    with httpx.stream("GET", f"{sandbox.url}/api/events", timeout=60) as stream:
        sandbox.post("/api/channels/general/messages", {"as": "ana", "text": "hello"})
        lines = (line.removeprefix("data:") for line in stream.iter_lines() if line.startswith("data:"))
        events = (json.loads(line) for line in lines)
        # Elsewhere the bot may be editing what earlier tests began.
        event = next(event for event in events if event.get("channel") == "C0GENERAL")
    assert (event["of"], event["type"], event["change"]) == ("slack", "message", "posted")
    said = sandbox.messages("gus", "general")[-1]
    assert (said["ts"], said["text"], said["user"]) == (event["ts"], "hello", "U0ANA")


def test_the_bot_stops_gracefully_and_a_command_then_fails_visibly(sandbox: Sandbox) -> None:
    sandbox.bot("stop")
    assert not sandbox.world()["bot"]["running"]
    answer = sandbox.types("dee", "/status", channel="incidents")
    assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")
    assert "dispatch_failed" in sandbox.told("dee", "/status failed", channel="incidents")
    sandbox.bot("start")
    assert sandbox.types("dee", "/status", channel="incidents")["acked"]


def test_the_home_tab_is_published_when_it_is_opened(sandbox: Sandbox) -> None:
    sandbox.post("/api/home", {"as": "mia"})
    home = sandbox.until(lambda: sandbox.get("/api/home", **{"as": "mia"}), "the Home tab")
    assert "What runs where" in everything_in(home)


def test_nothing_of_the_page_comes_from_elsewhere(sandbox: Sandbox) -> None:
    page = sandbox.http.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.findall(r"""(?:src|href)=["'](?!/)""", page.text)
    for path in re.findall(r"""(?:src|href)=["'](/[^"']+)""", page.text):
        assert sandbox.http.get(path).status_code == 200, path
