"""Images whose tag is the id of a commit, or that are pinned by digest, are shown in a form that people can read."""

from dataclasses import replace

import pytest

from bot.domain.delivery import Cause, Deployment, ImageChange, News, Outcome
from bot.domain.event import Event
from bot.domain.overlay import OverlayImage
from bot.domain.promotion import GateResult, Phase, Stage, Verdict
from bot.domain.reply import ChangeHistory, RollbackChoices, RunDetail
from bot.views import card, render
from bot.views.news import bundle
from tests.views.reading import lines
from tests.views.samples import AT, move, plan, promotion
from tests.views.test_replies import RUN

SHA, OLD = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "9" * 40
DIGEST = "sha256:" + "cafe" * 16


def pinned(**pin: str) -> OverlayImage:
    return OverlayImage("app", "harbor.example.com/apps/app", **pin)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (pinned(tag=OLD), pinned(tag=SHA), "9999999 → 0a1b2c3"),
        (pinned(tag=f"main-{OLD}"), pinned(tag=f"main-{SHA}"), "main-9999999 → main-0a1b2c3"),
        (pinned(digest=DIGEST), pinned(tag="e" * 64), "cafecafecafe → eeeeeeeeeeee"),
        (pinned(tag="v1", digest=DIGEST), pinned(tag="v2"), "v1 → v2"),
    ],
)
def test_in_the_history_and_in_news(before: OverlayImage, after: OverlayImage, said: str) -> None:
    change = ImageChange(before, after)
    by_hand = Deployment("my-app", "production", SHA, Cause.GIT, AT, "Ben", images=(change,), subject=f"Deploy {SHA}")
    (entry, who) = lines(render(ChangeHistory("my-app", "", (), (by_hand,), AT)))[1:3]
    assert entry == f"🔄 *production* {said} · ✋ by hand in git · under way"
    assert who.endswith("0a1b2c3 Deploy 0a1b2c3")
    news = News("k", Event.DEPLOYED, "my-app", "production", AT, change=" → ".join(change.labels), cause=Cause.GIT)
    news = replace(news, outcome=Outcome.HEALTHY)
    assert lines(bundle((news,)))[0] == f"✅ *my-app* in *production* {said} · ✋ by hand in git · Healthy"


def test_on_cards_and_what_one_can_go_back_to() -> None:
    shown = promotion(plan=plan(moves=(move(before=OLD, after=SHA),)), phase=Phase.SUCCEEDED)
    assert lines(render(ChangeHistory("my-app", "", (shown,), (), AT)))[1].startswith(
        "✅ *production* 9999999 → 0a1b2c3"
    )
    back = render(RollbackChoices("my-app", "production", pinned(tag=SHA), (), careful=True))
    assert SHA not in str(back.blocks)


def test_in_what_a_gate_says_against_an_image_and_in_what_became_of_it() -> None:
    no = GateResult("signature", "my-app", Verdict.blocked(f"{SHA} is unsigned.", f"Sign `app@{DIGEST}`"))
    stopped = promotion(Stage.DONE, Phase.FAILED, plan=plan(gates=("signature",)), results=(no,))
    shown = "\n".join(lines(card(stopped)))
    assert "0a1b2c3 is unsigned." in shown
    assert f"Sign `app@{DIGEST}`" in shown, "what people copy stays whole"
    errored = promotion(Stage.DONE, Phase.ERRORED, outcome=f"my-app:{OLD} was {DIGEST} when it was approved.")
    assert lines(card(errored))[1] == "💥 my-app:9999999 was cafecafecafe when it was approved."


def test_a_run_names_its_commit_and_image_in_short_and_leads_to_the_commit() -> None:
    results = {"commit": SHA, "digest": DIGEST, "image": f"harbor.example.com/apps/app:{SHA}"}
    run = replace(RUN, results=results, params={"repo-url": "https://git.example/acme/app.git"})
    shown = render(RunDetail(run))
    said = "(commit 0a1b2c3 · digest `cafecafecafe` · image `harbor.example.com/apps/app:0a1b2c3`)"
    assert lines(shown)[-2] == said
    assert f"<https://git.example/acme/app/commit/{SHA}|0a1b2c3>" in str(shown.blocks)
    unknown = render(RunDetail(replace(run, params={"repo-url": "git@git.example:acme/app"})))
    assert lines(unknown)[-2].startswith("(commit `0a1b2c3` · ")
