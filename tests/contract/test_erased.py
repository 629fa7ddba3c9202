"""A file is erased: as its client wants, or when its time is over; and nothing of them can be read with the keys that remain.

Rule: the search is of the whole database, every row of every table, of the folder of documents and of the key store,
as files and tables of a process that is not ours to look into otherwise.
Source: spec.md S36, X13, E13, E14; docs/erasure.md; adr/0063.
"""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer, eventually
from tests.contract.documents import Applicant, folder_of, make_pdf, to_people
from tests.contract.test_conventions import is_problem
from tests.contract.test_kept import whole_of

DAY_S = 86_400
OWN = "('onboarding', 'kyc', 'review', 'signature', 'account', 'invitation')"
PHONE = "+15145551234"
VALUES = (
    "Tremblay",
    "Marie",
    "marie.tremblay@example.com",
    PHONE,
    "1980-05-15",
    "passeport de Marie",
)


class Registry:
    """A daemon with accounts and a key store, and those who work with it."""

    def __init__(self, daemon: Process, sandbox: Process, server: Any) -> None:
        self.daemon, self.sandbox, self.server = daemon, sandbox, server
        self.tokens: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> None:
        """Tokens of now: they hold for a quarter of an hour, and its port is the daemon's issuer's."""
        roles = {"advisor": "CONSEILLER", "ada": "ADMIN", "bob": "ADMIN", "ops": "OPERATIONS"}
        self.tokens = {name: self.daemon.token(name, role) for name, role in roles.items()}

    def by(self, name: str, path: str, *, post: bool = False) -> Any:
        """A request of somebody."""
        self.daemon.bearer = self.tokens[name]
        return self.daemon.post(path, {}) if post else self.daemon.get(path)

    def begins(self) -> Applicant:
        """A file of Marie's, and her link is on its way."""
        self.daemon.bearer = self.tokens["advisor"]
        file = Applicant(self.daemon)
        eventually(lambda: self.by("advisor", file.path).json()["status"] == "DOCUMENTS_PENDING")
        return file

    def signs_in(self, file: Applicant) -> httpx.Client:
        """Its client comes in by link and code."""
        number, url = file.begun["onboardingId"], self.daemon.url
        link = file.begun["clientPortalUrl"].partition("token=")[2]
        browser = httpx.Client(
            base_url=url, headers={"Origin": url}, timeout=60, verify=trust_of(url)
        )
        begun = browser.post("/portal/session", json={"onboardingId": number, "token": link})
        assert begun.status_code == 204, begun.text
        inbox = f"/control/inbox?channel=sms&to={PHONE.replace('+', '%2B')}"
        eventually(lambda: bool(self.sandbox.get(inbox).json()["items"]))
        text = str(self.sandbox.get(inbox).json()["items"][-1]["body"])
        code = re.search(r"\b\d{6,8}\b", text)
        assert code is not None, text
        typed = browser.post("/portal/session/code", json={"onboardingId": number, "code": code[0]})
        assert typed.status_code == 204, typed.text
        return browser

    def column(self, sql: str) -> list[str]:
        """Lines of one column."""
        database = self.daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
        return str(trio.run(self.server.run_sql, sql, database)).split()

    def key_ids(self, number: str) -> set[bytes]:
        """Of the keys under which anything of a file was ever sealed and still lies in the database."""
        whose = f"(kind in {OWN} and key = '{number}')"
        sent = f"(sender_kind in {OWN} and sender_key = '{number}')"
        sealed = (
            f"select encode(substr(state, 1, 9), 'hex') from comptoir.actor where {whose}"
            f" union select encode(substr(payload, 1, 9), 'hex') from comptoir.event where {whose}"
            f" union select encode(substr(payload, 1, 9), 'hex') from comptoir.message where {whose} or {sent}"
        )
        found = {
            bytes.fromhex(one)
            for one in self.column(f"select string_agg(x, ' ') from ({sealed}) t(x)")
        }
        assert all(one[:1] == b"\x02" for one in found), "format 2 names its key (docs/keys.md)"
        return {one[1:] for one in found}

    def open_keys(self) -> set[bytes]:
        """Keys that are left."""
        with sqlite3.connect(self.daemon.env["COMPTOIR_VAULT__STORE"]) as store:
            return {one for (one,) in store.execute("select id from key where wrapped is not null")}

    def erased(self, file: Applicant) -> None:
        """Two people have it erased, and it is."""
        asked = self.by("ada", f"{file.path}/erasure", post=True)
        assert asked.status == 202, asked
        approval = f"/api/v1/approvals/{asked.json()['approvalId']}/approve"
        is_problem(self.by("ada", approval, post=True), 403, "FOUR_EYES")
        assert self.by("bob", approval, post=True).status == 200
        proof = f"/api/v1/erasures/{asked.json()['erasureId']}"
        eventually(lambda: self.by("ada", proof).status == 200)
        Customer(self.daemon).advance(180)
        eventually(lambda: self.by("ada", proof).json()["status"] == "erased", 30.0)
        assert self.by("ada", proof).json()["keys"] >= 1


