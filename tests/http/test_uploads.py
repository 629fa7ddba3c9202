"""Uploads to our own folder, over a real socket: what is taken, what is refused and how, and what it costs.

Source: spec.md S12, S62; interface.md 8 and 9; docs/uploads.md.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog.testing
import trio

from comptoir.engine import Stopping
from comptoir.engine.objects import ObjectFacts, ObjectKey, UploadTerms
from comptoir.engine.settings import Http, Settings
from comptoir.http.limits import Limits, Quotas
from comptoir.http.rules import UploadRules
from comptoir.http.server import Listening, Shared, serve
from comptoir.http.testing import NOW_MS, FakeDaemon
from comptoir.http.uploads_testing import Closed
from comptoir.storage.objects.folder import FolderOptions, FolderStore
from comptoir.storage.vault import Vault

KEY = ObjectKey("ONB-2026-00001", "IDENTITY", "doc_1.pdf")
DATA = os.urandom(200_000)
DIGEST = hashlib.sha256(DATA).hexdigest()
TERMS = UploadTerms(KEY, "application/pdf", len(DATA), DIGEST, NOW_MS + 3_600_000)


@dataclass
class House:
    """A listening edge with a folder behind it."""

    daemon: FakeDaemon
    store: FolderStore
    client: httpx.AsyncClient
    root: Path
    url: str

    def address(self, terms: UploadTerms = TERMS) -> str:
        """Path and query of an address."""
        return self.store.presign(terms, "", NOW_MS).url

    async def put(
        self, data: Any = DATA, terms: UploadTerms = TERMS, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Upload it."""
        given = {"Content-Type": "application/pdf", **(headers or {})}
        return await self.client.put(self.address(terms), content=data, headers=given)

    async def begin(
        self, sent: int, source: str = "192.0.2.1", terms: UploadTerms = TERMS
    ) -> trio.SocketStream:
        """Begin an upload by hand and send so many bytes of it."""
        parts = urlsplit(self.url)
        stream = await trio.open_tcp_stream(parts.hostname or "", parts.port or 0)
        head = (
            f"PUT {self.address(terms)} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {source}\r\n"
            f"Content-Type: application/pdf\r\nContent-Length: {terms.size_bytes}\r\n\r\n"
        )
        await stream.send_all(head.encode() + DATA[:sent])
        return stream

    def files(self) -> list[Path]:
        """What lies in the folder."""
        found = [one for one in self.root.rglob("*") if one.is_file()]
        return [one for one in found if one.name != "names.json"]


@pytest.fixture
def rules() -> dict[str, Any]:
    """Of the daemon beside its usual ones; a test may have others."""
    return {}


@pytest.fixture
def limits() -> Iterator[Limits]:
    """Five anonymous requests a minute."""
    made = Limits(Quotas(1_000, 5))
    yield made
    made.close()


@pytest.fixture
async def house(tmp_path: Path, rules: dict[str, Any], limits: Limits) -> AsyncIterator[House]:
    """It, open."""
    daemon = FakeDaemon(**rules)
    root = tmp_path / "documents"
    options = FolderOptions(root, "onboarding-docs", 10_000_000, "onboarding", 0)
    store = daemon.store = daemon.upload_door = await FolderStore.open(
        options, Vault({"k1": os.urandom(32)})
    )
    async with trio.open_nursery() as nursery:
        start = partial(serve, daemon, Settings(http=Http(port=0)), stop_seconds=0.2)
        listening: Listening = await nursery.start(partial(start, Shared(limits=limits)))
        async with httpx.AsyncClient(base_url=listening.url, timeout=10.0) as client:
            yield House(daemon, store, client, root, listening.url)
        nursery.cancel_scope.cancel()


async def test_a_document_is_taken_by_its_address_alone(house: House) -> None:
    """S12: no token; the answer names the digest, and the store has exactly what was sent."""
    answer = await house.put()
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == f'"{DIGEST}"'
    assert answer.headers["x-request-id"]
    assert await house.store.facts(KEY) == ObjectFacts(len(DATA), "application/pdf", DIGEST)
    assert house.daemon.uploads == [("taken", "")]


async def test_a_body_without_a_length_is_counted_as_it_comes(house: House) -> None:
    """S12: chunked, the bounds are the same: too much ends it, too little is not kept."""

    async def parts(data: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(data), 7_000):
            yield data[start : start + 7_000]

    for data, code in ((DATA + b"!", "UPLOAD_TOO_LONG"), (DATA[:-1], "UPLOAD_TOO_SHORT")):
        answer = await house.put(parts(data))
        assert (answer.json()["code"], house.files()) == (code, [])
    assert (await house.put(parts(DATA))).status_code == 200


