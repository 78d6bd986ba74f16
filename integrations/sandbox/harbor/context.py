"""What every handler of this server is given."""

from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request

from integrations.sandbox.clock import Clock

from .accounts import Accounts, Caller
from .errors import HarborError, forbidden, unauthorized
from .inventory import Inventory
from .model import Artifact, Project, Repository
from .scanner import Scanner


@dataclass(frozen=True)
class Context:
    inventory: Inventory
    accounts: Accounts
    scanner: Scanner
    clock: Clock
    registry_host: str
    version: str

    def caller(self, request: Request) -> Caller:
        return self.accounts.identify(request.headers.get("authorization", ""), self.clock.now())

    def project(self, request: Request, write: bool = False) -> Project:
        """The project of the path. Raises HarborError: 401 to the anonymous, 403 when absent or not allowed (H5)."""
        name = unquote(request.path_params["project"])
        found = self.inventory.project(name, request.headers.get("x-is-resource-name", "") == "true")
        caller = self.caller(request)
        if found is None and caller.admin:
            raise HarborError(404, "NOT_FOUND", f"project {name} not found")
        readable = found is not None and (caller.sees(found.name) or (found.public and not write))
        if found is None or not readable:
            raise forbidden() if caller.name else unauthorized()
        return found

    def repository(self, request: Request, write: bool = False) -> tuple[Project, Repository]:
        """H1: the router has unescaped the name once; what a client encoded twice is unescaped here."""
        project = self.project(request, write)
        return self.inventory.repository(f"{project.name}/{unquote(request.path_params['repository'])}")

    def artifact(self, request: Request, write: bool = False) -> tuple[Project, Repository, Artifact]:
        project, repository = self.repository(request, write)
        return self.inventory.artifact(
            f"{project.name}/{repository.name.partition('/')[2]}", request.path_params["reference"]
        )

    def require_admin(self, request: Request) -> None:
        caller = self.caller(request)
        if not caller.admin:
            raise forbidden() if caller.name else unauthorized()
