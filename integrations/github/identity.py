"""Which commits were made through the API by the account that we are (G4)."""

from integrations.github import wire
from integrations.github.api import GitHubApi

WHO = "query { viewer { login } }"
WEB_FLOW = "noreply@"
"""how the address of the committer begins of whatever is committed through the API: a server has its own host there"""


class GitHubIdentity:
    def __init__(self, api: GitHubApi) -> None:
        self._api = api
        self._login = ""

    async def made(self, read: wire.GitHubCommit) -> bool:
        """Whether it says that it is ours: GitHub committed it, for our account.

        Whoever pushes can write the same names, so this alone is no proof.
        """
        committer = read.commit.committer
        if committer is None or not committer.email.lower().startswith(WEB_FLOW) or read.author is None:
            return False
        return read.author.login.lower() == (await self._whoami()).lower()

    async def _whoami(self) -> str:
        if not self._login:
            answer = await self._api.query("ask who we are", WHO, {}, wire.ViewerAnswer)
            viewer = answer.data.viewer if answer.data else None
            self._login = viewer.login if viewer else ""
        return self._login
