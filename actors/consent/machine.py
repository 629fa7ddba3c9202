"""The machine of a person's consents: which programs of others they let act for them, and for what.

Rules:
- a consent is for what was shown and no more: a client that asks for more is asked about again;
- it is of the person as they are now: who was invited anew has let nobody do anything;
- each consent has a number of its own, which goes into every code and family that comes of it; a family is
  heard of by the decision that opens it, so in whatever order an opening and a withdrawal come, it ends;
- a withdrawal ends every family of that client, and their access tokens with them;
- so many clients and families are remembered and no more: beyond, the oldest ends.

Source: RFC 6749 section 10.2; RFC 9700; OpenID Connect Core 1.0 section 3.1.2.4; OWASP ASVS 5, 7.6.2,
10.4.9 and 10.7.1 to 10.7.3; spec.md S34, S60.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.consent.messages import (
    KIND,
    ConsentFound,
    ConsentMissing,
    ConsentShown,
    ConsentsListed,
    ConsentWithdrawn,
    FindConsent,
    GiveConsent,
    ListConsents,
    NoteFamily,
    WithdrawConsent,
)
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import EndFamily
from comptoir.engine import Address, Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "ConsentEnded", "ConsentGiven", "ConsentState", "Phase"]

WITHDRAWN: Final = "consent_withdrawn"
"""Why a family ends."""
CLIENTS_MAX: Final = 100
"""As many as `auth.clients` may name."""
FAMILIES_MAX: Final = 32
"""Of one client: sign-ins of a week on several devices."""


class Phase(Enum):
    """Whether the person ever let anybody."""

    NONE = "none"
    KEPT = "kept"


class Family(msgspec.Struct, frozen=True):
    """A family of refresh tokens that came of it."""

    key: str
    expires_at: int
    """Business time, ms since 1970: by then it has ended by itself."""


class Consent(msgspec.Struct, frozen=True):
    """One client."""

    client_id: str
    scopes: tuple[str, ...]
    generation: int
    """Of what the person had."""
    number: int
    since: int
    """Business time, ms since 1970."""
    families: tuple[Family, ...] = ()
    """The oldest first."""


class ConsentState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    number: int = 0
    """The last one that was given."""
    consents: tuple[Consent, ...] = ()
    """The oldest first."""

    def of(self, client_id: str) -> Consent | None:
        """That of a client."""
        return next((one for one in self.consents if one.client_id == client_id), None)


class ConsentGiven(Event, frozen=True):
    """The person lets a client act for them (adr/0027: whose actor this is, is sealed with what is theirs)."""

    client_id: str
    scopes: tuple[str, ...]


class ConsentEnded(Event, frozen=True):
    """And no more; so many families ended."""

    client_id: str
    families: int
    why: str
    """`withdrawn`, `displaced`: by newer ones, or `another_person`: it was of who they were before."""


Outcome = Decision[ConsentState]


def _find(state: ConsentState, message: FindConsent, context: Context) -> Outcome:
    given = state.of(message.client_id)
    holds = (
        given is not None
        and given.generation == message.generation
        and set(message.scopes) <= set(given.scopes)
        and (not message.within_ms or context.now - given.since <= message.within_ms)
    )
    return Decision(state, ConsentFound(given.number) if given and holds else ConsentMissing())


def _give(state: ConsentState, message: GiveConsent, context: Context) -> Outcome:
    before = state.of(message.client_id)
    happened: list[Event] = []
    over: list[Consent] = []
    if before is not None and before.generation != message.generation:
        over.append(before)
        happened.append(_end_of(before, "another_person"))
        before = None
    scopes = tuple(dict.fromkeys((*(before.scopes if before else ()), *message.scopes)))
    number = before.number if before else state.number + 1
    families = before.families if before else ()
    given = Consent(message.client_id, scopes, message.generation, number, context.now, families)
    others = tuple(one for one in state.consents if one.client_id != message.client_id)
    for displaced in others[: max(0, len(others) + 1 - CLIENTS_MAX)]:
        over.append(displaced)
        happened.append(_end_of(displaced, "displaced"))
    kept = (*others[-(CLIENTS_MAX - 1) :], given)
    happened.append(ConsentGiven(message.client_id, scopes))
    return Decision(
        ConsentState(Phase.KEPT, max(state.number, number), kept),
        ConsentFound(number),
        events=tuple(happened),
        messages=tuple(sent for one in over for sent in _ends(one.families, context)),
    )


def _withdraw(state: ConsentState, message: WithdrawConsent, context: Context) -> Outcome:
    given = state.of(message.client_id)
    if given is None:  # an answer was lost, or it never was
        return Decision(state, ConsentWithdrawn())
    kept = tuple(one for one in state.consents if one is not given)
    sent = _ends(given.families, context)
    return Decision(
        msgspec.structs.replace(state, consents=kept),
        ConsentWithdrawn(tuple(one.target.key for one in sent)),
        events=(_end_of(given, "withdrawn"),),
        messages=sent,
    )


def _list(state: ConsentState, _message: ListConsents, _context: Context) -> Outcome:
    shown = tuple(ConsentShown(one.client_id, one.scopes, one.since) for one in state.consents)
    return Decision(state, ConsentsListed(shown))


def _note(state: ConsentState, message: NoteFamily, context: Context) -> Outcome:
    given = state.of(message.client_id)
    if given is None or given.number != message.number:
        return _stale(state, message, context)
    over = max(0, len(given.families) + 1 - FAMILIES_MAX)
    newest = Family(message.family, message.expires_at)
    noted = msgspec.structs.replace(given, families=(*given.families[over:], newest))
    kept = tuple(noted if one is given else one for one in state.consents)
    return Decision(
        msgspec.structs.replace(state, consents=kept),
        messages=_ends(given.families[:over], context),
    )


def _stale(state: ConsentState, message: NoteFamily, _context: Context) -> Outcome:
    return Decision(state, messages=(_ending(message.family),))


def _ends(families: tuple[Family, ...], context: Context) -> tuple[Outgoing, ...]:
    return tuple(_ending(one.key) for one in families if one.expires_at > context.now)


def _ending(key: str) -> Outgoing:
    return Outgoing(Address(FAMILY, key), EndFamily(WITHDRAWN))


def _end_of(given: Consent, why: str) -> ConsentEnded:
    return ConsentEnded(given.client_id, len(given.families), why)


MACHINE: Machine[ConsentState] = Machine(
    KIND,
    phases=Phase,
    messages=(FindConsent, GiveConsent, WithdrawConsent, ListConsents, NoteFamily),
    rows=(
        row(Phase.NONE, FindConsent, _find, Phase.NONE),
        row(Phase.NONE, GiveConsent, _give, Phase.KEPT),
        row(Phase.NONE, WithdrawConsent, _withdraw, Phase.NONE),
        row(Phase.NONE, ListConsents, _list, Phase.NONE),
        row(Phase.NONE, NoteFamily, _stale, Phase.NONE),
        row(Phase.KEPT, FindConsent, _find, Phase.KEPT),
        row(Phase.KEPT, GiveConsent, _give, Phase.KEPT),
        row(Phase.KEPT, WithdrawConsent, _withdraw, Phase.KEPT),
        row(Phase.KEPT, ListConsents, _list, Phase.KEPT),
        row(Phase.KEPT, NoteFamily, _note, Phase.KEPT),
    ),
)

REPLIES: tuple[type[Reply], ...] = (ConsentFound, ConsentMissing, ConsentsListed, ConsentWithdrawn)
