"""What the edge needs of the daemon behind it, as one Protocol.

The rule: nothing in this room knows the engine's class, a journal or a database; the composition
root hands it an object with these members, and tests hand it a fake daemon that records asks.
Source: design.md 1 (the rooms) and 2 (the one path).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from comptoir.actors.candidates.messages import Candidate
from comptoir.actors.gateways.kyc_messages import CheckImpossible, PartyScreened
from comptoir.actors.gateways.payee import PayeeVerified, VerifyPayee
from comptoir.actors.kyc.messages import Party
from comptoir.actors.merchants.messages import Purchase
from comptoir.engine import Address, Asker, Message, Reply
from comptoir.engine.letters import LetterReads
from comptoir.engine.moves import Moves
from comptoir.engine.objects import ObjectStore, UploadDoor
from comptoir.engine.parking import Parked
from comptoir.http.accounts_port import AccountsPort
from comptoir.http.books_port import BooksPort
from comptoir.http.events_port import EventsPort
from comptoir.http.identity.opening import Identity
from comptoir.http.review_port import ReviewPort
from comptoir.http.rules import EdgeRules
from comptoir.http.signing_port import SigningPort

__all__ = ["Answer", "ApiPort", "BatchRow", "Health", "Port", "WebhookPort"]


class Answer(Protocol):
    """A reply, and whether it is the first one again because its `once` key was taken before."""

    @property
    def reply(self) -> Reply | None:
        """What the actor answered, once durable."""
        ...

    @property
    def replayed(self) -> bool:
        """True: nothing was done now; this is the answer given the first time."""
        ...


class BatchRow(NamedTuple):
    """A row of a batch of payouts."""

    reference: str
    withdrawal_id: str
    amount_cents: int
    currency: str
    is_in: bool
    """False: it has left again."""


class Health(Protocol):
    """How the daemon is, as `/health/ready` tells it."""

    @property
    def status(self) -> str:
        """`ready`, `starting`, `standby`, `degraded` or `stopping`."""
        ...

    @property
    def checks(self) -> Mapping[str, str]:
        """`ok`, or what is missing, by check."""
        ...

    @property
    def pending_messages(self) -> int:
        """Messages that are due and not handled."""
        ...


class WebhookPort(Protocol):
    """The part that receiving a webhook needs; a lane without Quart needs no more (issue f)."""

    @property
    def rules(self) -> EdgeRules:
        """The settings that bind the edge, compiled once."""
        ...

    def ask_for(self, asker: Asker[Answer], address: Address, message: Message) -> None:
        """Give a message to an actor; the asker hears when its decision is durable, or has failed.

        Raises:
            EngineError: it was not taken, and the asker hears nothing; one class per situation
                (`comptoir.engine.errors`).
        """
        ...

    def now_ms(self) -> int:
        """Business time in ms since 1970."""
        ...

    def blind(self, provider: str, connection_id: str) -> str:
        """The keyed blind index of a connection (X15): the same input gives the same text."""
        ...

    def count_webhook(self, result: str, code: str) -> None:
        """Count one webhook: result accepted, duplicate, parked or refused; code if refused."""
        ...

    def observe_ack(self, seconds: float) -> None:
        """Record the time from a webhook's last byte to its answer."""
        ...


