"""What may be pulled (H17, H30)."""

from .context import Context
from .errors import HarborError
from .model import SEVERITIES, Artifact, Project, StoredRepository

_SUFFIX = (
    ' cannot be pulled due to configured policy in \'Prevent images with vulnerability severity of "{}" or higher '
    "from running.' To continue with pull, please contact your project administrator for help."
)


def check(context: Context, project: Project, repository: StoredRepository, artifact: Artifact) -> None:
    """Raises HarborError 412 PROJECTPOLICYVIOLATION. Signatures and the like may always be pulled."""
    if artifact.subject:
        return
    metadata = context.metadata(project)
    if metadata.get("enable_content_trust_cosign") == "true":
        kinds = {accessory.kind for accessory in repository.accessories(artifact.digest)}
        if "signature.cosign" not in kinds:
            raise _violation("The image is not signed by cosign.")
    if metadata.get("prevent_vul") == "true":
        _check_severity(context, project, repository, artifact)


def _check_severity(context: Context, project: Project, repository: StoredRepository, artifact: Artifact) -> None:
    metadata = context.metadata(project)
    threshold = metadata.get("severity", "low").capitalize()
    if context.scanner.away:
        return  # what no scanner can scan is let through
    if (parts := repository.platforms(artifact)) and any(part.report for part in parts):
        return  # an index with a report is let through; its platforms are looked at when they are pulled
    if artifact.report is None or artifact.report.status != "Success":
        raise _violation("current image without vulnerability scanning" + _SUFFIX.format(threshold))
    allowed = project.live_allowlist(context.clock.now())
    if metadata.get("reuse_sys_cve_allowlist") == "true":
        allowed = frozenset(context.inventory.system_allowlist)
    counted = [v for v in artifact.report.vulnerabilities if v.id not in allowed]
    worst = max((v.severity for v in counted), key=SEVERITIES.index, default="None")
    if counted and SEVERITIES.index(worst) >= SEVERITIES.index(threshold):
        raise _violation(f'current image with "{worst}" vulnerability' + _SUFFIX.format(threshold))


def _violation(message: str) -> HarborError:
    return HarborError(412, "PROJECTPOLICYVIOLATION", message)
