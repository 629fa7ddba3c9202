"""A daemon for tests of the edge: it records what it is asked, and answers as it is told.

The rule: it fulfils `comptoir.http.port.Port` and has no opinion: what a test does not set has the
quiet answer (taken, ready, nothing known).
Source: comptoir.http.port.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from comptoir.actors.approval import messages as approval
from comptoir.actors.clients import messages as clients
from comptoir.actors.connection.messages import (
    LinkConnection,
    Linked,
    RenewConsent,
    Revoke,
    Sync,
    TransactionTaken,
    Underway,
)
from comptoir.actors.disposition.messages import (
    DescribeDisposition,
    DisposeLetter,
    ReplayLetters,
)
from comptoir.actors.erasure.messages import DescribeErasure, ErasureDescribed
from comptoir.actors.idempotency.messages import (
    BeginRequest,
    EndRequest,
    RequestBegun,
    RequestForgotten,
)
from comptoir.actors.invitation import messages as invitation
from comptoir.actors.letter_report.messages import ListReports, ReportsListed
from comptoir.actors.linking.messages import KIND as LINKING
from comptoir.actors.linking.messages import ConnectionOpened, LinkStood, OpenLink
from comptoir.actors.person.messages import (
    DescribePerson,
    InvitePerson,
    PersonDescribed,
    PersonInvited,
    PersonRemoved,
    RemovePerson,
)
from comptoir.actors.revocation.messages import AccessEnded, EndAccess
from comptoir.actors.sessions.messages import (
    EndOpened,
    ListOpened,
    Opened,
    OpenedEnded,
    OpenedListed,
)
from comptoir.engine import Address, Asker, EngineError, Message, Reply
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.moves import Moves
from comptoir.engine.parking import Parked
from comptoir.engine.signing_testing import plaid_key
from comptoir.http.batches_testing import FakeBatches
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.letters_testing import FakeLetters, of_dispositions
from comptoir.http.notices_testing import of_notices
from comptoir.http.payouts_testing import FakePayouts
from comptoir.http.principal import Principal, Role, Unauthenticated
from comptoir.http.review_testing import FakeReviews
from comptoir.http.rules import EdgeRules
from comptoir.http.rules_testing import rules_of
from comptoir.http.uploads_testing import FakeUploads

__all__ = ["NOW_MS", "SECRET", "FakeAnswer", "FakeAuthenticator", "FakeDaemon", "FakeHealth"]

SECRET = "a-test-secret-of-thirty-two-chars"  # noqa: S105 (of tests)
NOW_MS = 1_763_994_600_000
"""2025-11-24T14:30:00Z, the time of the specification's sample (S56)."""


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    """An answer to an ask."""

    reply: Reply | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class FakeHealth:
    """Health as told."""

    status: str = "ready"
    checks: Mapping[str, str] = field(default_factory=lambda: {"storage": "ok"})
    pending_messages: int = 0


Asked = Callable[[Address, Message], Awaitable[FakeAnswer]]


