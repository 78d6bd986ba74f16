"""Errors of single systems pickle back equal, as every error of Pilothouse does."""

import pickle

import pytest

from bot.domain.errors import IntegrationError
from integrations.argocd.errors import ArgoCDRefused
from integrations.harbor.errors import HarborRefused
from integrations.oci.auth import Challenged
from integrations.oci.client import Redirected

ERRORS = [
    ArgoCDRefused("Argo CD", "sync", "permission denied", 7),
    HarborRefused("Harbor", "scan", "no scanner", 412),
    Challenged("OCI registry", "read", "not logged in", "https://harbor.example.com/token", {"scope": "pull"}),
    Redirected("OCI registry", "read", "HTTP 307", "https://storage.example.com"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_pickle_back_equal(error: IntegrationError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert back == error
    assert vars(back) == vars(error)
