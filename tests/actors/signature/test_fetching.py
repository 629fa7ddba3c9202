"""Whether a certificate is revoked, asked by OCSP: what is asked, which answers count, where else it is asked (S28).

Rule: the responder is that of `cryptography`, an implementation of RFC 6960 that is not ours.
Source: RFC 6960, 2.1, 2.3 and A.1; RFC 5280, 4.2.2.1; docs/signature.md.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from pyhanko_certvalidator.authority import AuthorityWithCert
from pyhanko_certvalidator.errors import OCSPFetchError

from comptoir.actors.signature.fetching import Fetching, Outside

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FIRST, SECOND = "http://first.example/ocsp", "http://second.example/ocsp"


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    places = [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(one)
        )
        for one in (FIRST, SECOND)
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.AuthorityInformationAccess(places), critical=False)
        .sign(signer, hashes.SHA256())
    )


@dataclass
class Responder:
    """An authority, a certificate of its, and who says whether that is revoked."""

    says: Callable[[str, bytes], httpx.Response]
    """By the address that was asked, and the answer that would be right."""
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    asked: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate("Root", self.key, self.key)
        self.leaf = _certificate("House", ec.generate_private_key(ec.SECP256R1()), self.key)
        self.other = _certificate("Other", ec.generate_private_key(ec.SECP256R1()), self.key)

    def answer(self, about: x509.Certificate) -> bytes:
        """A signed answer about a certificate."""
        revoked = self.status is ocsp.OCSPCertStatus.REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=about, issuer=self.root, algorithm=hashes.SHA256(), cert_status=self.status, this_update=NOW,
            next_update=NOW + timedelta(days=1), revocation_time=NOW if revoked else None, revocation_reason=None,
        )  # fmt: skip
        made = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.root)
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def hears(self, request: httpx.Request) -> httpx.Response:
        """One question: it has to be about the certificate (RFC 6960, 4.1.1)."""
        assert (request.method, request.headers["content-type"]) == (
            "POST",
            "application/ocsp-request",
        )
        question = ocsp.load_der_ocsp_request(request.content)
        assert question.serial_number == self.leaf.serial_number
        self.asked.append(str(request.url))
        return self.says(str(request.url), self.answer(self.leaf))

    async def fetched(self) -> Any:
        """What is fetched of it, and kept."""
        with httpx.Client(transport=httpx.MockTransport(self.hears)) as client:
            fetcher = Fetching(Outside(client)).get_fetchers().ocsp_fetcher
            leaf, root = (
                asn1.Certificate.load(one.public_bytes(Encoding.DER))
                for one in (self.leaf, self.root)
            )
            answer = await fetcher.fetch(leaf, AuthorityWithCert(root))
            assert list(fetcher.fetched_responses_for_cert(leaf)) == [answer]
            assert list(fetcher.fetched_responses()) == [answer]
            return answer.basic_ocsp_response["tbs_response_data"]["responses"][0]


@pytest.mark.parametrize("status", [ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED])
async def test_a_certificate_is_asked_for_and_its_answer_kept(status: ocsp.OCSPCertStatus) -> None:
    """RFC 6960: good or revoked, as its authority says; the first address that answers is enough."""
    responder = Responder(lambda _url, right: httpx.Response(200, content=right), status)
    found = await responder.fetched()
    assert found["cert_id"]["serial_number"].native == responder.leaf.serial_number
    assert found["cert_status"].name == status.name.lower()
    assert responder.asked == [FIRST]


@pytest.mark.parametrize(
    "wrong",
    [httpx.Response(503), httpx.Response(200, content=b"no answer"), httpx.Response(302, headers={"location": SECOND}),
     httpx.Response(200, content=ocsp.OCSPResponseBuilder.build_unsuccessful(
         ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER))],
    ids=["away", "nonsense", "redirect", "later"],
)  # fmt: skip
async def test_where_one_says_nothing_the_next_is_asked(wrong: httpx.Response) -> None:
    """RFC 5280, 4.2.2.1: each address may answer; what is no answer is none, and no redirect is followed."""

    def says(url: str, right: bytes) -> httpx.Response:
        return wrong if url == FIRST else httpx.Response(200, content=right)

    responder = Responder(says)
    assert (await responder.fetched())["cert_status"].name == "good"
    assert responder.asked == [FIRST, SECOND]


async def test_an_answer_about_another_certificate_is_none() -> None:
    """RFC 6960, 3.2 (1): then nobody has said whether this one is revoked, and nothing is sealed."""
    responder = Responder(
        lambda _url, _right: httpx.Response(200, content=responder.answer(responder.other))
    )
    with pytest.raises(OCSPFetchError):
        await responder.fetched()
    assert responder.asked == [FIRST, SECOND]
