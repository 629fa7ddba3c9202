"""Documents in S3, or in what speaks as S3 does: uploads go there, and never through the daemon.

The rule: an address is a PUT pre-signed with Signature Version 4, in which type, length, digest, encryption at
rest and "only if there is nothing yet" are signed headers; so the store itself refuses what is not exactly
that, and a second use. Everything else that we ask is signed in its header. What the store holds is hashed:
by the store, where the client gave a digest with its upload, else by us, reading it once.
botocore computes the signatures and makes no request: what speaks is httpx, on trio, with a deadline for each
step; what the store says in its errors is not told, for it repeats what was sent. A session token of AWS's is
read with the other credentials, each time anew (roles of machines change them).
Source: AWS S3 API reference (Signature Version 4, PutObject, HeadObject); spec.md S12, S20, X30.
"""

import base64
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import quote

import httpx

from comptoir.engine.objects import ObjectFacts, ObjectKey, UploadAddress, UploadTerms
from comptoir.storage.objects.errors import ObjectMissing, ObjectsRefused, ObjectsUnavailable
from comptoir.storage.objects.versions import Listed, read_versions

__all__ = ["VERSION_PAGES_MAX", "S3Options", "S3Store", "Signer"]

READ_BYTES: Final = 256 * 1024
DIGEST_HEADER: Final = "x-amz-checksum-sha256"
ENCRYPTION_HEADER: Final = "x-amz-server-side-encryption"
KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"
SECOND_MS: Final = 1000
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
VERSION_PAGES_MAX: Final = 10
"""Of a call: an object of ours is written once, and then deleted, and hardly another key begins with all of its own."""
LISTED_MAX: Final = 1_000
"""Versions of a page: the most that S3 tells at once."""
AWAY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT})


@dataclass(frozen=True, slots=True)
class S3Options:
    """Where S3 is, and what is asked of it."""

    bucket: str
    region: str
    endpoint_url: str = ""
    """Empty: AWS's own for the region."""
    encryption: str = "AES256"
    """As the header names it: `AES256`, `aws:kms`; empty: none is asked for."""
    kms_key_id: str = ""
    timeout_s: float = 10.0
    """For connecting, and for each part of an answer."""

    @property
    def base_url(self) -> str:
        """Without a path."""
        return (self.endpoint_url or f"https://s3.{self.region}.amazonaws.com").rstrip("/")


