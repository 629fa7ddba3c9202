"""The composition root: the one place that knows every room and puts a daemon together.

Rule: only the command line, the shipped test fixtures and `Engine.open` come here; nothing else may
import it. Source: design.md 1; interface.md 11.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from comptoir.actors.account.machine import MACHINE as ACCOUNT
from comptoir.actors.approval.machine import MACHINE as APPROVAL
from comptoir.actors.authorization_code.machine import MACHINE as AUTHORIZATION_CODE
from comptoir.actors.browser_session.machine import MACHINE as BROWSER_SESSION
from comptoir.actors.candidates.machine import MACHINE as CANDIDATES
from comptoir.actors.card.machine import MACHINE as CARD
from comptoir.actors.ceremony.machine import MACHINE as CEREMONY
from comptoir.actors.claim.machine import MACHINE as CLAIM
from comptoir.actors.clients.machine import MACHINE as CLIENTS
from comptoir.actors.connection.machine import MACHINE as CONNECTION
from comptoir.actors.consent.machine import MACHINE as CONSENT
from comptoir.actors.consent_week.machine import MACHINE as CONSENT_WEEK
from comptoir.actors.device.machine import MACHINE as DEVICE
from comptoir.actors.disposition.machine import MACHINE as DISPOSITION
from comptoir.actors.endpoint.machine import MACHINE as ENDPOINT
from comptoir.actors.erasure.machine import MACHINE as ERASURE
from comptoir.actors.feed.machine import MACHINE as FEED
from comptoir.actors.idempotency.machine import MACHINE as IDEMPOTENCY
from comptoir.actors.invitation.machine import MACHINE as INVITATION
from comptoir.actors.issuance.machine import MACHINE as ISSUANCE
from comptoir.actors.kyc.machine import MACHINE as KYC
from comptoir.actors.letter_report.machine import MACHINE as LETTER_REPORT
from comptoir.actors.linking.machine import MACHINE as LINKING
from comptoir.actors.merchants.machine import MACHINE as MERCHANTS
from comptoir.actors.notification.machine import MACHINE as NOTIFICATION
from comptoir.actors.numbering.machine import MACHINE as NUMBERING
from comptoir.actors.onboarding.machine import MACHINE as ONBOARDING
from comptoir.actors.onboarding_day.machine import MACHINE as ONBOARDING_DAY
from comptoir.actors.payout_batch.machine import MACHINE as PAYOUT_BATCH
from comptoir.actors.payout_file.machine import MACHINE as PAYOUT_FILE
from comptoir.actors.payout_report.machine import MACHINE as PAYOUT_REPORT
from comptoir.actors.person.machine import MACHINE as PERSON
from comptoir.actors.reconciliation.machine import MACHINE as RECONCILIATION
from comptoir.actors.refresh_family.machine import MACHINE as REFRESH_FAMILY
from comptoir.actors.review.machine import MACHINE as REVIEW
from comptoir.actors.revocation.machine import MACHINE as REVOCATION
from comptoir.actors.sessions.machine import MACHINE as SESSIONS
from comptoir.actors.sighting.machine import MACHINE as SIGHTING
from comptoir.actors.signature.machine import MACHINE as SIGNATURE
from comptoir.actors.wallet.machine import MACHINE as WALLET
from comptoir.actors.watch_list.machine import MACHINE as WATCH_LIST
from comptoir.actors.withdrawal.machine import MACHINE as WITHDRAWAL
from comptoir.engine.boot.daemon import Daemon, embedded
from comptoir.engine.boot.serving import serve
from comptoir.engine.breaker import BREAKER
from comptoir.engine.engine import Engine
from comptoir.engine.failures import Failure, failure_of
from comptoir.engine.machine import Machine
from comptoir.engine.settings import Settings

__all__ = [
    "Daemon",
    "Failure",
    "embedded",
    "failure_of",
    "machines",
    "memory_engine",
    "migrate",
    "open_engine",
    "open_headless",
    "serve",
]


def machines() -> dict[str, Machine[Any]]:
    """Every machine by name, for drawing and for enumeration."""
    people = (PERSON, CEREMONY, INVITATION, BROWSER_SESSION)
    access = (ISSUANCE, CLIENTS, *people, AUTHORIZATION_CODE, REFRESH_FAMILY, CONSENT, SESSIONS)
    custody = (REVOCATION, APPROVAL, ERASURE, DISPOSITION)
    banking = (CONNECTION, CONSENT_WEEK, LINKING, CARD, WALLET, MERCHANTS, CANDIDATES, CLAIM)
    payouts = (PAYOUT_BATCH, PAYOUT_FILE, PAYOUT_REPORT)
    assessing = (ONBOARDING, SIGHTING, KYC, WATCH_LIST, REVIEW, ONBOARDING_DAY)
    filing = (
        *assessing,
        SIGNATURE,
        ACCOUNT,
        WITHDRAWAL,
        RECONCILIATION,
        NUMBERING,
        NOTIFICATION,
        DEVICE,
    )
    ours = (
        *banking,
        *payouts,
        *access,
        *custody,
        *filing,
        FEED,
        ENDPOINT,
        IDEMPOTENCY,
        LETTER_REPORT,
        BREAKER,
    )
    return {m.name: m for m in ours}


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncGenerator[Engine, None]:
    """The whole daemon, embedded in a test or a program (interface.md 11).

    A single error leaves as itself, not in a group: a caller's own must reach it as it was raised.
    """
    own: BaseException | None = None
    try:
        async with Daemon(settings).open() as daemon:
            assert daemon.engine is not None
            try:
                yield daemon.engine
            except BaseException as error:
                own = error
                raise
    except BaseExceptionGroup as group:
        alone: BaseException = group
        while alone is not own and isinstance(alone, BaseExceptionGroup):
            inside = cast("tuple[BaseException, ...]", alone.exceptions)
            if len(inside) != 1:
                raise
            alone = inside[0]
        raise alone from alone.__cause__


@asynccontextmanager
async def open_headless(settings: Settings) -> AsyncGenerator[Daemon, None]:
    """A daemon without its sockets: imports when none is running, under the writer's lock."""
    async with Daemon(settings).open(listen=False) as daemon:
        yield daemon


@asynccontextmanager
async def memory_engine(settings: Settings | None = None) -> AsyncGenerator[Engine, None]:
    """The cashback actors over an in-memory journal and a manual clock; no socket, no database."""
    from comptoir.storage.testing import MemoryJournal  # a test's, not a daemon's

    chosen = settings or Settings().having({("clock", "mode"): "manual"})
    daemon = Daemon(chosen)
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(MemoryJournal().open())
        daemon.engine = Engine(await daemon.parts(journal, stack))
        yield await stack.enter_async_context(daemon.engine.running())


async def migrate(settings: Settings) -> Any:
    """Bring the database to our schema; what was applied."""
    async with Daemon(settings).open(listen=False) as daemon:
        assert daemon.journal is not None
        return daemon.journal.migrated
