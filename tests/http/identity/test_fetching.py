"""A provider is reached over TLS 1.3, by a certificate that the system trusts, and not otherwise.

Source: fetching.py; S62 (TLS 1.3), RFC 8414 section 6.2; a real listener, no fake.
"""

import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from comptoir.http.identity.fetching import FetchFailed, client, fetch
from comptoir.http.strict_json import Number
from tests.http.identity.forge import key

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{"a": 12}'


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One of 127.0.0.1 by itself, and its key, in one file."""
    secret = key("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "provider of a test")])
    today = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, secret.public_key(), 1).add_extension(
        address, critical=False
    )
    day = datetime.timedelta(days=1)
    made = (
        builder.not_valid_before(today - day)
        .not_valid_after(today + day)
        .sign(secret, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path / "tls"
    pem = serialization.Encoding.PEM
    file.write_bytes(made.public_bytes(pem) + secret.private_bytes(pem, *form))
    return file


async def _answer(stream: "trio.SSLStream[trio.SocketStream]") -> None:
    """Answer any request; a peer that does not like our certificate is no error of ours."""
    try:
        await stream.receive_some(4096)
        await stream.send_all(ANSWER)
        await stream.aclose()
    except trio.BrokenResourceError:
        pass


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def place(
    request: pytest.FixtureRequest, certificate: Path
) -> AsyncIterator[tuple[str, bool]]:
    """The address of a listener that has this version at most, and whether it has 1.3."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.maximum_version = request.param
    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_ssl_over_tcp, _answer, 0, context, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.transport_listener.socket.getsockname()[1]
        yield f"https://127.0.0.1:{port}/", request.param is ssl.TLSVersion.TLSv1_3
        nursery.cancel_scope.cancel()


async def test_tls(
    place: tuple[str, bool], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S62: TLS 1.3 by an authority that the system trusts is taken, 1.2 and a stranger are not."""
    address, right = place
    async with client(5.0) as plain:
        with pytest.raises(FetchFailed, match="unreachable"):
            await fetch(plain, address, 5.0)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with client(5.0) as plain:
        if right:
            assert await fetch(plain, address, 5.0) == {"a": Number("12")}
        else:
            with pytest.raises(FetchFailed, match="unreachable"):
                await fetch(plain, address, 5.0)
