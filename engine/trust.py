"""Whom a client of ours trusts under TLS: the authorities of this machine, read once.

The rule: nobody is trusted whom httpx would not trust by itself. It reads more than a hundred authorities for
every client that is opened, one of an address in the clear too: 30 ms, in which a daemon answers nobody.
Source: httpx's manual, "SSL"; its `create_ssl_context`.
"""

import os
import ssl
from functools import cache

import httpx

__all__ = ["trust_of"]


def trust_of(address: str, *, environment: bool = True) -> ssl.SSLContext:
    """What httpx is given as `verify` for an address.

    Args:
        address: whose; nobody is trusted for one in the clear, where nobody shows a certificate.
        environment: whether SSL_CERT_FILE and SSL_CERT_DIR name the authorities, as httpx's `trust_env`.

    Raises:
        httpx.InvalidURL: it is no address, as the client would say.
    """
    if httpx.URL(address).scheme == "http":
        return _nobody()
    named = [os.environ.get(name, "") for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    return _authorities(*named) if environment else _authorities("", "")


@cache
def _nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def _authorities(file: str, folder: str) -> ssl.SSLContext:
    """Those that are named, else this machine's: the same for all who name none."""
    return httpx.create_ssl_context(trust_env=bool(file or folder))
