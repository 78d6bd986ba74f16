"""The HTTP session under slack_sdk's client: bounded in time, connections and memory."""

import ssl

import aiohttp

CONNECT_SECONDS, READ_SECONDS = 5, 30
CONNECTIONS = 20
ANSWER_LIMIT = 8 * 1024 * 1024
"""bytes; Slack's largest answers here are a few hundred kilobytes"""


class BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read to its end only when it is of a reasonable size."""

    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            async for chunk in self.content.iter_chunked(65_536):
                body += chunk
                if len(body) > ANSWER_LIMIT:
                    self.close()
                    raise AnswerTooLong(f"the answer is longer than {ANSWER_LIMIT:,} bytes")
            self._body = bytes(body)
        return await super().read()


class AnswerTooLong(aiohttp.ClientPayloadError):
    """Nothing that Slack sends is this long."""


def session(trust: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """To be made inside the running loop. Proxies come from the environment, NO_PROXY included."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=READ_SECONDS),
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=trust or True),
        response_class=BoundedResponse,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
    )
