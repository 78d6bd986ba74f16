"""What Harbor asks of the robot account, request by request. `deploy/harbor-robot.json` grants exactly these (H29)."""

from enum import StrEnum


class HarborPermission(StrEnum):
    """As Harbor writes it: resource and action."""

    PULL = "repository:pull"
    READ_REPOSITORY = "repository:read"
    READ_ARTIFACT = "artifact:read"
    LIST_ARTIFACTS = "artifact:list"
    READ_REPORT = "artifact-addition:read"
    READ_PROJECT = "project:read"
    START_SCAN = "scan:create"
