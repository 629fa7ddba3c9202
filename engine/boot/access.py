"""What a daemon opens before it can say who calls, where there are accounts.

Rule: nothing here listens; whoever listens tells the identity where, before the first connection.
Source: interface.md 3 and 9; design.md 7.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
import trio

from comptoir.actors.approval.kind import approval_spec
from comptoir.actors.authorization_code.kind import authorization_code_spec
from comptoir.actors.browser_session.kind import browser_session_spec
from comptoir.actors.ceremony.kind import ceremony_spec
from comptoir.actors.clients import machine as clients
from comptoir.actors.consent.kind import consent_spec
from comptoir.actors.disposition.kind import disposition_spec
from comptoir.actors.erasure.kind import erasure_spec
from comptoir.actors.idempotency.kind import idempotency_spec
from comptoir.actors.invitation.kind import invitation_spec
from comptoir.actors.issuance import machine as issuance
from comptoir.actors.letter_report.kind import letter_report_spec
from comptoir.actors.merchants.messages import CATALOGUE, PartnersImported
from comptoir.actors.person.kind import person_spec
from comptoir.actors.refresh_family.kind import refresh_family_spec
from comptoir.actors.revocation.messages import REFERENCE as REVOCATIONS
from comptoir.actors.revocation.messages import AccessEnded
from comptoir.actors.revocation.reading import revocation_spec, revocations_reference
from comptoir.actors.sessions.kind import sessions_spec
from comptoir.engine.reference import ReferenceSpec
from comptoir.engine.settings import Settings
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.telemetry import Telemetry
from comptoir.engine.values import Reply
from comptoir.http.identity.measures import IdentityCollector
from comptoir.http.identity.opening import Identity, open_identity
from comptoir.http.identity.signing import TOKEN_SECONDS_MAX
from comptoir.storage._place import make_data_dir

__all__ = ["access_life_ms", "access_references", "access_specs", "open_accounts", "published_by"]

log = structlog.get_logger("comptoir.boot")


def access_specs(bounds: Bounds) -> tuple[ActorSpec[Any], ...]:
    """The kinds of actor that access is made of, the memory of what callers asked for, and what people of
    the house decide.
    """
    return (
        ActorSpec(clients.MACHINE, clients.RegistryState, replies=clients.REPLIES),
        ActorSpec(issuance.MACHINE, issuance.IssuanceState, replies=issuance.REPLIES),
        person_spec(bounds),
        invitation_spec(bounds),
        browser_session_spec(bounds),
        ceremony_spec(bounds),
        authorization_code_spec(bounds),
        refresh_family_spec(bounds),
        consent_spec(bounds),
        sessions_spec(bounds),
        idempotency_spec(bounds),
        revocation_spec(),
        approval_spec(bounds),
        erasure_spec(),
        disposition_spec(bounds),
        letter_report_spec(bounds),
    )


def access_references(identity: Identity | None) -> tuple[ReferenceSpec, ...]:
    """The snapshots that access is judged by."""
    return (revocations_reference(identity.learn if identity else lambda _snapshot: None),)


def access_life_ms(settings: Settings) -> int:
    """For how long an access token of ours may hold, those that are made by hand included."""
    auth = settings.auth
    by_hand_s = TOKEN_SECONDS_MAX if auth.dev_tokens else 0
    return max(auth.access_token_minutes * 60, by_hand_s) * 1000


def published_by(reply: Reply | None) -> tuple[str, int] | None:
    """Which snapshot, and which number of it, has what this reply tells of; None if none has to."""
    if isinstance(
        reply, PartnersImported
    ):  # an import is over when purchases are matched against it
        return CATALOGUE, reply.version
    return (REVOCATIONS, reply.version) if isinstance(reply, AccessEnded) else None


@asynccontextmanager
async def open_accounts(
    settings: Settings, telemetry: Telemetry, key_of: Callable[[str], str]
) -> AsyncGenerator[Identity | None, None]:
    """What verifies and signs tokens, measured; None where auth.mode is loopback. Until the engine has
    published what is over, no token of ours is taken.

    Args:
        settings: of the daemon.
        telemetry: where its figures go.
        key_of: from a `sub` to the key of that person's actor.

    Raises:
        SigningKeysUnsafe: others may read the keys that sign.
    """
    if settings.auth.mode == "loopback":
        log.warning("no access tokens: the API is open to this machine only (auth.mode)")
        yield None
        return
    if settings.auth.dev_tokens:
        log.warning("who reads the data folder may have any token (auth.dev_tokens)")
    await trio.to_thread.run_sync(make_data_dir, settings.storage.data_dir.resolve())
    async with open_identity(settings) as identity:
        identity.key_of, identity.revocations = key_of, None
        collector = IdentityCollector(identity)
        telemetry.registry.register(collector)
        try:
            yield identity
        finally:
            telemetry.registry.unregister(collector)
