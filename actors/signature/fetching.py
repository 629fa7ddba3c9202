"""What sealing needs of the outside: time stamps (RFC 3161), and word that a certificate is not revoked (CRL, OCSP).

The rules: it is asked from the program that seals, never from the daemon; every answer has a deadline and a size, there are
so many of them and no more, and no redirect is followed; an answer that is none is a fault of the outside, and is tried again.
Source: RFC 3161, 3.4; RFC 5280, 4.2.1.13; RFC 6960, A.1; design.md 6; docs/signature.md.
"""

# What these libraries hold has no types of its own.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final

import httpx
from asn1crypto import crl, ocsp, tsp, x509
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.authority import Authority
from pyhanko_certvalidator.errors import CRLFetchError, OCSPFetchError, OCSPValidationError
from pyhanko_certvalidator.fetchers.api import (
    CertificateFetcher,
    CRLFetcher,
    FetcherBackend,
    Fetchers,
    OCSPFetcher,
)
from pyhanko_certvalidator.fetchers.common_utils import (
    enumerate_delivery_point_urls,
    format_ocsp_request,
    process_ocsp_response_data,
)
from pyhanko_certvalidator.util import get_ocsp_urls, get_relevant_crl_dps, issuer_serial

__all__ = ["Fetching", "Outside", "OutsideFailed", "Stamper"]

OK: Final = 200
REQUESTS_MAX: Final = 32
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""The largest lists of public authorities have some ten megabytes."""


class OutsideFailed(Exception):
    """Whoever was asked did not answer, or not with what was asked for; its code says who."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Outside:
    """One client for all that is asked, with its bounds."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._left = REQUESTS_MAX

    def ask(self, url: str, code: str, body: bytes | None = None, media_type: str = "") -> bytes:
        """One answer.

        Raises:
            OutsideFailed: with this code.
        """
        self._left -= 1
        if self._left < 0 or not url.startswith(("http://", "https://")):
            raise OutsideFailed(code)
        method, headers = ("GET", {}) if body is None else ("POST", {"Content-Type": media_type})
        whole = bytearray()
        try:
            with self._client.stream(method, url, content=body, headers=headers) as answer:
                for part in answer.iter_bytes():
                    whole += part
                    if len(whole) > ANSWER_BYTES_MAX:
                        raise OutsideFailed(code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OutsideFailed(code) from error
        if answer.status_code != OK:
            raise OutsideFailed(code)
        return bytes(whole)


class Stamper(TimeStamper):
    """A time stamping authority."""

    def __init__(self, outside: Outside, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko gives it no types
        self._outside = outside
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Its answer; what it says is proven by whoever asked (`handle_tsp_response`)."""
        data = self._outside.ask(
            self._url, "TSA_UNAVAILABLE", req.dump(), "application/timestamp-query"
        )
        try:
            answer = tsp.TimeStampResp.load(data, strict=True)
            answer["status"].native  # noqa: B018 - it is read now or never
        except ValueError as error:
            raise OutsideFailed("TSA_UNAVAILABLE") from error
        return answer


class Fetching(FetcherBackend):
    """Lists and answers of those who may revoke a certificate; certificates themselves are in the files that name them."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def get_fetchers(self) -> Fetchers:
        """One of each."""
        return Fetchers(_Ocsp(self._outside), _Crls(self._outside), _NoCertificates())

    async def close(self) -> None:
        """Nothing is open: the client is its maker's."""


class _Crls(CRLFetcher):
    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._by_certificate: dict[bytes, list[crl.CertificateList]] = {}

    async def fetch(self, cert: Any, *, use_deltas: Any = None) -> Iterable[crl.CertificateList]:
        """All that the certificate names; the first address that answers of each place."""
        name = issuer_serial(cert)
        if name not in self._by_certificate:
            points = get_relevant_crl_dps(cert, use_deltas=bool(use_deltas))
            self._by_certificate[name] = [self._first(point) for point in points]
        return self._by_certificate[name]

    def _first(self, point: x509.DistributionPoint) -> crl.CertificateList:
        for url in enumerate_delivery_point_urls(point):
            try:
                data = self._outside.ask(url, "REVOCATION_UNAVAILABLE")
                return crl.CertificateList.load(data, strict=True)
            except (OutsideFailed, ValueError):
                continue
        raise CRLFetchError("no list of revoked certificates could be had")

    def fetched_crls(self) -> Iterable[crl.CertificateList]:
        """All of them."""
        return [one for found in self._by_certificate.values() for one in found]

    def fetched_crls_for_cert(self, cert: Any) -> Iterable[crl.CertificateList]:
        """Of one certificate."""
        return self._by_certificate[issuer_serial(cert)]


class _Ocsp(OCSPFetcher):
    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._by_certificate: dict[bytes, ocsp.OCSPResponse] = {}

    async def fetch(self, cert: Any, authority: Authority) -> ocsp.OCSPResponse:
        """The first good answer."""
        asked = format_ocsp_request(
            cert, authority, certid_hash_algo="sha256", request_nonces=False
        )
        for url in get_ocsp_urls(cert):
            try:
                data = self._outside.ask(
                    url, "REVOCATION_UNAVAILABLE", asked.dump(), "application/ocsp-request"
                )
                answer = process_ocsp_response_data(data, ocsp_request=asked, ocsp_url=url)
                if not _is_about(answer, cert):
                    continue
            except (OutsideFailed, ValueError, OCSPFetchError, OCSPValidationError):
                continue
            self._by_certificate[issuer_serial(cert)] = answer
            return answer
        raise OCSPFetchError("nobody said whether a certificate is revoked")

    def fetched_responses(self) -> Iterable[ocsp.OCSPResponse]:
        """All of them."""
        return list(self._by_certificate.values())

    def fetched_responses_for_cert(self, cert: Any) -> Iterable[ocsp.OCSPResponse]:
        """Of one certificate."""
        found = self._by_certificate.get(issuer_serial(cert))
        return [] if found is None else [found]


def _is_about(answer: ocsp.OCSPResponse, cert: Any) -> bool:
    """Whether it speaks of this certificate; that it is signed, in time and of its authority is judged with the chain."""
    said = answer.basic_ocsp_response["tbs_response_data"]["responses"]
    return any(one["cert_id"]["serial_number"].native == cert.serial_number for one in said)


_NOBODY: Final[tuple[x509.Certificate, ...]] = ()


class _NoCertificates(CertificateFetcher):
    async def fetch_cert_issuers(self, cert: Any) -> AsyncGenerator[x509.Certificate, None]:
        """None: a chain is whole in its file, or it is not trusted."""
        del cert
        for one in _NOBODY:
            yield one

    async def fetch_crl_issuers(
        self, certificate_list: Any
    ) -> AsyncGenerator[x509.Certificate, None]:
        """None, likewise."""
        del certificate_list
        for one in _NOBODY:
            yield one

    def fetched_certs(self) -> Iterable[x509.Certificate]:
        """None."""
        return ()
