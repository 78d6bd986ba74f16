"""What the history of one app says of a release train: what became of this app, not of the others."""

from dataclasses import replace

from bot.domain.promotion import MissingImage, Phase, Promotion, Stage
from bot.domain.reply import ChangeHistory
from bot.views import render
from tests.views.reading import lines
from tests.views.samples import BO, COMMIT, approval, move, plan, promotion

GONE = MissingImage("ledger", "v1.0.0", "v2.0.0", "It is gone.")


def train(*left_out: str) -> Promotion:
    moves = (move(), replace(move(), app="payments"))
    done = promotion(Stage.DONE, Phase.SUCCEEDED, commit=COMMIT, plan=plan(moves=moves, missing=(GONE,)))
    return replace(done, approvals=(approval(BO),), left_out=left_out)


def read(app: str, *left_out: str) -> list[str]:
    return lines(render(ChangeHistory(app, "production", (train(*left_out),))))


def test_an_app_that_was_left_out_has_not_moved_and_nobody_approved_it() -> None:
    (entry, asked) = read("payments", "payments", "ledger")[1:3]
    assert entry.startswith("➖")
    assert "left out of a release train" in entry
    assert "Succeeded" not in entry
    assert "approved" not in asked
    assert COMMIT.short not in asked


def test_an_app_whose_image_was_missing_does_not_show_the_images_of_others() -> None:
    entry = read("ledger", "ledger")[1]
    assert "v1.0.0 → v2.0.0" in entry
    assert "v1.4" not in entry


def test_the_apps_that_went_are_told_as_ever() -> None:
    (entry, asked) = read("my-app", "payments", "ledger")[1:3]
    assert entry.startswith("✅")
    assert "approved by" in asked
