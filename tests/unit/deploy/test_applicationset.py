"""How the platform's ApplicationSet lets Argo CD sync the apps."""

from tests.unit.deploy.manifests import objects


def test_a_newer_commit_ends_the_retries_of_a_bad_one() -> None:
    """A34: without it a good commit waits until the retries of the bad one are used up."""
    sets = [found for found in objects("platform/argocd") if found["kind"] == "ApplicationSet"]
    assert sets
    for found in sets:
        retry = found["spec"]["template"]["spec"]["syncPolicy"]["retry"]
        assert retry["refresh"] is True
        assert retry["limit"] > 0
