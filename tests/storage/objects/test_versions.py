"""What is deleted is gone from a bucket that keeps versions, too: by a real server.

Source: AWS S3 API reference (versioning, DeleteObject, ListObjectVersions); spec.md X13, E13; docs/erasure.md.
"""

import hashlib
import os

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.objects import ObjectKey
from comptoir.storage.objects.errors import ObjectsRefused
from comptoir.storage.objects.s3 import S3Options, S3Store
from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of
from comptoir.storage.objects.versions import read_versions
from tests.storage.objects.conftest import NOW, key_of, terms_of
from tests.storage.objects.seaweed import BUCKET, REGION, Seaweed

VERSIONED = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>'
    b"</VersioningConfiguration>"
)
HOUR_MS = 3_600_000


def asks(server: Seaweed, method: str, path: str, body: bytes = b"") -> httpx.Response:
    """A signed request of who owns the bucket, with a body of its own."""
    request = AWSRequest(method=method, url=f"{server.url}/{BUCKET}{path}", data=body)
    given = credentials_of(server.access_key, server.secret_key)()
    S3SigV4Auth(given, "s3", REGION).add_auth(request)
    return httpx.request(
        method, str(request.url), headers=dict(request.headers), content=body, trust_env=False
    )


@pytest.fixture
def versioned(s3_server: Seaweed) -> Seaweed:
    """The server, whose bucket keeps versions from now on."""
    assert asks(s3_server, "PUT", "?versioning", VERSIONED).status_code == 200
    return s3_server


def left(server: Seaweed, key: ObjectKey) -> list[tuple[str, str]]:
    """Every version and mark that the bucket has under what begins like this key."""
    return read_versions(asks(server, "GET", f"?prefix={key.path.replace('/', '%2F')}&versions=").content)  # fmt: skip


def sends(s3: S3Store, key: ObjectKey) -> bytes:
    """A document, as its client does."""
    data = os.urandom(2_000)
    terms = terms_of(len(data), hashlib.sha256(data).hexdigest(), key, NOW + HOUR_MS)
    address = s3.presign(terms, "", NOW)
    headers = {k: v for k, v in address.headers.items() if k != "Content-Length"}
    assert httpx.put(address.url, content=data, headers=headers).status_code == 200
    return data


async def test_nothing_of_it_is_left_behind_a_mark(s3: S3Store, versioned: Seaweed) -> None:
    """X13, E13: uploaded, written over, deleted by somebody, uploaded again: after a deletion of ours there is no version and no
    mark of that key, and another whose name begins alike is untouched; again is harmless.
    """
    key, other = key_of("doc_versions"), key_of("doc_versions.pdf")
    sends(s3, key)
    sends(s3, other)
    assert asks(versioned, "PUT", f"/{key.path}", b"over it").status_code == 200
    assert asks(versioned, "DELETE", f"/{key.path}").status_code == 204
    sends(s3, key)
    assert len([one for one, _ in left(versioned, key) if one == key.path]) == 4
    for _ in range(2):
        await s3.delete(key)
        assert {one for one, _ in left(versioned, key)} == {other.path}
    assert await s3.facts(other) is not None


async def test_who_may_not_delete_versions_hears_it(s3_server: Seaweed) -> None:
    """E13: a deletion that leaves versions is not one: it is refused by name, and not taken for done."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE" and "versionId" not in str(request.url):
            return httpx.Response(204, headers={"x-amz-delete-marker": "true"})
        return httpx.Response(403)

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    signer = BotocoreSigner(credentials_of("AKIDX", "x"), REGION)
    store = S3Store(S3Options("b", REGION, "http://s3.example"), signer, client)
    with pytest.raises(ObjectsRefused):
        await store.delete(key_of())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_is_no_list_is_refused(body: bytes) -> None:
    """S63: whatever comes, it is a list of pairs or a ValueError."""
    try:
        found = read_versions(body)
    except ValueError:
        return
    assert found == []


def test_a_document_type_is_refused() -> None:
    """OWASP, XML external entities: nothing is expanded, and nothing fetched."""
    body = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><Version><Key>&b;</Key></Version></a>'
    with pytest.raises(ValueError, match="not a list"):
        read_versions(body)
