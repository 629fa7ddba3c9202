"""Whom a client trusts: the authorities of this machine, or nobody, and nobody else.

Source: spec.md S62; httpx's manual, "SSL".
"""

import ssl

import httpx
import pytest

from comptoir.engine.trust import trust_of


def test_under_tls_the_authorities_vouch() -> None:
    """S62: names are checked, certificates are wanted, and the authorities are those that httpx reads itself."""
    found = trust_of("https://party.example")
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert found.get_ca_certs()
    assert found.get_ca_certs() == httpx.create_ssl_context().get_ca_certs()
    assert found is trust_of("https://another.example/path"), "read once"


def test_in_the_clear_nobody_is_trusted() -> None:
    """S62: a client of an address in the clear that comes to TLS all the same, by a redirect, takes nobody's word."""
    found = trust_of("http://127.0.0.1:1")
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert found.get_ca_certs() == []


def test_what_is_no_address_is_told() -> None:
    """Interface.md 2: a wrong address is the client's to refuse, by its own error."""
    with pytest.raises(httpx.InvalidURL):
        trust_of("http://[::")
