"""The way to the app: Socket Mode, or signed HTTP as soon as request URLs are configured."""

from integrations.sandbox.slack.delivery import Answer, Delivery
from integrations.sandbox.slack.http_mode import HttpMode
from integrations.sandbox.slack.socket_mode import SocketMode


class Courier:
    """The transport in use. `http` is None in Socket Mode."""

    def __init__(self, socket_mode: SocketMode) -> None:
        self.socket_mode = socket_mode
        self.http: HttpMode | None = None

    async def deliver(self, delivery: Delivery) -> Answer:
        return await (self.http or self.socket_mode).deliver(delivery)
