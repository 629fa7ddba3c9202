"""Who may do what: the daemon does what docs/authorization.md expects, for every operation and caller.

Rule: expectations come from the page, which is written by hand; what is executed is asked over a
socket, with an authenticator that believes what it is told.
Source: docs/authorization.md; spec.md S34, S60, X7, X28, X29; interface.md 1, 9; RFC 6750.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.browser_session.messages import (
    FindSession,
    Person,
    SessionFound,
    SessionMissing,
)
from comptoir.actors.merchants.messages import Partner
from comptoir.engine import Address, Message, Reply
from comptoir.engine.settings import Http, Settings
from comptoir.engine.trust import trust_of
from comptoir.http.api import wallet
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.letters_testing import a_letter
from comptoir.http.operation import Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations import BY_ID, OPERATIONS
from comptoir.http.policy import decide
from comptoir.http.principal import Principal, Role, Undecided
from comptoir.http.problems import PROBLEMS, problem
from comptoir.http.rules import LinkingRules
from comptoir.http.server import serve
from comptoir.http.testing import NOW_MS, FakeAnswer, FakeAuthenticator, FakeDaemon
from comptoir.http.testing_wire import BODY
from tests.http.access import CALLERS, OTHER, SELF, expected
from tests.http.asking import APP, LETTER, ask, connection_id, give_to, owning, path_of
from tests.http.docusign_webhooks import COMPLETED
from tests.http.kyc_webhooks import EXAMPLE
from tests.http.policed import policed, signed_for
from tests.http.test_plaid import UPDATES
from tests.http.test_powens_body import CARD, synced
from tests.http.test_tink import UPDATES as TINK_UPDATES

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = expected(ROOT)
TOKEN = [one for one in OPERATIONS if one.door is Door.TOKEN]
FREE = [one for one in OPERATIONS if one.door is not Door.TOKEN]
OWNED = [one for one in TOKEN if one.owner is not Owner.NOBODY]
NEVER = "u-never-seen"
READS = {
    "getTransaction": ["transaction"], "getConnection": ["connection"], "revokeConnection": ["connection"],
    "renewConsent": ["connection"], "syncConnection": ["connection"], "claimCashback": ["transaction"],
}  # fmt: skip
"""What is looked up before it is known whose object it is."""
ELSEWHERE = {"x-forwarded-for": "203.0.113.9"}


class Counting(FakeDaemon):
    """A daemon that knows two people, and counts how often it is asked for what."""

    def __init__(self, identity: Identity) -> None:
        linking = LinkingRules(frozenset(("seed",)), (APP,))
        super().__init__(loopback_only=False, clock_manual=True, linking=linking)
        self.identity = identity
        self.reads: list[str] = []
        self.letters.rows = [a_letter(LETTER, died_at=NOW_MS)]
        self.partner_base["p1"] = msgspec.to_builtins(Partner(id="p1", name="Chez Nous"))
        for user in (SELF, OTHER):
            self.wallets[user] = {"userId": user, "balance": {"available": 950}}
            self.histories[user] = [(1, {"entryId": "1"})]
            self.transactions[f"tx-{user}"] = {
                "transactionId": f"tx-{user}", "userId": user, "status": "credited", "trace": [],
            }  # fmt: skip
            give_to(self, user)
            self.linked[user] = {connection_id(user): {
                "id": connection_id(user), "provider": "seed", "bank_name": "B", "card_last4": "4242",
                "status": "active", "consent_expires_at": NOW_MS, "linked_at": NOW_MS,
            }}  # fmt: skip

    async def wallet(self, user_id: str) -> Any:
        """Count."""
        self.reads.append("wallet")
        return await super().wallet(user_id)

    async def entries(self, user_id: str, before: int | None, limit: int) -> Any:
        """Count."""
        self.reads.append("entries")
        return await super().entries(user_id, before, limit)

    async def transaction(self, transaction_id: str) -> Any:
        """Count."""
        self.reads.append("transaction")
        return await super().transaction(transaction_id)

    async def connection(self, connection_id: str) -> Any:
        """Count."""
        self.reads.append("connection")
        return await super().connection(connection_id)

    async def connections(self, user_id: str) -> Any:
        """Count."""
        self.reads.append("connections")
        return await super().connections(user_id)


@pytest.fixture
def daemon(identity: Identity) -> Counting:
    """The daemon of these tests."""
    return Counting(identity)


@pytest.fixture
async def client(daemon: Counting) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a listening edge that takes tokens."""
    async with policed(daemon) as opened:
        yield opened