class Signer(Protocol):
    """Signature Version 4 of one service in one region."""

    def presign(self, method: str, url: str, headers: Mapping[str, str], seconds: int) -> str:
        """The URL with its signature in the query; these headers are to be sent with it."""
        ...

    def sign(self, method: str, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers with their signature among them; of a request without a body."""
        ...


class S3Store:
    """An `ObjectStore` in one bucket."""

    def __init__(self, options: S3Options, signer: Signer, client: httpx.AsyncClient) -> None:
        """Ask through this client, whose base is not used."""
        self._options = options
        self._signer = signer
        self._client = client

    def __repr__(self) -> str:
        return f"<S3Store {self._options.bucket}>"

    def presign(self, terms: UploadTerms, base_url: str, now_ms: int) -> UploadAddress:
        """As `ObjectStore.presign`; whoever uploads sends all of its headers as they are."""
        del base_url  # it does not lead to us
        options = self._options
        headers = {
            "Content-Type": terms.media_type,
            "Content-Length": str(terms.size_bytes),
            "If-None-Match": "*",
        }
        if terms.sha256:
            headers[DIGEST_HEADER] = base64.b64encode(bytes.fromhex(terms.sha256)).decode("ascii")
        if options.encryption:
            headers[ENCRYPTION_HEADER] = options.encryption
        if options.encryption and options.kms_key_id:
            headers[KEY_HEADER] = options.kms_key_id
        seconds = max(1, (terms.expires_at - now_ms) // SECOND_MS)
        url = self._signer.presign("PUT", self._url(terms.key), headers, seconds)
        return UploadAddress(url, headers)

    async def facts(self, key: ObjectKey) -> ObjectFacts | None:
        """As `ObjectReads.facts`.

        Raises:
            ObjectsUnavailable, ObjectsRefused: S3 does not answer, or says no.
        """
        answer = await self._ask("HEAD", key, {"x-amz-checksum-mode": "ENABLED"})
        if answer is None:
            return None
        size = int(answer.headers.get("content-length", "0"))
        media_type = answer.headers.get("content-type", "")
        given = answer.headers.get(DIGEST_HEADER, "")
        if given:
            return ObjectFacts(size, media_type, base64.b64decode(given).hex())
        return await self._hashed(key, media_type)

    async def _hashed(self, key: ObjectKey, media_type: str) -> ObjectFacts | None:
        digest, size = hashlib.sha256(), 0
        try:
            async with self.read(key) as parts:
                async for part in parts:
                    digest.update(part)
                    size += len(part)
        except ObjectMissing:
            return None
        return ObjectFacts(size, media_type, digest.hexdigest())

    async def delete(self, key: ObjectKey) -> None:
        """As `ObjectReads.delete`: where the bucket keeps versions, all of them go, and the marks of their deletion.

        Raises:
            ObjectsUnavailable, ObjectsRefused: S3 does not answer, or says no, or its list has not even the mark that was just
                made; again is harmless.
        """
        answer = await self._ask("DELETE", key, {})
        if answer is None or not _keeps_versions(answer):
            return
        onward: tuple[str, str] | None = None
        seen = False
        for _ in range(VERSION_PAGES_MAX):
            page = await self._versions(key, onward)
            ours = [version for path, version in page.versions if path == key.path]
            for version in ours:
                await self._send("DELETE", f"{self._url(key)}?versionId={quote(version, safe='')}")
            seen = seen or bool(ours)
            if not ours and page.onward is None:
                break
            # After a deletion the list is another one: it is read from its beginning.
            onward = None if ours else page.onward
        else:
            raise ObjectsUnavailable("S3 keeps more versions of an object than are deleted at once")
        if not seen:
            raise ObjectsUnavailable(
                "S3 does not list the mark of a deletion that it has just made"
            )

    async def _versions(self, key: ObjectKey, onward: tuple[str, str] | None) -> Listed:
        """A page of what is left of the keys that begin like this one, marks of deletions among it.

        S3 tells the key itself first. SeaweedFS sorts it behind some that begin like it, and loses it where a page ends before.
        """
        asked = {"max-keys": str(LISTED_MAX), "prefix": key.path, "versions": ""}
        if onward is not None:
            asked["key-marker"], version = onward
            asked |= {"version-id-marker": version} if version else {}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        bucket = f"{self._options.base_url}/{self._options.bucket}"
        answer = await self._send("GET", f"{bucket}?{query}")
        if answer is None:
            return Listed([])
        try:
            return read_versions(answer.content)
        except ValueError:
            raise ObjectsUnavailable("S3 lists versions in a way that nobody can read") from None

    @asynccontextmanager
    async def read(self, key: ObjectKey) -> AsyncGenerator[AsyncIterator[bytes]]:
        """As `ObjectStore.read`; that it is what was stored vouches S3 for, over TLS."""
        url = self._url(key)
        signed = self._signer.sign("GET", url, {"accept-encoding": "identity"})
        try:
            async with self._client.stream("GET", url, headers=signed) as answer:
                if not _is_there(answer.status_code):
                    raise ObjectMissing("there is no such object")
                yield answer.aiter_bytes(READ_BYTES)
        except httpx.HTTPError as error:
            raise ObjectsUnavailable(f"S3 does not answer ({type(error).__name__})") from None

    async def _ask(
        self, method: str, key: ObjectKey, headers: Mapping[str, str]
    ) -> httpx.Response | None:
        return await self._send(method, self._url(key), headers)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] = NO_HEADERS
    ) -> httpx.Response | None:
        try:
            answer = await self._client.request(
                method, url, headers=self._signer.sign(method, url, headers)
            )
        except httpx.HTTPError as error:
            raise ObjectsUnavailable(f"S3 does not answer ({type(error).__name__})") from None
        return answer if _is_there(answer.status_code) else None

    def _url(self, key: ObjectKey) -> str:
        return f"{self._options.base_url}/{self._options.bucket}/{quote(key.path)}"


def _keeps_versions(answer: httpx.Response) -> bool:
    """Whether a deletion says that what was there is kept behind a mark, or that versions are."""
    return "x-amz-version-id" in answer.headers or "x-amz-delete-marker" in answer.headers


def _is_there(status: int) -> bool:
    """Read a status; False: there is nothing under the key.

    Raises:
        ObjectsUnavailable, ObjectsRefused: it says nothing of the key.
    """
    if status == HTTPStatus.NOT_FOUND:
        return False
    if status in AWAY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ObjectsUnavailable(f"S3 answers {status}")
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise ObjectsRefused(f"S3 answers {status}")
    return True
