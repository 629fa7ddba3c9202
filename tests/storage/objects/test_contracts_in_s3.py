"""Contracts are kept in S3 as in the folder: by a real server, once and for all (S6, S28).

Source: docs/signature.md; AWS S3 API reference (If-None-Match); engine/boot/contracts.py.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from comptoir.engine.boot.contracts import PDF, ContractStore
from comptoir.engine.gateway_spec import CallFault
from comptoir.storage.objects.s3 import S3Options, S3Store
from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of
from tests.storage.objects.seaweed import BUCKET, REGION, Seaweed


def _contracts(store: S3Store, client: httpx.AsyncClient) -> ContractStore:
    """Contracts in a store that has no door of its own: what is kept goes to an address that is signed for it."""
    desk: Any = SimpleNamespace(store=store, door=None)
    return ContractStore(desk, client)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """What contracts are sent with."""
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as one:
        yield one


@pytest.fixture
def kept(s3: S3Store, client: httpx.AsyncClient) -> ContractStore:
    """Contracts in the server's bucket."""
    return _contracts(s3, client)


async def test_a_contract_is_kept_once_and_read(kept: ContractStore, s3: S3Store) -> None:
    """S6, S28: its bytes and digest are those that were given; what is there is never replaced, whatever is brought."""
    data, path = os.urandom(70_001), "ONB-2026-00007/CONTRACT/one.pdf"
    assert await kept.digest(path) is None
    digest = hashlib.sha256(data).hexdigest()
    assert await kept.keep(path, PDF, data) == digest
    assert await kept.keep(path, PDF, b"another") == digest
    assert (await kept.read(path), await kept.digest(path)) == (data, digest)


async def test_one_that_was_faster_is_the_one_that_is_kept(
    kept: ContractStore, s3: S3Store, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S28: between a look and its write another may have written: S3 refuses the second, which hears what is there."""
    path, first, looks = "ONB-2026-00008/CONTRACT/one.pdf", b"%PDF- first", list[str]()
    facts = s3.facts

    async def late(key: object) -> object:
        looks.append("look")
        if len(looks) == 1:
            await _contracts(s3, client).keep(path, PDF, first)
            return None
        return await facts(key)  # type: ignore[arg-type]

    monkeypatch.setattr(s3, "facts", late)
    assert await kept.keep(path, PDF, b"%PDF- second") == hashlib.sha256(first).hexdigest()
    assert await kept.read(path) == first


async def test_a_store_that_does_not_let_us_is_a_fault_by_name(
    kept: ContractStore, s3_server: Seaweed, client: httpx.AsyncClient
) -> None:
    """design.md 6: away is tried again; what is refused for good is not; what is not there is told."""
    with pytest.raises(CallFault) as missing:
        await kept.read("ONB-2026-00009/CONTRACT/none.pdf")
    assert not missing.value.retryable
    away = S3Store(S3Options(BUCKET, REGION, "http://127.0.0.1:9"), s3_server.signer, client)
    with pytest.raises(CallFault) as gone:
        await _contracts(away, client).keep("ONB-2026-00009/CONTRACT/a.pdf", PDF, b"x")
    assert gone.value.retryable
    stranger = BotocoreSigner(credentials_of(s3_server.access_key, "another"), REGION)
    bare = S3Store(s3_server.options, stranger, client)
    with pytest.raises(CallFault) as refused:
        await _contracts(bare, client).keep("ONB-2026-00009/CONTRACT/a.pdf", PDF, b"x")
    assert not refused.value.retryable
