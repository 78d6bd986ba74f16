"""A person types a slash command."""

from integrations.sandbox.slack.delivery import Answer
from integrations.sandbox.slack.errors import PersonError, SlackError
from integrations.sandbox.slack.model import Channel, Json, SlackUser
from integrations.sandbox.slack.people.stage import Stage, outcome
from integrations.sandbox.slack.responses import respond

HINT = "In Slack, all messages that start with the “/” character are interpreted as commands."


class Commands:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def run(self, as_user: str, channel: str, text: str) -> Json:
        """Delivers the command and shows its answer as Slack does. Raises PersonError."""
        workspace = self._stage.core.workspace
        user = workspace.the_person(as_user)
        where = workspace.the_channel(user, channel)
        name, _, rest = text.strip().partition(" ")
        if not name.startswith("/"):
            raise PersonError(f"a command begins with a slash, {text!r} does not: send it as a message")
        command = self._stage.core.config.commands.get(name)
        if command is None:
            said = self._stage.slackbot_says(user, where, f"{name} is not a valid command. {HINT}")
            return {"ok": False, "acked": False, "error": "invalid_command", "ts": said.ts}
        payload = self._stage.payloads.command(user, where, command, rest.strip())
        answer = await self._stage.send("slash_commands", payload, wants_reply=True)
        return self._show(answer, user, where, text.strip())

    def _show(self, answer: Answer, user: SlackUser, where: Channel, typed: str) -> Json:
        """A failed command says so to the one who typed it; an answer is ephemeral unless it says in_channel."""
        name = typed.partition(" ")[0]
        if not answer.acked:
            said = self._stage.slackbot_says(user, where, f'{name} failed with the error "{answer.error}"')
            return {**outcome(answer), "ts": said.ts}
        body = answer.payload or {}
        if body.get("response_type") == "in_channel":
            self._stage.core.timeline.post(where, user.id, text=typed)
        if not any(body.get(part) for part in ("text", "blocks", "attachments")):
            return outcome(answer)
        try:
            shown = respond(self._stage.core, body, user.id, where)
        except SlackError as refusal:
            self._stage.core.complain(f"the answer to {name} was refused: {refusal.code} {'; '.join(refusal.messages)}")
            said = self._stage.slackbot_says(user, where, f'{name} failed with the error "invalid_command_response"')
            return {**outcome(answer), "ok": False, "error": "invalid_command_response", "ts": said.ts}
        return {**outcome(answer), **({"ts": shown.ts} if shown else {})}