def _headers(caller: str | None) -> dict[str, str]:
    return {} if caller is None else {"authorization": caller}


def _anew(daemon: Counting, operations: Sequence[Operation]) -> Iterator[Operation]:
    """Each operation in turn, of a daemon as it was in the beginning: what one has changed, the next does not find."""
    assert daemon.identity is not None
    for operation in operations:
        vars(daemon).update(vars(Counting(daemon.identity)))
        yield operation


def _statuses(operation: Operation, column: str) -> tuple[int, int]:
    """What is expected: (of one's own, of another's)."""
    cell = EXPECTED[operation.id][column]
    return cell.get("own", cell.get("", 0)), cell.get("other", cell.get("", 0))


def test_every_operation_is_expected() -> None:
    """S34: no operation without an expectation for every caller, and no expectation of nothing."""
    assert EXPECTED.keys() == BY_ID.keys()
    for operation in TOKEN:
        assert EXPECTED[operation.id].keys() == CALLERS.keys()
        for column in CALLERS:
            assert 0 not in _statuses(operation, column)


@pytest.mark.parametrize("name", CALLERS)
async def test_expectations_of_tokens(
    daemon: Counting, client: httpx.AsyncClient, name: str
) -> None:
    """S34, X7: own, another's, nobody's: each caller hears what the page says, and no more."""
    for operation in _anew(daemon, TOKEN):
        own, other = _statuses(operation, name)
        for owner, status in ((SELF, own), (OTHER, other)):
            answer = await ask(client, operation, owner, _headers(CALLERS[name]))
            assert answer.status_code == status, (operation.id, owner, answer.text)
            if not answer.is_success:
                assert SELF not in answer.text, operation.id
                assert OTHER not in answer.text, operation.id
        if operation.owner is not Owner.NOBODY:
            never = await ask(client, operation, NEVER, _headers(CALLERS[name]))
            assert never.status_code == (other if other != 200 else 404), operation.id


async def test_a_browser_is_its_client(daemon: Counting, client: httpx.AsyncClient) -> None:
    """S34, X8: the cookie of the portal is worth what a CLIENT's token is, and no more, whatever else the
    person is; from a page elsewhere what it would change is not done, and beside a token it is nothing.
    """

    async def known(address: Address, message: Message) -> FakeAnswer:
        if not isinstance(message, FindSession):
            return daemon.quiet_answer(address, message)
        now = wall_seconds()
        return FakeAnswer(SessionFound(Person(SELF, ("CLIENT", "ADMIN"), ("otp",), now), 1))

    cookie = {"cookie": f"session={'c' * 43}"}
    for operation in _anew(daemon, TOKEN):
        own, other = _statuses(operation, "CLIENT")
        daemon.asked = known
        for owner, status in ((SELF, own), (OTHER, other)):
            found = await ask(client, operation, owner, cookie)
            assert found.status_code == status, (operation.id, owner, found.text)
        evil = await ask(client, operation, SELF, {**cookie, "origin": "https://evil.example"})
        assert evil.status_code == (own if operation.method == "GET" else 401), operation.id
        tried = await ask(client, operation, SELF, {**cookie, "authorization": "Bearer expired"})
        assert tried.status_code == 401, operation.id


async def test_a_browser_of_staff_calls_nothing(
    daemon: Counting, client: httpx.AsyncClient
) -> None:
    """S34: whoever is no CLIENT has no way to the API but a token, and nor has a cookie that nobody has."""
    replies: list[Reply] = [
        SessionFound(Person(SELF, ("COMPLIANCE", "ADMIN"), ("otp",), 0), 1), SessionMissing(),
    ]  # fmt: skip

    async def known(_address: Address, _message: Message) -> FakeAnswer:
        return FakeAnswer(replies.pop())

    daemon.asked = known
    for _ in range(2):
        answer = await client.get(
            f"/api/v1/wallets/{SELF}", headers={"cookie": f"session={'c' * 43}"}
        )
        assert answer.status_code == 401
    assert (replies, daemon.reads) == ([], [])


