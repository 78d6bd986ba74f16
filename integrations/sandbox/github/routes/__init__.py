"""The REST API, one file for each group of operations."""

REPOSITORY = "/repos/{owner}/{repo}"
