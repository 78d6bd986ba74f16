"""A Slack workspace on a real socket: the wire side for the app, and the people who use it."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import ASGIApp

from integrations.sandbox.faults import FaultSettings, WeatherMiddleware
from integrations.sandbox.slack.clock import SlackClock, WallClock
from integrations.sandbox.slack.core import AppConfig, Core
from integrations.sandbox.slack.current_transport import CurrentTransport
from integrations.sandbox.slack.delivery import Kind, SlackDelivery, Transport
from integrations.sandbox.slack.downloads import FileEndpoints
from integrations.sandbox.slack.http_mode import HttpMode, RequestUrls
from integrations.sandbox.slack.limits import RateLimiter, RateLimits
from integrations.sandbox.slack.model import Json, SlashCommand
from integrations.sandbox.slack.people.api import People
from integrations.sandbox.slack.people.stage import outcome
from integrations.sandbox.slack.responses import ResponseUrlEndpoint
from integrations.sandbox.slack.socket_mode import DisconnectReason, SocketMode
from integrations.sandbox.slack.web_api.router import WebApi

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-sandbox", "xapp-sandbox", "sandbox-signing-secret"
ENVELOPES: tuple[Kind, ...] = ("slash_commands", "interactive", "events_api")
REPLIED = frozenset({"view_submission", "block_suggestion"})


class SlackServer(People):
    """Serve `.app`, give the app `<url>/api/` as its base URL, and act as people through the methods below.

    Deliveries go by Socket Mode, or by signed HTTP as soon as `use_http` names request URLs. `people` names are
    "ana" or "U0ANA"; channels are "#deployments", an id, or "dm" for the person's own with the bot. Methods for
    people raise PersonError for what Slack's client would not let them do.
    """

    def __init__(
        self,
        *,
        clock: SlackClock | None = None,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        faults: FaultSettings | None = None,
        commands: Iterable[SlashCommand | str] = (),
        limits: RateLimits | None = None,
    ) -> None:
        self.config = AppConfig(bot_token, app_token, signing_secret, {})
        self.config.register(commands)
        core = Core(clock or WallClock(), self.config, limits or RateLimits())
        self._courier = CurrentTransport(SocketMode(core))
        super().__init__(core, self._courier)
        self.app = self._routes(faults)

    def _routes(self, faults: FaultSettings | None) -> ASGIApp:
        app = Starlette(
            routes=[
                WebApi(self._core, self._courier.socket_mode.methods).route,
                self._courier.socket_mode.route,
                *ResponseUrlEndpoint(self._core).routes,
                *FileEndpoints(self._core).routes,
            ]
        )
        return WeatherMiddleware(app, faults, "slack") if faults else app

    @property
    def public_url(self) -> str:
        """This server's own URL, written into response URLs; learnt from the first Web API call when not set."""
        return self._core.public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self._core.public_url = url

    @property
    def commands(self) -> list[SlashCommand]:
        """The slash commands of the app's manifest."""
        return list(self.config.commands.values())

    @commands.setter
    def commands(self, commands: Iterable[SlashCommand | str]) -> None:
        self.config.register(commands)

    @property
    def limits(self) -> RateLimits:
        """The rate limits in force; setting them forgets the calls made so far (S2)."""
        return self._core.limiter.limits

    @limits.setter
    def limits(self, limits: RateLimits) -> None:
        self._core.limiter = RateLimiter(self._core.clock, limits)

    @property
    def complaints(self) -> list[str]:
        """What Slack let pass, or showed to people as a failure, that a careful app would not do."""
        return self._core.complaints

    @property
    def connections(self) -> int:
        """How many Socket Mode connections the app has open."""
        return self._courier.socket_mode.connections

    async def use_http(self, urls: RequestUrls | None) -> None:
        """Delivers by signed HTTP to these URLs from now on; None goes back to Socket Mode."""
        await self._courier.switch(HttpMode(self._core, urls) if urls else None)

    @property
    def transport(self) -> Transport:
        """The way to the app that is in use; give another one to hear deliveries without a socket."""
        return self._courier.transport

    @transport.setter
    def transport(self, transport: Transport) -> None:
        self._courier.transport = transport

    async def verify_events_url(self) -> bool:
        """Whether the app echoes the challenge; done by itself before the first event (S13)."""
        transport = self._courier.transport
        return isinstance(transport, HttpMode) and await transport.verify()

    async def deliver(self, kind: str, payload: Json) -> Json:
        """Sends a payload as it is, forged or stale as it may be: an envelope type, or an interaction's `type`."""
        envelope: Kind = next((name for name in ENVELOPES if name == kind), "interactive")
        body = payload if kind == envelope else {"type": kind, **payload}
        wants_reply = envelope == "slash_commands" or body.get("type") in REPLIED
        return outcome(await self._courier.deliver(SlackDelivery(envelope, body, wants_reply)))

    async def refresh_connections(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Asks for new Socket Mode connections, as Slack does every few hours (S23)."""
        await self._courier.socket_mode.refresh(reason)

    async def drop_connections(self) -> None:
        """Breaks all Socket Mode connections off."""
        await self._courier.socket_mode.drop()

    async def aclose(self) -> None:
        """Ends what runs on behind: redeliveries, file shares, the HTTP client."""
        await self._core.aclose()
        await self.use_http(None)