@pytest.mark.parametrize("name", CALLERS)
async def test_expectations_without_tokens(
    daemon: Counting, client: httpx.AsyncClient, name: str
) -> None:
    """Interface.md 9: what takes no token answers the same to all; what is for this machine is not
    there for others.
    """
    bodies: dict[str, tuple[bytes, str]] = {
        "advanceClock": (b'{"advanceSeconds":0}', "application/json"),
        "quiesce": (b"{}", "application/json"),
        "importFile": (b"id,name,rate_bp\n", "text/csv"),
        "receiveBankingWebhook": (BODY, "application/json"),
        "receiveDocusignWebhook": (COMPLETED, "application/json"),
        "receiveKycWebhook": (EXAMPLE, "application/json"),
        "receivePlaidWebhook": (UPDATES, "application/json"),
        "receivePowensWebhook": (synced(CARD), "application/json"),
        "receiveTinkWebhook": (TINK_UPDATES, "application/json"),
    }
    for operation in _anew(daemon, FREE):
        body, media_type = bodies.get(operation.id, (b"", ""))
        own = _headers(CALLERS[name]) | ({"Content-Type": media_type} if media_type else {})
        path = path_of(operation, SELF)
        here, elsewhere = EXPECTED[operation.id].values()
        asked: list[tuple[str, int, dict[str, str]]] = [(*row, {}) for row in here.items()]
        asked += [(*row, ELSEWHERE) for row in elsewhere.items()]
        for word, status, place in asked:
            signed = signed_for(operation.id, body) if word == "signed" else {}
            headers = own | place | signed
            answer = await client.request(operation.method, path, content=body, headers=headers)
            assert answer.status_code == status, (operation.id, word, place, answer.text)


async def test_another_is_as_nobody(daemon: Counting, client: httpx.AsyncClient) -> None:
    """Interface.md 1: another's object and one never seen are refused alike, to the byte, after the
    same reads.
    """
    for operation in _anew(daemon, OWNED):
        headers = {**_headers(CALLERS[owning(operation)]), "x-request-id": "the-same-one"}
        seen: list[tuple[int, list[tuple[str, str]], str, list[str]]] = []
        for owner in (OTHER, NEVER):
            daemon.reads.clear()
            answer = await ask(client, operation, owner, headers)
            kept = sorted(pair for pair in answer.headers.multi_items() if pair[0] != "date")
            seen.append((answer.status_code, kept, answer.text, list(daemon.reads)))
        assert seen[0] == seen[1], operation.id
        assert seen[0][0] == 404, operation.id
        assert seen[0][3] == READS.get(operation.id, []), operation.id


async def test_forbidden_looks_nothing_up(daemon: Counting, client: httpx.AsyncClient) -> None:
    """S60: who may not use an operation is told so before any object is touched."""
    for operation in _anew(daemon, TOKEN):
        # A service, where every person may.
        caller = next((role.value for role in Role if role not in operation.grants), "service")
        answer = await ask(client, operation, OTHER, _headers(CALLERS[caller]))
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN"), operation.id
        assert answer.headers["www-authenticate"] == (
            'Bearer realm="comptoir", error="insufficient_scope"'
        )
        assert (daemon.reads, daemon.asks) == ([], []), operation.id


