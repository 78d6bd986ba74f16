"""What every handler of this server is given."""

from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request

from integrations.sandbox.clock import Clock
from integrations.sandbox.faults import FaultSettings

from .accounts import Accounts, Caller
from .errors import HarborError, forbidden, unauthorized
from .inventory import Inventory
from .model import Artifact, Project, StoredRepository
from .scanner import Scanner


@dataclass(frozen=True)
class Context:
    inventory: Inventory
    accounts: Accounts
    scanner: Scanner
    clock: Clock
    registry_host: str
    version: str
    faults: FaultSettings | None = None

    def caller(self, request: Request) -> Caller:
        return self.accounts.identify(request.headers.get("authorization", ""), self.clock.now())

    def project(self, request: Request, permission: str = "project:read") -> Project:
        """The project of the path. Raises HarborError: 401 to nobody, 403 when absent or not allowed (H5, H28)."""
        name = unquote(request.path_params["project"])
        found = self.inventory.project(name, request.headers.get("x-is-resource-name", "") == "true")
        caller = self.caller(request)
        if found is None and caller.admin:
            raise HarborError(404, "NOT_FOUND", f"project {name} not found")
        if found is None or not self.allowed(caller, found, permission):
            raise forbidden() if caller.name else unauthorized()
        return found

    def allowed(self, caller: Caller, project: Project, permission: str) -> bool:
        """What is public may be read by all; a permission that the fault settings take away, nobody has."""
        if self.faults and permission in self.faults.now.harbor_denies and not caller.admin:
            return False
        reads = permission.rpartition(":")[2] in ("read", "list", "pull")
        return caller.may(project.name, permission) or (project.public and reads)

    def metadata(self, project: Project) -> dict[str, str]:
        """With what the fault settings set over the project's own."""
        return {**project.metadata, **(self.faults.now.harbor_policy if self.faults else {})}

    def repository(self, request: Request, permission: str = "repository:read") -> tuple[Project, StoredRepository]:
        """H1: the router has unescaped the name once; what a client encoded twice is unescaped here."""
        project = self.project(request, permission)
        return self.inventory.repository(f"{project.name}/{unquote(request.path_params['repository'])}")

    def artifact(
        self, request: Request, permission: str = "artifact:read"
    ) -> tuple[Project, StoredRepository, Artifact]:
        project, repository = self.repository(request, permission)
        return self.inventory.artifact(
            f"{project.name}/{repository.name.partition('/')[2]}", request.path_params["reference"]
        )

    def require_admin(self, request: Request) -> None:
        caller = self.caller(request)
        if not caller.admin:
            raise forbidden() if caller.name else unauthorized()
