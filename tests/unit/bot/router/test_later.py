"""A later start, asked for in every way that people have: one grammar, one answer."""

import json
from dataclasses import replace

import pytest

from bot.domain.intent import Context, Deploy
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until

BOT = "<@U0PILOTHOUSE>"


async def asked(bot: Bot, way: str, words: str) -> Deploy:
    before = len(bot.harness.queue.waiting)
    if way == "command":
        await bot.slack.command("ana", "deployments", f"/deploy my-app prod {words}")
    elif way == "mention":
        bot.slack.message("ana", "deployments", f"{BOT} deploy my-app prod {words}")
    elif way == "direct":
        bot.slack.message("ana", "D0ANA", f"deploy my-app prod {words}")
    else:
        await bot.slack.command("ana", "deployments", "/deploy")
        view = await bot.view("ana", "pick.deploy")
        await bot.slack.submit_view(view["id"], "ana", {"app": "my-app", "environment": "production", "start": words})
    await until(lambda: len(bot.harness.queue.waiting) > before)
    wish = bot.harness.queue.waiting[-1][0].wish
    assert isinstance(wish, Deploy)
    return replace(wish, context=Context("r1", "", "c1"))


async def test_in_every_way_the_words_mean_the_same(bot: Bot) -> None:
    found = [await asked(bot, way, "tomorrow 9:00") for way in ("command", "mention", "direct", "form")]
    assert len(set(found)) == 1
    assert found[0].start_at
    assert not bot.harness.promotions.all


async def test_the_answer_says_when_and_its_button_calls_it_off(bot: Bot) -> None:
    await asked(bot, "command", "at 22:00")
    await until(lambda: bot.whispers("ana"))
    answer = json.dumps(bot.whispers("ana")[-1])
    assert "<!date^" in answer
    assert '"schedule.cancel"' in answer


@pytest.mark.parametrize("start", ["tomorow", "soon", "at"])
async def test_what_is_not_a_time_stays_in_the_form(bot: Bot, start: str) -> None:
    await bot.slack.command("ana", "deployments", "/deploy")
    view = await bot.view("ana", "pick.deploy")
    values = {"app": "my-app", "environment": "production", "start": start}
    answer = await bot.slack.submit_view(view["id"], "ana", values)
    assert "start" in json.dumps(answer)
    assert not bot.harness.promotions.all
    assert not bot.harness.queue.waiting