class FakeDaemon(FakeUploads, FakePayouts, FakeBatches, FakeReviews):
    """Records asks; raises `error`, else calls `asked`, else answers as the real actors would."""

    def __init__(self, secrets: Sequence[str] = (SECRET,), **rules: Any) -> None:
        """Take the rules of a daemon without accounts with these secrets, changed by `rules` (fields of
        EdgeRules).
        """
        super().__init__()
        self.rules: EdgeRules = replace(rules_of(tuple(secrets)), **rules)
        self.asks: list[tuple[Address, Message]] = []
        self.counts: list[tuple[str, str]] = []
        self.acks: list[float] = []
        self.error: Exception | None = None
        self.asked: Asked | None = None
        self.replayed = False
        self.outcome = "matched"
        self.state = FakeHealth()
        self.identity: Identity | None = None
        self.now = NOW_MS
        self.quiet = True
        self.wallets: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.transactions: dict[str, dict[str, Any]] = {}
        self.linked: dict[str, dict[str, dict[str, Any]]] = {}
        self.weeks: dict[str, dict[str, dict[str, int]]] = {}
        self.sessions: dict[str, str] = {}
        """Linking sessions: whose they are. Each has come to its end already."""
        self.moves = Moves()
        self.public_url = "https://comptoir.example"
        self.people: list[str] = []
        self.letters = FakeLetters()
        self.parties: list[Parked] = []
        self.proposals: dict[str, bool] = {}
        self.has_key_store = True
        key = plaid_key(SECRET)
        self.keys_of_plaid: dict[str, dict[str, object]] = {str(key["kid"]): key}
        self.keys_asked: list[str] = []
        self.key_fault: CallFault | None = None

    def ask_for(self, asker: Asker[FakeAnswer], address: Address, message: Message) -> None:
        """Record and answer: at once, or when `asked` does."""
        if self.error is None and self.asked is not None:
            trio.lowlevel.spawn_system_task(self._answer, asker, address, message)
            return
        self.asks.append((address, message))
        if self.error is not None:
            raise self.error
        asker.give(self.quiet_answer(address, message))

    async def _answer(self, asker: Asker[FakeAnswer], address: Address, message: Message) -> None:
        try:
            asker.give(await self.ask(address, message))
        except EngineError as error:
            asker.fail(error)

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> FakeAnswer:
        """Record and answer."""
        del timeout_s
        self.asks.append((address, message))
        if self.error is not None:
            raise self.error
        if self.asked is not None:
            return await self.asked(address, message)
        return self.quiet_answer(address, message)

    def quiet_answer(self, address: Address, message: Message) -> FakeAnswer:
        """What is answered where a test says nothing else."""
        if isinstance(message, LinkConnection):
            return FakeAnswer(Linked("imported"))
        if isinstance(message, BeginRequest):
            return FakeAnswer(RequestBegun(message.seed))
        if isinstance(message, EndRequest):
            return FakeAnswer(RequestForgotten())
        if address.kind == LINKING:
            return FakeAnswer(self._of_linking(address.key, message))
        if isinstance(message, Revoke | Sync | RenewConsent):
            if isinstance(message, RenewConsent):
                self.sessions[message.session] = "u"
            return FakeAnswer(Underway())
        if message.__class__ in _ABOUT_PEOPLE:
            return FakeAnswer(_ABOUT_PEOPLE[message.__class__](message))
        if isinstance(message, InvitePerson):
            return FakeAnswer(PersonInvited(self.now + message.lifetime_ms))
        if message.__class__.__module__ == invitation.__name__:
            return FakeAnswer(self._of_invitations(message), self.replayed)
        if (reply := self._of_business(address, message)) is not None:
            return FakeAnswer(reply)
        if message.__class__.__module__ == clients.__name__:
            return FakeAnswer(self._of_clients(message))
        return FakeAnswer(TransactionTaken(self.outcome), self.replayed)

    def _of_business(self, address: Address, message: Message) -> Reply | None:
        known = (self.of_matching, self.of_batches, self.of_compliance, self.of_payouts, of_notices)
        return next(filter(None, (of(address, message) for of in known)), None)

    def _of_linking(self, session: str, message: Message) -> Reply:
        """A session whose person is back already, and whose card is linked."""
        if isinstance(message, OpenLink):
            self.sessions[session] = message.user_id
        user_id = self.sessions.get(session)
        if user_id is None:
            return LinkStood("unknown", taken=False)
        opened = ConnectionOpened("cn_" + "0" * 20, self.now, self.now)
        return LinkStood(
            "linked", user_id, "https://app.example/linked", "https://bank.example/authorize", self.now,
            "", "seed", opened, "Bank", "4242",
        )  # fmt: skip

    def _of_clients(self, message: Message) -> Reply:
        """A registry in which everybody is, with every scope."""
        match message:
            case clients.RegisterClient(client_id=client_id, name=name, scopes=scopes):
                registered = clients.Client(client_id, name, scopes, self.now)
                return clients.ClientRegistered(registered)
            case clients.RevokeClient(client_id=client_id):
                return clients.ClientRevoked(client_id)
            case clients.AuthenticateClient(client_id=client_id):
                return clients.ClientAuthenticated(client_id)
            case clients.GrantToken(client_id=client_id, scopes=scopes):
                return clients.TokenGranted(client_id, scopes)
            case _:
                return clients.ClientsListed(())

    def _of_invitations(self, message: Message) -> Reply:
        """An invitation that goes well, step by step."""
        match message:
            case invitation.InviteClient(phone=phone):
                channel: invitation.Channel = "sms" if phone else "mail"
                return invitation.ClientInvited(self.now + 1000, channel)
            case invitation.EnterCode():
                return invitation.CodeAccepted(1000)
            case _:
                return invitation.CodeSent("sms", self.now + 1000)

    def now_ms(self) -> int:
        """The time as set."""
        return self.now

    def blind(self, provider: str, connection_id: str) -> str:
        """A readable index, so that tests see whom it names."""
        return f"blind:{provider}:{connection_id}"

    def person_key(self, subject: str) -> str:
        """A readable index."""
        return f"blind:person:{subject}"

    async def staff(self, after: str, limit: int) -> Sequence[str]:
        """As set, in their order."""
        return [key for key in sorted(self.people) if key > after][:limit]

    async def plaid_key(self, key_id: str) -> Mapping[str, object] | None:
        """That of SECRET, unless `key_fault` is set."""
        self.keys_asked.append(key_id)
        if self.key_fault is not None:
            raise self.key_fault
        return self.keys_of_plaid.get(key_id)

    async def parking(self) -> Sequence[Parked]:
        """As set."""
        return self.parties

    async def waiting(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """As set, in their order."""
        return [one for one in sorted(self.proposals.items()) if one[0] > after][:limit]

    def count_webhook(self, result: str, code: str) -> None:
        """Record."""
        self.counts.append((result, code))

    def observe_ack(self, seconds: float) -> None:
        """Record."""
        self.acks.append(seconds)

    def health(self) -> FakeHealth:
        """As set."""
        return self.state

    def metrics_text(self) -> bytes:
        """One metric."""
        return b"comptoir_messages_pending 0\n"

    async def quiesce(self, timeout_s: float) -> bool:
        """As set."""
        del timeout_s
        return self.quiet

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move the time; one timer fires."""
        self.now += int(seconds * 1000)
        return self.now, 1

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """As set."""
        return self.wallets.get(user_id)

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """As set, newest first."""
        history = self.histories.get(user_id, [])
        below = [entry for entry in history if before is None or entry[0] < before]
        return sorted(below, key=lambda entry: -entry[0])[:limit]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """As set."""
        return self.transactions.get(transaction_id)

    async def connections(self, user_id: str) -> Mapping[str, Mapping[str, Any]]:
        """As set."""
        return self.linked.get(user_id, {})

    async def connection(self, connection_id: str) -> Mapping[str, str] | None:
        """As set; its key is its id."""
        for user_id, connections in self.linked.items():
            if connection_id in connections:
                return {"user_id": user_id, "key": connection_id}
        return None

    async def consent_weeks(
        self, weeks: Sequence[str]
    ) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """As set."""
        return {week: self.weeks[week] for week in weeks if week in self.weeks}


def _decided(status: str) -> approval.ApprovalDescribed:
    return approval.ApprovalDescribed(
        "staff.invite", status, "0" * 64, "", (), "maker", "checker", NOW_MS
    )


AN_OPEN_ONE = Opened("browser_session", "a browser's")
"""What everybody has open."""
_ABOUT_PEOPLE: Mapping[type[Message], Callable[[Any], Reply]] = {
    EndAccess: lambda _message: AccessEnded(1),
    RemovePerson: lambda _message: PersonRemoved(1),
    DescribePerson: lambda _message: PersonDescribed("m.durand", ("ADMIN",), "enrolled", NOW_MS),
    approval.Propose: lambda message: approval.Proposed("0" * 64, NOW_MS + message.lifetime_ms),
    approval.Approve: lambda _message: _decided("approved"),
    approval.Reject: lambda _message: _decided("rejected"),
    approval.DescribeApproval: lambda _message: _decided("pending"),
    **dict.fromkeys(
        (DisposeLetter, ReplayLetters, DescribeDisposition),
        lambda message: of_dispositions(message, NOW_MS),
    ),
    ListReports: lambda _message: ReportsListed((), 0),
    ListOpened: lambda _message: OpenedListed((AN_OPEN_ONE,)),
    EndOpened: lambda _message: OpenedEnded((AN_OPEN_ONE,)),
    DescribeErasure: lambda _message: ErasureDescribed("erased", 1, NOW_MS),
}
"""What a daemon answers in which everybody is there."""


class FakeAuthenticator:
    """Takes `Bearer WORDS.SUB`: words joined by `+`, each a role, a scope (which has a colon), or how they
    signed in: `otp` is one factor, `old` is long ago; else it was with two, now.
    """

    def __init__(self) -> None:
        """Count who asks."""
        self.asked = 0

    async def principal(self, authorization: list[str]) -> Principal:
        """Read the one header."""
        self.asked += 1
        if len(authorization) != 1:
            raise Unauthenticated("none" if not authorization else "several")
        scheme, _, token = authorization[0].partition(" ")
        words, dot, subject = token.partition(".")
        if scheme.lower() != "bearer" or not dot or not subject:
            raise Unauthenticated("malformed")
        given = [word for word in words.split("+") if word]
        scopes = frozenset(word for word in given if ":" in word)
        methods = frozenset(("otp",) if "otp" in given else ("mfa",))
        signed_in_at = 1 if "old" in given else wall_seconds()
        known = {*scopes, "otp", "old"}
        try:
            roles = frozenset(Role(word) for word in given if word not in known)
        except ValueError as error:
            raise Unauthenticated("unknown") from error
        return Principal(
            subject, "https://issuer.example", roles, scopes, methods, signed_in_at=signed_in_at
        )