class ApiPort(BooksPort, ReviewPort, EventsPort, SigningPort, AccountsPort, Protocol):
    """The part that the API needs: reads, health, the clock of tests."""

    @property
    def identity(self) -> Identity | None:
        """Who we are to the bearers of our tokens; None where there are no accounts."""
        ...

    def person_key(self, subject: str) -> str:
        """The key of a person's actor, by a keyed digest of their `sub` (X15)."""
        ...

    async def staff(self, after: str, limit: int) -> Sequence[str]:
        """A page of the keys of all people of the house, those after this one, in their order."""
        ...

    async def waiting(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """A page of proposals by their places (`approval.messages.place_of`), those after this one, in their
        order; and whether each still waits for a second person.
        """
        ...

    async def submission(self, place: str) -> str | None:
        """The number of the file to which a partner's own reference leads, by a keyed digest of both (X15)."""
        ...

    @property
    def objects(self) -> ObjectStore:
        """Where documents are.

        Raises:
            Stopping: it is not open.
        """
        ...

    @property
    def upload_door(self) -> UploadDoor | None:
        """Who takes uploads that come to this daemon; None: they go elsewhere.

        Raises:
            Stopping: it is not open.
        """
        ...

    def count_upload(self, result: str, code: str) -> None:
        """Count one upload: result taken, refused or left (by its sender); code if refused."""
        ...

    @property
    def letters(self) -> LetterReads:
        """The dead letters.

        Raises:
            Unavailable: the database is away.
        """
        ...

    async def parking(self) -> Sequence[Parked]:
        """How every gateway stands: what is parked, and when about it is released (E5)."""
        ...

    @property
    def has_key_store(self) -> bool:
        """Whether every person has a key of their own, which can be destroyed."""
        ...

    async def ask(
        self, address: Address, message: Message, timeout_s: float | None = None
    ) -> Answer:
        """Give a message to an actor and wait until its decision is durable, and what it ends is ended.

        Raises:
            EngineError: one class per situation (`comptoir.engine.errors`).
        """
        ...

    def health(self) -> Health:
        """How the daemon is now; no waiting."""
        ...

    def metrics_text(self) -> bytes:
        """All metrics in Prometheus text format."""
        ...

    async def quiesce(self, timeout_s: float) -> bool:
        """Wait until no message is due; False after the timeout."""
        ...

    async def advance_clock(self, seconds: float) -> tuple[int, int]:
        """Move business time; (now in ms, timers fired). Handled before it returns."""
        ...

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """A wallet as interface.md 7 shows it; None for a user never seen."""
        ...

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """A page of a user's history, newest first: (id, entry as shown), ids below `before`."""
        ...

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """A transaction as interface.md 7 shows it; None if not known or not kept (X23)."""
        ...

    async def plaid_key(self, key_id: str) -> Mapping[str, object] | None:
        """The JSON Web Key by which Plaid signs under this `kid`; None if it has none.

        Raises:
            CallFault: it cannot be had now (BANK_PROVIDER_UNAVAILABLE, OVERLOADED).
        """
        ...

    @property
    def moves(self) -> Moves:
        """Where to wait for the next decision of a linking session, or of a claim that waits for a provider."""
        ...

    @property
    def public_url(self) -> str:
        """Where browsers and outside parties reach this daemon, without a path."""
        ...

    async def connections(self, user_id: str) -> Mapping[str, Mapping[str, Any]]:
        """A user's connections by their ids, also those that were revoked."""
        ...

    async def connection(self, connection_id: str) -> Mapping[str, str] | None:
        """`user_id` and `key` (of the actor) of a connection; None if there never was one."""
        ...

    async def consent_weeks(
        self, weeks: Sequence[str]
    ) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """Week (its Monday) -> provider -> what became of consents -> how many; weeks without are left out."""
        ...

    async def partner(self, partner_id: str) -> Mapping[str, Any] | None:
        """A partner's columns; None if there is none."""
        ...

    async def partners(self, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Partners in the order of ids, after this one."""
        ...

    async def partner_changes(
        self, partner_id: str, before: int | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """What a partner was before it was replaced, the newest first; with versions below `before`."""
        ...

    def explain(self, purchase: Purchase) -> tuple[str, ...]:
        """How a purchase is matched now, step by step."""
        ...

    async def claims(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """A page of claims by their places (`claim.messages.place_of`), those after this one, in their order;
        and whether each still waits for a decision.
        """
        ...

    async def withdrawals(self, user_id: str, after: str, limit: int) -> Sequence[str]:
        """A page of a person's withdrawals by their places (`withdrawal.messages.place_of`), those after this
        one, in their order.
        """
        ...

    async def batches(self, after: str, limit: int) -> Sequence[str]:
        """A page of batches of payouts by their places (`payout_batch.messages.listed_key`), those after this
        one, in their order.
        """
        ...

    async def batch_rows(self, name: str, after: str, limit: int) -> Sequence[BatchRow]:
        """A page of the rows of a batch, by their references, those after this one."""
        ...

    async def verify_payee(self, wanted: VerifyPayee, asker: str) -> PayeeVerified:
        """Whether an account is in a name, asked of whose bank it is; never long, and never an error."""
        ...

    async def screen(self, party: Party) -> PartyScreened | CheckImpossible | None:
        """Whom the watch lists may mean by somebody; None: nobody knows now."""
        ...

    def seal_quote(self, user_id: str, quote: bytes) -> bytes:
        """A quote as its person keeps it: nobody can read it, and only this daemon's keys have made it."""
        ...

    def open_quote(self, sealed: bytes) -> bytes | None:
        """What was sealed; None: it was not, or its keys are gone."""
        ...

    async def overdue(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """A page of withdrawals that were overdue by their places, those after this one, the longest first; and
        whether each still is.
        """
        ...

    async def reconciliations(
        self, after: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """A page of reports of payments by their keys (`reconciliation.messages.report_key`), those after this
        one, in their order.
        """
        ...

    async def adjustments(self, after: str, limit: int) -> Sequence[str]:
        """A page of adjustments by their places (`wallet.messages.place_of`), those after this one, in their
        order.
        """
        ...

    async def adjustment(self, adjustment_id: str) -> Mapping[str, Any] | None:
        """What is noted of an adjustment, under the names of its wallet; None if nobody has asked for it."""
        ...

    async def cases(self, after: str, limit: int) -> Sequence[str]:
        """A page of files whose client was assessed, by their numbers, those after this one, in their order."""
        ...

    async def match_cases(self, after: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """A page of labelled cases, by the ids of their claims."""
        ...

    async def matched_purchases(
        self, after: str, limit: int
    ) -> tuple[str | None, Sequence[Mapping[str, Any]]]:
        """Documents of purchases that were matched, of a page by key; and where the page ended (None: there
        was nothing after `after`).
        """
        ...

    async def candidates(self, after: str, users: int) -> tuple[str | None, Sequence[Candidate]]:
        """What is kept for a page of users; and the last of them (None: there was none)."""
        ...


class Port(WebhookPort, ApiPort, Protocol):
    """All of it."""