LATE = UploadTerms(KEY, "application/pdf", len(DATA), DIGEST, NOW_MS)
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "too long": ({"data": DATA + b"!"}, 413, "UPLOAD_TOO_LONG"),
    "too short": ({"data": DATA[:-1]}, 422, "UPLOAD_TOO_SHORT"),
    "nothing": ({"data": b""}, 422, "UPLOAD_TOO_SHORT"),
    "other bytes": ({"data": bytes(len(DATA))}, 422, "UPLOAD_DIGEST_MISMATCH"),
    "another type": ({"headers": {"Content-Type": "image/jpeg"}}, 415, "UPLOAD_TYPE_MISMATCH"),
    "an encoding": ({"headers": {"Content-Encoding": "gzip"}}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "late": ({"terms": LATE}, 410, "UPLOAD_EXPIRED"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_not_exactly_that_is_refused_by_name_and_not_kept(
    house: House, what: str
) -> None:
    """S12: type, size, digest and end are those of the address; nothing of another upload stays, and a
    right one may follow.
    """
    sent, status, code = REFUSED[what]
    answer = await house.put(**sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert house.files() == []
    assert house.daemon.uploads == [("refused", code)]
    assert (await house.put()).status_code == 200


async def test_an_address_is_used_once(house: House) -> None:
    """S12: what is there stays; a second use is a conflict, with the same bytes or others."""
    assert (await house.put()).status_code == 200
    for data in (DATA, os.urandom(len(DATA))):
        answer = await house.put(data)
        assert (answer.status_code, answer.json()["code"]) == (409, "UPLOAD_USED")
    assert await house.store.facts(KEY) == ObjectFacts(len(DATA), "application/pdf", DIGEST)
    assert len(house.files()) == 1


async def test_a_changed_address_counts_as_a_failed_signature(house: House, limits: Limits) -> None:
    """S62: addresses that we did not sign count against the anonymous minute of whoever tries them, as
    failed webhooks do, and good ones do not.
    """
    for number in range(7):
        terms = UploadTerms(
            ObjectKey("ONB-2026-00001", "IDENTITY", f"doc_{number}.pdf"),
            "application/pdf", len(DATA), DIGEST, NOW_MS + 1_000,
        )  # fmt: skip
        assert (await house.put(terms=terms)).status_code == 200
    codes: list[str] = []
    for number in range(7):
        forged = house.address().replace("doc_1", f"doc_9{number}")
        headers = {"Content-Type": "application/pdf"}
        answer = await house.client.put(forged, content=DATA, headers=headers)
        codes.append(answer.json()["code"])
    assert codes == ["UPLOAD_SIGNATURE_INVALID"] * 5 + ["RATE_LIMITED"] * 2
    free = ObjectKey("ONB-2026-00001", "IDENTITY", "doc_free.pdf")
    good = UploadTerms(free, "application/pdf", len(DATA), DIGEST, NOW_MS + 1_000)
    assert (await house.put(terms=good)).status_code == 200, "a good one is outside that limit"


SPOILT: dict[str, Callable[[str], str]] = {
    "doubled": lambda url: url + "&size=3",
    "misspelt": lambda url: url.replace("&size", "&Size"),
    "without parameters": lambda url: url.partition("?")[0],
    "no UTF-8": lambda url: url + "&x=%FF",
    "without a name": lambda url: url + "&=",
    "another path": lambda url: url.replace("/uploads/", "/uploads//"),
    "too many": lambda url: url + "&a=1&b=2&c=3&d=4",
    "nothing": lambda _url: "/uploads/",
}


@pytest.mark.parametrize("how", SPOILT)
async def test_an_address_of_another_form_is_nobodys(house: House, how: str) -> None:
    """S12: doubled, missing, misspelt or undecodable parameters are no signature of ours."""
    url = SPOILT[how](house.address())
    request = httpx.Request(
        "PUT", house.url + "/x", content=DATA, headers={"Content-Type": "application/pdf"}
    )
    request.url = request.url.copy_with(raw_path=url.encode())
    answer = await house.client.send(request)
    assert (answer.status_code, answer.json()["code"]) == (401, "UPLOAD_SIGNATURE_INVALID")
    assert house.files() == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH", "OPTIONS"])
async def test_only_put_is_taken(house: House, method: str) -> None:
    """S12: an address uploads, and shows nothing."""
    await house.put()
    answer = await house.client.request(method, house.address())
    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT")
    assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


async def test_where_documents_go_elsewhere_there_is_no_door(house: House) -> None:
    """X30: with S3 the daemon takes no uploads."""
    house.daemon.upload_door = None
    assert (await house.put()).json()["code"] == "NOT_FOUND"


async def test_a_daemon_that_starts_or_stands_by_says_when_to_come_again(house: House) -> None:
    """interface.md 2: before the store is open nothing is taken, and the address stays good."""

    class Opening(Closed):
        def judge(self, path: str, query: Mapping[str, str]) -> None:
            raise Stopping("starting")

    house.daemon.upload_door = Opening()
    answer = await house.put()
    assert (answer.status_code, answer.json()["code"]) == (503, "OVERLOADED")
    assert answer.headers["retry-after"]
    house.daemon.upload_door = house.store
    assert (await house.put()).status_code == 200


class TestBounds:
    """What uploads may take of us, and of each other."""

    @pytest.fixture
    def rules(self) -> dict[str, Any]:
        """Three at once, two from each address, half a second late at most; a proxy speaks for many."""
        bounds = UploadRules(3, 2, patience_s=0.5, bytes_per_second_min=1_000_000, seconds_max=30.0)
        return {"uploads": bounds, "trusted_proxies": (ip_network("127.0.0.0/8"),)}

    @pytest.mark.parametrize("sent", [0, 1, 100_000])
    async def test_a_sender_that_stops_is_broken_off(self, house: House, sent: int) -> None:
        """S12, design.md 5: to begin, and on the way: whoever is late by more than is allowed hears 408,
        and nothing of it stays.
        """
        stream = await house.begin(sent)
        with trio.fail_after(10):
            answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"REQUEST_TIMEOUT" in answer
        await stream.aclose()
        assert house.files() == []

    async def test_a_trickle_is_too_slow_however_steady(self, house: House) -> None:
        """design.md 5: a byte now and then does not hold a place: the lowest rate is over the whole of it."""
        stream = await house.begin(1)
        with trio.fail_after(10):
            answer = b""
            while not answer:
                await stream.send_all(b"x")
                with trio.move_on_after(0.05):
                    answer = await stream.receive_some()
        assert b"REQUEST_TIMEOUT" in answer
        await stream.aclose()

    @pytest.mark.parametrize(
        ("sources", "status", "code"),
        [
            (["192.0.2.1", "192.0.2.1"], 429, "RATE_LIMITED"),
            (["192.0.2.2", "192.0.2.3", "192.0.2.4"], 503, "OVERLOADED"),
        ],
    )
    async def test_there_are_so_many_at_once(
        self, house: House, sources: list[str], status: int, code: str
    ) -> None:
        """design.md 5: of one address, and of all; one more is told when to come again, and a place is free
        when its upload ends.
        """
        busy = [await house.begin(150_000, source) for source in sources]
        await until(lambda: len(house.files()) == len(sources))
        answer = await house.put(headers={"X-Forwarded-For": "192.0.2.1"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["retry-after"]
        for stream in busy:
            await stream.aclose()
        await until(lambda: house.daemon.uploads.count(("left", "")) == len(sources))
        assert house.files() == []
        assert (await house.put(headers={"X-Forwarded-For": "192.0.2.1"})).status_code == 200


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    with trio.fail_after(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event: it lies on the disk
            await trio.sleep(0.01)


async def test_neither_address_nor_document_is_told_to_the_log(house: House) -> None:
    """S12, design.md 9.8: a log line of a refusal has its code and the request's id, and nothing of it."""
    with structlog.testing.capture_logs() as lines:
        await house.put(DATA[:-1])
        await house.client.put(house.address().replace("size", "sise"), content=DATA)
    told = repr(lines)
    assert [line["code"] for line in lines] == ["UPLOAD_TOO_SHORT", "UPLOAD_SIGNATURE_INVALID"]
    for word in ("signature=", "ONB-2026", "doc_1", "IDENTITY", DIGEST):
        assert word not in told


async def test_no_room_is_told_and_comes_again(house: House) -> None:
    """design.md 5: a document larger than what is left is refused before it is read, 503, and changes nothing."""
    large = UploadTerms(KEY, "application/pdf", 20_000_000, "", NOW_MS + 1_000)
    stream = await house.begin(0, terms=large)
    with trio.fail_after(10):
        answer = await stream.receive_some()
    await stream.aclose()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"UPLOAD_NO_ROOM" in answer
    assert b"retry-after: " in answer
    assert house.files() == []


class TestPages:
    """Pages of another origin that are allowed."""

    @pytest.fixture
    def rules(self) -> dict[str, Any]:
        """One is."""
        return {"cors_origins": ("https://app.example",)}

    @pytest.mark.parametrize(
        ("origin", "allowed"), [("https://app.example", True), ("https://evil.example", False)]
    )
    async def test_pages_of_allowed_origins_may_upload(
        self, house: House, origin: str, allowed: bool
    ) -> None:
        """S3, S37: a browser asks first, and then shows its page the answer; of another origin neither."""
        asks = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        before = await house.client.options(house.address(), headers=asks)
        answer = await house.put(headers={"Origin": origin})
        told = answer.headers.get("access-control-allow-origin")
        assert (before.status_code, told) == ((204, origin) if allowed else (405, None))
