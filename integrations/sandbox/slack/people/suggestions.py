"""The options of a select: its own, or those that the app serves while a person types."""

from integrations.sandbox.slack.blockkit import fields as f
from integrations.sandbox.slack.blockkit.problems import Problems
from integrations.sandbox.slack.model import Json, SlackUser
from integrations.sandbox.slack.people.elements import Found
from integrations.sandbox.slack.people.stage import Stage, outcome

MIN_QUERY = 3
EXTERNAL = frozenset({"external_select", "multi_external_select"})


class Suggestions:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def ask(self, user: SlackUser, found: Found, place: Json, query: str) -> Json:
        """{ok, options | option_groups} for what was typed so far; nothing is asked below min_query_length."""
        if found.element["type"] not in EXTERNAL:
            return {"ok": True, "options": f.offered(found.element)}
        if len(query) < found.element.get("min_query_length", MIN_QUERY):
            return {"ok": True, "options": []}
        block_id = found.block["block_id"]
        payload = self._stage.payloads.suggestion(user, place, found.element, block_id, query)
        answer = await self._stage.send("interactive", payload, wants_reply=True)
        if not answer.acked:
            return outcome(answer)
        return self._checked(answer.payload or {})

    async def options_for(self, user: SlackUser, found: Found, place: Json, values: object) -> list[Json]:
        """The options among which a person finds what they want to choose, each value typed as the query."""
        options = [found.option] if found.option else f.offered(found.element)
        if found.element["type"] in EXTERNAL:
            initial = found.element.get("initial_option")
            options = [*found.element.get("initial_options", []), *([initial] if initial else [])]
            for value in values if isinstance(values, list) else [values]:
                query = str(value.get("value", "")) if isinstance(value, dict) else str(value or "")
                options += f.offered(await self.ask(user, found, place, query))
        return options

    def _checked(self, body: Json) -> Json:
        """Options beyond 100, or with labels too long, show as none at all."""
        problems = Problems()
        if "option_groups" in body:
            f.array(f.option_group, 0, 100)(body["option_groups"], "/option_groups", problems)
        else:
            f.array(f.option(), 0, 100)(body.get("options"), "/options", problems)
        if problems.messages:
            self._stage.core.complain(f"options were refused: {'; '.join(problems.messages)}")
            return {"ok": False, "acked": True, "error": "invalid_options", "messages": problems.messages}
        return {"ok": True, **{key: body[key] for key in ("options", "option_groups") if key in body}}
