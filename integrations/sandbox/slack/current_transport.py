"""The way to the app: Socket Mode, or signed HTTP as soon as request URLs are configured."""

from integrations.sandbox.slack.delivery import Answer, SlackDelivery, Transport
from integrations.sandbox.slack.http_mode import HttpMode
from integrations.sandbox.slack.socket_mode import SocketMode


class CurrentTransport:
    """Holds the transport in use, which may change while the server runs."""

    def __init__(self, socket_mode: SocketMode) -> None:
        self.socket_mode = socket_mode
        self.transport: Transport = socket_mode

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        return await self.transport.deliver(delivery)

    async def switch(self, transport: Transport | None = None) -> None:
        """To another transport; to Socket Mode for None."""
        before, self.transport = self.transport, transport or self.socket_mode
        if isinstance(before, HttpMode):
            await before.aclose()
