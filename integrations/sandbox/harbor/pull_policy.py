"""What may be pulled (H17)."""

from datetime import datetime

from .errors import HarborError
from .inventory import Inventory
from .model import SEVERITIES, Artifact, Project, Repository

_SUFFIX = (
    ' cannot be pulled due to configured policy in \'Prevent images with vulnerability severity of "{}" or higher '
    "from running.' To continue with pull, please contact your project administrator for help."
)


def check(inventory: Inventory, project: Project, repository: Repository, artifact: Artifact, now: datetime) -> None:
    """Raises HarborError 412 PROJECTPOLICYVIOLATION. Signatures and the like may always be pulled."""
    if artifact.subject:
        return
    if project.metadata.get("enable_content_trust_cosign") == "true":
        kinds = {accessory.kind for accessory in repository.accessories(artifact.digest)}
        if "signature.cosign" not in kinds:
            raise _violation("The image is not signed by cosign.")
    if project.metadata.get("prevent_vul") == "true":
        _check_severity(inventory, project, artifact, now)


def _check_severity(inventory: Inventory, project: Project, artifact: Artifact, now: datetime) -> None:
    threshold = project.metadata.get("severity", "low").capitalize()
    if artifact.report is None or artifact.report.status != "Success":
        raise _violation("current image without vulnerability scanning" + _SUFFIX.format(threshold))
    allowed = project.live_allowlist(now)
    if project.metadata.get("reuse_sys_cve_allowlist") == "true":
        allowed = frozenset(inventory.system_allowlist)
    counted = [v for v in artifact.report.vulnerabilities if v.id not in allowed]
    worst = max((v.severity for v in counted), key=SEVERITIES.index, default="None")
    if counted and SEVERITIES.index(worst) >= SEVERITIES.index(threshold):
        raise _violation(f'current image with "{worst}" vulnerability' + _SUFFIX.format(threshold))


def _violation(message: str) -> HarborError:
    return HarborError(412, "PROJECTPOLICYVIOLATION", message)