@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        ([], 'Bearer realm="comptoir"'),
        (["Basic dTpw"], 'Bearer realm="comptoir"'),
        (["Bearer expired"], 'Bearer realm="comptoir", error="invalid_token"'),
        (["bearer"], 'Bearer realm="comptoir", error="invalid_token"'),
        (
            [f"Bearer CLIENT.{SELF}", f"Bearer CLIENT.{SELF}"],
            'Bearer realm="comptoir", error="invalid_token"',
        ),
    ],
)
async def test_challenges(client: httpx.AsyncClient, given: list[str], challenge: str) -> None:
    """S34, RFC 6750 section 3: 401 names the scheme; the error only to who tried with a token."""
    headers = [("authorization", value) for value in given]
    answer = await client.get(f"/api/v1/wallets/{SELF}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == challenge
    assert "expired" not in answer.text


async def test_who_cannot_be_verified_now(
    daemon: Counting, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S34: an issuer that is away is 503 with Retry-After and no challenge, and looks nothing up."""

    async def away(_self: FakeAuthenticator, _authorization: list[str]) -> Principal:
        raise Undecided("keys_unavailable", 7)

    monkeypatch.setattr(FakeAuthenticator, "principal", away)
    answer = await client.get(f"/api/v1/wallets/{SELF}", headers=_headers(CALLERS["CLIENT"]))
    assert (answer.status_code, answer.json()["code"]) == (503, "ISSUER_UNAVAILABLE")
    assert answer.headers["retry-after"] == "7"
    assert "www-authenticate" not in answer.headers
    assert daemon.reads == []


async def test_roles_add_up(client: httpx.AsyncClient) -> None:
    """S34: an advisor who is a client too sees their own, and with it nobody else's."""
    headers = {"authorization": f"Bearer CLIENT+CONSEILLER.{SELF}"}
    assert (await client.get(f"/api/v1/wallets/{SELF}", headers=headers)).status_code == 200
    assert (await client.get(f"/api/v1/wallets/{OTHER}", headers=headers)).status_code == 404


async def test_an_expired_consent_is_no_challenge() -> None:
    """X29: BANK_CONNECTION_EXPIRED is 401 without a challenge; UNAUTHENTICATED has one."""
    answer = problem("BANK_CONNECTION_EXPIRED", "abcdefgh")
    assert answer.status == PROBLEMS["UNAUTHENTICATED"].status == 401
    assert not [name for name, _ in answer.headers if name == b"www-authenticate"]


async def test_without_accounts_this_machine_may_do_all(daemon: Counting) -> None:
    """Interface.md 3: auth.mode loopback takes no tokens, and serves this machine; but it is nobody whose code signs."""
    async with trio.open_nursery() as nursery:
        start = partial(serve, daemon, Settings(http=Http(port=0)), stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url
        ) as opened:
            for operation in TOKEN:
                answer = await ask(opened, operation, OTHER, {})
                signs = operation.id in ("signContract", "sendSigner")
                wanted = [403] if signs else operation.answers
                assert answer.status_code in wanted
        nursery.cancel_scope.cancel()


_REACHES = st.dictionaries(st.sampled_from(Role), st.sampled_from(Reach), max_size=5)
_SCOPES = st.dictionaries(st.sampled_from(["a:b", "c:d"]), st.sampled_from(Reach), max_size=2)
_PRINCIPALS = st.builds(
    Principal,
    subject=st.text(min_size=1, max_size=8),
    issuer=st.just("i"),
    roles=st.frozensets(st.sampled_from(Role)),
    scopes=st.frozensets(st.sampled_from(["a:b", "c:d", "e:f"])),
)


def _row(grants: dict[Role, Reach], scopes: dict[str, Reach]) -> Operation:
    return Operation(
        "one", "GET", "/x/{userId}", "s", "t", Door.TOKEN, {200: Body("b")}, wallet,
        grants=grants, scopes=scopes, owner=Owner.PATH,
        parameters=(Parameter("userId", "path", "p", {}),),
    )  # fmt: skip


@given(grants=_REACHES, scopes=_SCOPES, principal=_PRINCIPALS, other=st.text(max_size=8))
def test_nothing_is_had_that_was_not_granted(
    grants: dict[Role, Reach], scopes: dict[str, Reach], principal: Principal, other: str
) -> None:
    """S60: for any row and any caller: another's object needs a grant of ANY, one's own any grant."""
    if not grants and not scopes:
        grants = {Role.ADMIN: Reach.ANY}
    held = [grants[role] for role in principal.roles if role in grants]
    held += [scopes[scope] for scope in principal.scopes if scope in scopes]
    access = decide(_row(grants, scopes), principal)
    if access is None:
        assert held == []
        return
    assert held
    assert access.covers(principal.subject)
    if other != principal.subject:
        assert access.covers(other) == (Reach.ANY in held)


@given(grants=_REACHES.filter(bool), principal=_PRINCIPALS, more=st.sampled_from(Role))
def test_a_role_more_takes_nothing_away(
    grants: dict[Role, Reach], principal: Principal, more: Role
) -> None:
    """S34: roles add up."""
    row = _row(grants, {})
    before, after = (
        decide(row, principal),
        decide(row, replace(principal, roles=principal.roles | {more})),
    )
    if before is not None:
        assert after is not None
        assert all(after.covers(one) for one in (principal.subject, "x") if before.covers(one))