@pytest.fixture(scope="module")
def registry(
    comptoir_daemon_shared: Callable[..., Process],
    carrier: Process,
    comptoir_postgres_server: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Registry:
    """The daemon of these tests."""
    daemon = comptoir_daemon_shared(
        **to_people(carrier),
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_VAULT__STORE=str(tmp_path_factory.mktemp("store") / "keys.db"),
    )
    return Registry(daemon, carrier, comptoir_postgres_server)


def test_nothing_of_an_erased_client_can_be_read(registry: Registry, tmp_path: Path) -> None:
    """E13, E14, X13: a client with a session and a document on the disk wants to be gone. While something may still be
    sent, that is refused with until when; then two people have it done. Afterwards no value of theirs is in any table or
    file, no key that is left opens a row of theirs, their session is over, their file is 410, and the proof stays.
    """
    file = registry.begins()
    number = file.begun["onboardingId"]
    other = registry.begins()
    browser = registry.signs_in(file)
    paper = make_pdf(tmp_path / "passport.pdf", 0.01)
    wanted = {
        "docType": "IDENTITY", "filename": "passeport de Marie.pdf", "contentType": paper.media_type,
        "sizeBytes": paper.size, "sha256": paper.sha256,
    }  # fmt: skip
    address = browser.post(f"{file.path}/documents", json=wanted).json()
    assert file.upload(address, paper).status_code == 200
    assert any(one.is_file() for one in folder_of(registry.daemon).rglob("*"))
    refused = registry.by("ada", f"{file.path}/erasure", post=True)
    is_problem(refused, 409, "ERASURE_REFUSED")
    (why,) = refused.json()["errors"]
    assert why["code"] == "UPLOAD_OPEN"
    assert ", until 20" in why["detail"]
    Customer(registry.daemon).advance(3_700)
    registry.sign_in()
    before, others = registry.key_ids(number), registry.key_ids(other.begun["onboardingId"])
    assert before <= registry.open_keys()
    registry.erased(file)

    left = registry.open_keys()
    assert not registry.key_ids(number) & left, "no key that is left opens anything of theirs"
    assert not before & left
    assert others <= left, "another client's are untouched"
    shown = registry.by("advisor", file.path)  # its actor may be in memory still, and knows nothing
    assert (shown.status, shown.json().get("documents", [])) in ((200, []), (410, []))
    assert browser.get(file.path).status_code in (401, 410), "their session is over"
    browser.close()
    assert registry.by("advisor", other.path).status == 200
    text = whole_of(registry.server, registry.daemon)
    assert number in text, "the search finds what is there in clear"
    papers = list(folder_of(registry.daemon).rglob("*"))
    for value in VALUES:
        assert value not in text, value
        assert value not in shown.body.decode()
    assert not [x for x in papers if x.is_file() and x.name != "names.json"], "nor its bytes"


def test_what_nobody_resumes_is_gone_after_its_days(registry: Registry) -> None:
    """S36, X13: 90 days after a file was abandoned nothing of its client can be read, and nobody had to ask for it."""
    file = registry.begins()
    number = file.begun["onboardingId"]
    before = registry.key_ids(number)
    Customer(registry.daemon).advance(8 * DAY_S)
    registry.sign_in()
    shown = registry.by("advisor", file.path)
    assert shown.json()["status"] == "INCOMPLETE"
    Customer(registry.daemon).advance(90 * DAY_S)
    Customer(registry.daemon).advance(600)
    eventually(lambda: not before & registry.open_keys(), 30.0)
    registry.daemon.kill()
    registry.daemon.start()
    registry.sign_in()
    is_problem(registry.by("advisor", file.path), 410, "VAULT_ERASED")
