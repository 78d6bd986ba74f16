"""The sandbox's HTTP interface: what its page uses, and what any script may use to drive it (docs/sandbox.md)."""

from collections.abc import Awaitable, Callable
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from integrations.sandbox import foreign
from integrations.sandbox.argocd.cluster import ByHand
from integrations.sandbox.event_stream import changes
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.world import World

ILL_SECONDS = 60
Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


class BadRequest(ValueError):
    """What the caller sent does not do; the sentence says what is expected."""


class Interface:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        return [Mount("/api", routes=self._routes())]

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/workspace", told(self._workspace)),
            Route("/channels/{name}/messages", told(self._messages)),
            Route("/channels/{name}/messages", told(self._say), methods=["POST"]),
            Route("/commands", told(self._command), methods=["POST"]),
            Route("/actions", told(self._action), methods=["POST"]),
            Route("/shortcuts", told(self._shortcut), methods=["POST"]),
            Route("/options", told(self._options), methods=["POST"]),
            Route("/views", told(self._views)),
            Route("/views/{id}/submit", told(self._submit), methods=["POST"]),
            Route("/views/{id}/close", told(self._close), methods=["POST"]),
            Route("/views/{id}/actions", told(self._view_action), methods=["POST"]),
            Route("/home", told(self._home)),
            Route("/home", told(self._open_home), methods=["POST"]),
            Route("/files/{id}", told(self._file)),
            Route("/world", told(self._show_world)),
            Route("/world/faults", told(self._faults), methods=["POST"]),
            Route("/world/commits", told(self._foreign_commit), methods=["POST"]),
            Route("/world/pushes", told(self._push), methods=["POST"]),
            Route("/world/live", told(self._change_live), methods=["POST"]),
            Route("/world/illnesses", told(self._illness), methods=["POST"]),
            Route("/world/syncs", told(self._sync_by_hand), methods=["POST"]),
            Route("/world/annotations", told(self._annotate), methods=["POST"]),
            Route("/events", told(self._events)),
            Route("/bot", told(self._bot), methods=["POST"]),
        ]

    async def _workspace(self, _request: Request) -> Response:
        return JSONResponse(self._world.slack.workspace())

    async def _messages(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse(self._world.slack.messages(name, _person(request)))

    async def _say(self, request: Request) -> Response:
        body = await _body(request)
        name = request.path_params["name"]
        thread = optional_text(body, "thread_ts")
        return JSONResponse(self._world.slack.message(text(body, "as"), name, text(body, "text"), thread))

    async def _command(self, request: Request) -> Response:
        body = await _body(request)
        answer = await self._world.slack.command(text(body, "as"), text(body, "channel"), text(body, "text"))
        return JSONResponse(answer)

    async def _action(self, request: Request) -> Response:
        body = await _body(request)
        action_id, label = _element(body)
        answer = await self._world.slack.act(
            text(body, "as"),
            text(body, "channel"),
            text(body, "ts"),
            action_id,
            label=label,
            value=body.get("value"),
            confirm=bool(body.get("confirm", True)),
            forged=bool(body.get("forged")),
            stale=bool(body.get("stale")),
        )
        return JSONResponse(answer)

    async def _shortcut(self, request: Request) -> Response:
        body = await _body(request)
        place = {key: text(body, key) for key in ("channel", "ts") if body.get(key)}
        return JSONResponse(await self._world.slack.shortcut(text(body, "as"), text(body, "callback_id"), **place))

    async def _options(self, request: Request) -> Response:
        body = await _body(request)
        place = {key: text(body, key) for key in ("view_id", "channel", "ts") if body.get(key)}
        found = await self._world.slack.options(
            text(body, "as"), text(body, "action_id"), optional_text(body, "query"), **place
        )
        return JSONResponse(found)

    async def _views(self, request: Request) -> Response:
        return JSONResponse(self._world.slack.views(_person(request)))

    async def _submit(self, request: Request) -> Response:
        body = await _body(request)
        values = body.get("values", {})
        if not isinstance(values, dict):
            raise BadRequest('values: expected an object such as {"reason": "too early"}')
        done = await self._world.slack.submit_view(request.path_params["id"], text(body, "as"), values)
        if done["ok"]:
            return JSONResponse(done)
        said = "; ".join(f"{block}: {sentence}" for block, sentence in done.get("errors", {}).items())
        return JSONResponse({"error": said, **done}, 422)

    async def _close(self, request: Request) -> Response:
        body = await _body(request)
        return JSONResponse(await self._world.slack.close_view(request.path_params["id"], text(body, "as")))

    async def _view_action(self, request: Request) -> Response:
        body = await _body(request)
        view = request.path_params["id"]
        action_id, label = _element(body)
        answer = await self._world.slack.act_in_view(
            view, text(body, "as"), action_id, label=label, value=body.get("value")
        )
        return JSONResponse(answer)

    async def _home(self, request: Request) -> Response:
        return JSONResponse(self._world.slack.home(_person(request)))

    async def _open_home(self, request: Request) -> Response:
        return JSONResponse(await self._world.slack.open_home(text(await _body(request), "as")))

    async def _file(self, request: Request) -> Response:
        content, kind = self._world.slack.file_content(request.path_params["id"])
        return Response(content, media_type=kind, headers={"x-content-type-options": "nosniff"})

    async def _show_world(self, _request: Request) -> Response:
        return JSONResponse(await self._world.snapshot())

    async def _faults(self, request: Request) -> Response:
        self._world.faults.set(await _body(request))
        self._world.changed()
        return JSONResponse({"faults": self._world.faults.as_json()})

    async def _foreign_commit(self, request: Request) -> Response:
        """Somebody else changes the overlay repository: whole files, or the tag of one app's image."""
        body = await _body(request)
        author = optional_text(body, "author") or "Kim"
        if "tag" in body:
            place = text(body, "app"), text(body, "environment")
            sha = await foreign.set_tag(self._world.git, *place, text(body, "tag"), author)
            return JSONResponse({"sha": sha})
        files = body.get("files")
        if not isinstance(files, dict) or not all(isinstance(content, str) for content in files.values()):
            raise BadRequest(
                'files: expected an object such as {"apps/my-app/NOTES.md": "hello"}, or app, environment and tag'
            )
        message = optional_text(body, "message") or "Change by hand"
        return JSONResponse({"sha": await foreign.write(self._world.git, files, message, author)})

    async def _push(self, request: Request) -> Response:
        """Somebody pushes a commit to the source repository; its webhooks start a pipeline run."""
        body = await _body(request)
        files = body.get("files") or {}
        if not isinstance(files, dict) or not all(isinstance(content, str) for content in files.values()):
            raise BadRequest('files: expected an object such as {"app.py": "print(1)"}')
        author = optional_text(body, "author") or "Ana"
        sha = await self._world.source.push(author, optional_text(body, "message"), files)
        return JSONResponse({"sha": sha})

    async def _change_live(self, request: Request) -> Response:
        """Somebody uses kubectl on an app's Deployment, past git."""
        body = await _body(request)
        application = text(body, "app"), text(body, "environment")
        by_hand = ByHand(
            optional_text(body, "image"),
            optional_number(body, "replicas", most=100),
            optional_text(body, "variable"),
            optional_text(body, "value"),
        )
        if by_hand == ByHand(value=by_hand.value):
            raise BadRequest("say what changes: image, replicas, or variable and value")
        self._world.change_live(*application, by_hand, lasts=body.get("lasts", True) is not False)
        return JSONResponse({"changed": True})

    async def _illness(self, request: Request) -> Response:
        """An app turns Degraded without anybody's doing, and is well again after a while."""
        body = await _body(request)
        application = text(body, "app"), text(body, "environment")
        given = optional_number(body, "seconds", most=3600)
        seconds = ILL_SECONDS if given is None else given
        self._world.fall_ill(*application, seconds)
        return JSONResponse({"seconds": seconds})

    async def _sync_by_hand(self, request: Request) -> Response:
        """Somebody presses Sync in Argo CD."""
        body = await _body(request)
        account = optional_text(body, "author") or "kim"
        await self._world.sync_by_hand(
            text(body, "app"), text(body, "environment"), account, optional_text(body, "revision")
        )
        return JSONResponse({"synced": True})

    async def _annotate(self, request: Request) -> Response:
        """Somebody annotates an Application or an AppProject."""
        body = await _body(request)
        given = body.get("annotations")
        if not isinstance(given, dict) or not all(value is None or isinstance(value, str) for value in given.values()):
            raise BadRequest('annotations: expected an object such as {"team": "payments"}; null takes one away')
        if body.get("project"):
            self._world.annotate_project(text(body, "project"), given)
        else:
            self._world.annotate(text(body, "app"), text(body, "environment"), given)
        return JSONResponse({"annotated": True})

    async def _bot(self, request: Request) -> Response:
        body = await _body(request)
        bot = self._world.bot
        acts = {"kill": bot.kill, "stop": bot.stop, "start": bot.start}
        act = acts.get(text(body, "do"))
        if act is None:
            raise BadRequest(f"do: {body['do']!r} is not known: expected kill (SIGKILL), stop (SIGTERM) or start")
        await act()
        return JSONResponse({"bot": bot.snapshot()})

    async def _events(self, _request: Request) -> Response:
        return EventSourceResponse(changes(self._world))


def told(handler: Handler) -> Handler:
    """The handler, with its errors as JSON: {"error": a sentence}, 4xx."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except PersonError as error:
            return JSONResponse({"error": str(error)}, 404 if "there is no" in str(error).lower() else 409)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)

    return answer


async def refused(request: Request, error: Exception) -> Response:
    """What no route takes, in the same shape."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {404: f"there is no {request.url.path}", 405: f"{request.url.path} takes no {request.method}"}
    detail = f"{known[status]}: docs/sandbox.md lists every request" if status in known else "internal server error"
    return JSONResponse({"error": detail}, status)


async def _body(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def text(body: Json, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{key}: expected a text, such as {_EXAMPLES.get(key, '…')!r}")
    return value


def optional_text(body: Json, key: str) -> str:
    """Absent and null are the empty text."""
    return text(body, key) if body.get(key) else ""


def optional_number(body: Json, key: str, *, most: int) -> int | None:
    """From 0 to `most`; None where it is absent."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadRequest(f"{key}: expected a whole number from 0 to {most}")
    return value


def _element(body: Json) -> tuple[str | None, str | None]:
    """What is pressed: by action_id, or by the label that is written on it."""
    action_id, label = optional_text(body, "action_id"), optional_text(body, "label")
    if not action_id and not label:
        raise BadRequest("name the button by action_id or by label")
    return action_id or None, label or None


_EXAMPLES = {
    "app": "my-app",
    "environment": "production",
    "tag": "v1.4.0",
    "as": "ana",
    "channel": "deployments",
    "text": "/deploy my-app prod",
    "do": "kill",
    "ts": "1700000000.000100",
}


def _person(request: Request) -> str:
    who = request.query_params.get("as")
    if not who:
        raise BadRequest("say as whom: ?as=ana")
    return who
