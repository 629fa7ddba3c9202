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
from comptoir.storage.objects.errors import ObjectsRefused, ObjectsUnavailable
from comptoir.storage.objects.s3 import VERSION_PAGES_MAX, S3Options, S3Store
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
    return read_versions(asks(server, "GET", f"?prefix={key.path.replace('/', '%2F')}&versions=").content).versions  # fmt: skip


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


async def test_more_versions_than_a_page_has_go_from_a_real_bucket(
    s3: S3Store, versioned: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13, E13: a real server's pages of two: five versions and the mark are gone after them."""
    monkeypatch.setattr("comptoir.storage.objects.s3.LISTED_MAX", 2)
    key = key_of("doc_often")
    for _ in range(5):
        assert asks(versioned, "PUT", f"/{key.path}", b"a page").status_code == 200
    await s3.delete(key)
    assert left(versioned, key) == []


async def test_what_a_list_leaves_out_is_not_taken_for_deleted(
    s3: S3Store, versioned: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X13, E13: where others' keys that begin like this one fill the first page, this server never lists its versions: that is no
    deletion, and once they are on the page it is one.
    """
    key = key_of("doc_paged")
    others = [key_of(f"doc_paged.{one}") for one in range(3)]
    for one in (*others, key):
        assert asks(versioned, "PUT", f"/{one.path}", b"a page").status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr("comptoir.storage.objects.s3.LISTED_MAX", 2)
        with pytest.raises(ObjectsUnavailable):
            await s3.delete(key)
    await s3.delete(key)
    assert {one for one, _ in left(versioned, key)} == {one.path for one in others}


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


class Bucket:
    """A bucket that lists so many versions at once, those of others first, and refuses what it is told to: what no server of
    tests does.
    """

    def __init__(self, versions: int, page: int = 1_000, others: int = 0) -> None:
        self.left = [f"v{one}" for one in range(versions)]
        self.others = [f"o{one}" for one in range(others)]
        self.page, self.lists = page, 0
        self.refuses: dict[str, int] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """A list, or a deletion."""
        version = request.url.params.get("versionId")
        if request.method == "GET":
            self.lists += 1
            return httpx.Response(200, text=self._listed(request.url.params))
        if version in self.refuses:
            return httpx.Response(self.refuses[version])
        if version is None:
            return httpx.Response(204, headers={"x-amz-delete-marker": "true"})
        self.left.remove(version)
        return httpx.Response(204)

    def _listed(self, asked: httpx.QueryParams) -> str:
        """A page, from the markers on."""
        every = [(f"{key_of().path}.old", one) for one in self.others]
        every += [(key_of().path, one) for one in self.left]
        marker = (asked.get("key-marker"), asked.get("version-id-marker"))
        begins = every.index(marker) + 1 if marker[0] else 0
        page = every[begins : begins + self.page]
        shown = "".join(
            f"<Version><Key>{key}</Key><VersionId>{one}</VersionId></Version>" for key, one in page
        )
        if begins + self.page < len(every):
            key, version = page[-1]
            shown += (
                f"<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>"
                f"<NextVersionIdMarker>{version}</NextVersionIdMarker>"
            )
        return f"<ListVersionsResult>{shown}</ListVersionsResult>"

    def store(self) -> S3Store:
        """What deletes there."""
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        signer = BotocoreSigner(credentials_of("AKIDX", "x"), REGION)
        return S3Store(S3Options("b", REGION, "http://s3.example"), signer, client)


async def test_a_version_that_may_not_be_deleted_is_told() -> None:
    """E13: listed, and its deletion refused (Object Lock, a right that is missing): no deletion, and no call to try again."""
    bucket = Bucket(3)
    bucket.refuses["v1"] = 403
    with pytest.raises(ObjectsRefused):
        await bucket.store().delete(key_of())
    assert "v1" in bucket.left


async def test_more_versions_than_a_list_has_go_too() -> None:
    """ListObjectVersions tells a thousand at once: as long as something is listed, it is deleted."""
    bucket = Bucket(5, page=2)
    await bucket.store().delete(key_of())
    assert bucket.left == []
    assert bucket.lists == 4, "two, two, one, and that nothing is left"


async def test_what_others_fill_pages_with_hides_nothing() -> None:
    """X13, E13: a thousand others whose keys begin alike are listed first: the list is read to its end."""
    bucket = Bucket(3, others=2_500)
    await bucket.store().delete(key_of())
    assert (bucket.left, len(bucket.others)) == ([], 2_500)
    assert bucket.lists == 6, "three pages, and three that have nothing left of it"


async def test_so_many_go_at_once_and_the_rest_when_it_is_tried_again() -> None:
    """S63: a call is bounded by its lists; what is left is no deletion that is done, and goes with the next try."""
    bucket = Bucket(2 * VERSION_PAGES_MAX + 3, page=2)
    with pytest.raises(ObjectsUnavailable):
        await bucket.store().delete(key_of())
    assert (bucket.lists, len(bucket.left)) == (VERSION_PAGES_MAX, 3)
    await bucket.store().delete(key_of())
    assert bucket.left == []


async def test_a_failure_in_the_middle_is_gone_on_with() -> None:
    """E13, S63: what was deleted before is deleted; tried again, the rest goes."""
    bucket = Bucket(3)
    bucket.refuses["v1"] = 503
    with pytest.raises(ObjectsUnavailable):
        await bucket.store().delete(key_of())
    assert "v1" in bucket.left
    bucket.refuses.clear()
    await bucket.store().delete(key_of())
    assert bucket.left == []


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_is_no_list_is_refused(body: bytes) -> None:
    """S63: whatever comes, it is a list of pairs or a ValueError."""
    try:
        found = read_versions(body)
    except ValueError:
        return
    assert found == ([], None)


def test_a_document_type_is_refused() -> None:
    """OWASP, XML external entities: nothing is expanded, and nothing fetched."""
    body = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><Version><Key>&b;</Key></Version></a>'
    with pytest.raises(ValueError, match="not a list"):
        read_versions(body)
