"""S3 by a real server: what it takes, what it refuses, and what we learn of it.

Source: AWS S3 API reference; spec.md S12, S20, X30.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from comptoir.engine.objects import ObjectFacts, ObjectKey, UploadAddress
from comptoir.storage.objects import s3 as module
from comptoir.storage.objects.errors import ObjectMissing, ObjectsRefused, ObjectsUnavailable
from comptoir.storage.objects.s3 import S3Options, S3Store
from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of
from tests.storage.objects.conftest import NOW, key_of, terms_of
from tests.storage.objects.seaweed import REGION, Seaweed

HOUR_MS = 3_600_000


def an_hour(data: bytes, key: ObjectKey, *, proven: bool = True) -> Any:
    """Terms for these bytes."""
    return terms_of(
        len(data), hashlib.sha256(data).hexdigest() if proven else "", key, NOW + HOUR_MS
    )


def send(address: UploadAddress, data: bytes, **changed: str) -> httpx.Response:
    """Upload as a browser would: with the headers that it was told, and a length of its own."""
    headers = {k: v for k, v in address.headers.items() if k != "Content-Length"}
    return httpx.put(address.url, content=data, headers={**headers, **changed}, timeout=30)


async def test_an_object_is_uploaded_proven_read_and_deleted(s3: S3Store) -> None:
    """S12, S20: by its address it goes straight to S3, encrypted there; size, type and digest are learnt."""
    data, key = os.urandom(300_000), key_of("doc_whole.pdf")
    assert await s3.facts(key) is None
    answer = send(s3.presign(an_hour(data, key), "http://unused", NOW), data)
    assert answer.status_code == 200
    assert answer.headers["x-amz-server-side-encryption"] == "AES256"
    digest = hashlib.sha256(data).hexdigest()
    assert await s3.facts(key) == ObjectFacts(len(data), "application/pdf", digest)
    async with s3.read(key) as parts:
        assert b"".join([part async for part in parts]) == data
    await s3.delete(key)
    await s3.delete(key)  # again is harmless
    assert await s3.facts(key) is None
    with pytest.raises(ObjectMissing):
        async with s3.read(key):
            raise AssertionError("nothing is there")


async def test_without_a_digest_beforehand_the_bytes_are_hashed_when_asked_for(s3: S3Store) -> None:
    """S12: what lies there is proven by its bytes also where the client promised none."""
    data, key = os.urandom(700_001), key_of("doc_unproven.pdf")
    address = s3.presign(an_hour(data, key, proven=False), "", NOW)
    assert send(address, data).status_code == 200
    assert await s3.facts(key) == ObjectFacts(
        len(data), "application/pdf", hashlib.sha256(data).hexdigest()
    )


REFUSED: dict[str, tuple[Callable[[bytes], bytes], dict[str, str], set[int]]] = {
    "too long": (lambda x: x + b"!", {}, {403}),
    "too short": (lambda x: x[:-1], {}, {403}),
    "another type": (lambda x: x, {"Content-Type": "image/jpeg"}, {403}),
    "other bytes": (lambda x: b"!" + x[1:], {}, {400}),
    "in the clear": (lambda x: x, {"x-amz-server-side-encryption": ""}, {400, 403}),
    "over another": (lambda x: x, {"If-None-Match": "something"}, {403}),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_whatever_is_not_exactly_that_is_refused_and_not_stored(
    s3: S3Store, what: str
) -> None:
    """S12: type, length, digest, encryption and the one use are bound by the signature."""
    spoil, headers, statuses = REFUSED[what]
    data, key = os.urandom(1_000), key_of(f"doc_{what.replace(' ', '_')}.pdf")
    address = s3.presign(an_hour(data, key), "", NOW)
    assert send(address, spoil(data), **headers).status_code in statuses
    assert await s3.facts(key) is None
    assert send(address, data).status_code == 200


async def test_an_address_is_used_once(s3: S3Store) -> None:
    """S12: a second use changes nothing."""
    data, key = b"once", key_of("doc_once.pdf")
    address = s3.presign(an_hour(data, key), "", NOW)
    assert [send(address, data).status_code for _ in range(2)] == [200, 412]


async def test_a_changed_or_late_address_opens_nothing(s3: S3Store) -> None:
    """S12: another key under the same signature is refused; so is an address whose hour is over."""
    data, key = b"late", key_of("doc_late.pdf")
    address = s3.presign(an_hour(data, key), "", NOW)
    moved = UploadAddress(address.url.replace("doc_late", "doc_mine"), address.headers)
    assert send(moved, data).status_code == 403
    over = UploadAddress(
        address.url.replace("X-Amz-Expires=3600", "X-Amz-Expires=1"), address.headers
    )
    assert send(over, data).status_code == 403
    assert await s3.facts(key) is None


async def test_a_wrong_key_and_a_wrong_bucket_are_told_by_name(
    s3_server: Seaweed, s3: S3Store
) -> None:
    """S12: who we are there is not known: OBJECTS_REFUSED, and not an object that is missing."""
    stranger = BotocoreSigner(credentials_of(s3_server.access_key, "not-this-one"), REGION)
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(ObjectsRefused):
            await S3Store(s3_server.options, stranger, client).facts(key_of())


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_that_is_ill_is_not_an_answer(status: int) -> None:
    """S63: what passes by is told apart from "nothing there"; so is a connection that fails."""

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status)

    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    signer = BotocoreSigner(credentials_of("AKIDX", "x"), REGION)
    for handler in (answer, fail):
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        store = S3Store(S3Options("b", REGION, "http://s3.example"), signer, client)
        with pytest.raises(ObjectsUnavailable):
            await store.facts(key_of())
        with pytest.raises(ObjectsUnavailable):
            async with store.read(key_of()):
                raise AssertionError("nothing is there")


def test_encryption_is_asked_for_as_configured() -> None:
    """S20, S35: SSE-S3 by default, a KMS key where one is named, nothing where the store has none."""
    signer = BotocoreSigner(credentials_of("AKIDX", "x"), REGION)
    plain = S3Options("b", REGION)
    asked: list[Mapping[str, str]] = []
    for options in (
        plain,
        replace(plain, encryption="aws:kms", kms_key_id="alias/docs"),
        replace(plain, encryption=""),
    ):
        store = S3Store(options, signer, httpx.AsyncClient())
        address = store.presign(terms_of(3), "", NOW)
        assert address.url.startswith(
            f"https://s3.{REGION}.amazonaws.com/b/ONB-2026-00001/IDENTITY/"
        )
        asked.append({k: v for k, v in address.headers.items() if k.startswith("x-amz-server")})
    assert asked == [
        {module.ENCRYPTION_HEADER: "AES256"},
        {module.ENCRYPTION_HEADER: "aws:kms", module.KEY_HEADER: "alias/docs"},
        {},
    ]
