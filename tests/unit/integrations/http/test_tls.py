"""HTTPS: whom we trust, who we are, and certificates that change under us."""

import os
import ssl
from pathlib import Path

import pytest
import trustme

from bot.domain.errors import Refused, Unavailable
from bot.settings import Tls
from integrations.http import Connection, HttpPolicy
from integrations.http.tls import Certificates
from tests.unit.integrations.http.https import https

QUICK = HttpPolicy(connect=1, read=1, total=3, attempts=1)


async def ask(url: str, tls: Tls | None = None) -> int:
    async with Connection("system", url, tls=tls, policy=QUICK) as connection:
        return (await connection.request("read", "GET", "/")).status


async def test_an_authority_of_ones_own_is_trusted_where_it_is_configured(tmp_path: Path) -> None:
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    async with https(authority) as url:
        with pytest.raises(Refused, match="not trusted: set CA_BUNDLE"):
            await ask(url)
        assert await ask(url, Tls(ca_bundle=bundle)) == 200
        with pytest.raises(Refused, match="not trusted"):  # by that client alone
            await ask(url)


def test_what_trusts_the_system_only_shares_what_was_read_of_it(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    assert Certificates(Tls()).context is Certificates(Tls()).context
    assert Certificates(Tls(ca_bundle=bundle)).context is not Certificates(Tls()).context


async def test_a_client_certificate_is_shown_and_a_renewed_one_is_used(tmp_path: Path) -> None:
    authority, old, new = trustme.CA(), trustme.CA(), trustme.CA()
    bundle, certificate, key = tmp_path / "ca.pem", tmp_path / "tls.crt", tmp_path / "tls.key"
    authority.cert_pem.write_to_path(str(bundle))

    def issue(by: trustme.CA) -> None:
        issued = by.issue_cert("pilothouse")
        certificate.write_bytes(issued.cert_chain_pems[0].bytes())
        key.write_bytes(issued.private_key_pem.bytes())

    issue(old)
    tls = Tls(ca_bundle=bundle, client_cert=certificate, client_key=key)
    async with https(authority, client_authority=new) as url, Connection("s", url, tls=tls, policy=QUICK) as connection:
        with pytest.raises(Unavailable):
            await connection.request("read", "GET", "/")
        issue(new)
        assert (await connection.request("read", "GET", "/")).status == 200


def test_a_bundle_that_is_none_stops_the_start(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    with pytest.raises(ssl.SSLError):
        Connection("system", "https://localhost", tls=Tls(ca_bundle=bundle))


def test_files_that_could_not_be_loaded_are_tried_again(tmp_path: Path) -> None:
    """A file that is half written when it is looked at may be whole at the same modification time."""
    issued = trustme.CA().issue_cert("pilothouse")
    bundle, certificate, key = tmp_path / "ca.pem", tmp_path / "tls.crt", tmp_path / "tls.key"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())
    certificates = Certificates(Tls(ca_bundle=bundle, client_cert=certificate, client_key=key))
    for file in (bundle, certificate, key):
        whole = file.read_bytes()
        file.write_text("half")
        for _ in range(2):
            with pytest.raises(ssl.SSLError):
                certificates.refresh()
        written = file.stat().st_mtime_ns
        file.write_bytes(whole)
        os.utime(file, ns=(written, written))
        certificates.refresh()


def test_files_that_did_not_change_are_not_loaded_again(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    certificates, loaded = Certificates(Tls(ca_bundle=bundle)), bundle.stat().st_mtime_ns
    bundle.write_text("no certificate")
    os.utime(bundle, ns=(loaded, loaded))
    certificates.refresh()
