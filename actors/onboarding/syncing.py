"""One profile on both sides, once a client has an account (S33): what the mainframe says of it, and what we correct there.

Rules:
- of a client with an account the mainframe has the last word: what it says stands before what anybody else said, and all
  of it is kept and shown with who said it. Each change is applied once, in its order (actors/account/applying.py sees to it);
- what is the same in the letters of a record is the same: the spelling that was said before stays, and nothing has
  changed. So our own change, when it comes back, is known, and an echo is no news;
- nothing that the mainframe says leads to a command: only a person corrects. An advisor corrects an address, whole, when
  it can be a record; names, which documents were held against, and a national id are never corrected here (X11);
- who is called otherwise there is searched for in the lists again (S21): an account is no reason to look no more. Whom
  a file is about now is told to its case with everything that is news, and the case knows whether it is news to it;
- a correction is shown beside the profile, and stands when the mainframe has said that it is so. One at a time.
Source: spec.md S21, S29, S33, X11, X12, E11; docs/adr/0059-a-profile-has-one-writer-once-there-is-an-account.md.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from comptoir.actors.account.messages import KIND as ACCOUNT
from comptoir.actors.account.messages import (
    CoreProfileChanged,
    CorrectionAnswered,
    CorrectProfile,
)
from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import PartiesChanged
from comptoir.actors.onboarding.account_fields import account_of, in_record, refusal_code, unfit
from comptoir.actors.onboarding.completing import profile_of
from comptoir.actors.onboarding.messages import (
    ADVISOR,
    MAINFRAME,
    ChangeProfile,
    ProfileClosed,
    ProfileRefused,
    Said,
    Value,
)
from comptoir.actors.onboarding.onward import Outcome, with_onward
from comptoir.actors.onboarding.onward_events import (
    CorrectionAsked,
    CorrectionEnded,
    ProfileSynced,
)
from comptoir.actors.onboarding.onward_messages import CorrectionKept
from comptoir.actors.onboarding.people import parties_of
from comptoir.actors.onboarding.profile import stands, values, with_said
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import terms_of
from comptoir.engine import Address, Decision, Event, Outgoing
from comptoir.engine.machine import Context, row

__all__ = ["CORRECTABLE", "SYNCING_ROWS"]

CORRECTABLE: Final = ("address/street", "address/city", "address/province", "address/postalCode")
"""An address, as far as records have one; another country is another file."""
OPEN: Final = ("asked", "taken", "unconfirmed")
"""A correction of which the mainframe has not yet said that it is so."""


def _synced(state: OnboardingState, message: CoreProfileChanged, context: Context) -> Outcome:
    """The mainframe's profile is another."""
    if state.forgotten:
        return Decision(state)
    page = terms_of(context).code_page
    entity = "entity/name" in values(state.said)
    changes = ((_place(path, entity=entity), text) for path, text in message.fields.items())
    heard = {path: _spelled(state, path, text, page) for path, text in changes}
    news = {path: x for path, x in heard.items() if stands(state.said.get(path, ())) != x}
    if not news:
        return _applied(state, ())
    said = Said(None, MAINFRAME, "", message.at)
    after = msgspec.structs.replace(
        state, said=with_said(state.said, news, said), version=state.version + 1,
        updated_at=context.now,
    )  # fmt: skip
    paths = tuple(sorted(news))
    synced = ProfileSynced(message.change_id, message.sequence, paths, message.at)
    made = _applied(after, (synced,))
    again = Outgoing(Address(CASE, context.address.key), PartiesChanged(parties_of(after)))
    return msgspec.structs.replace(made, messages=(again,))


def _place(path: str, *, entity: bool) -> str:
    """Where it stands in a profile: a record has the name of a client who is no person in the field of the last name."""
    return "entity/name" if entity and path == "lastName" else path


def _spelled(state: OnboardingState, path: str, text: str, page: str) -> Value:
    """As somebody here has said it, where that is the same in a record; else as the record has it."""
    if not text:
        return None
    wanted = in_record(path, text, page)
    ours = (state.onward.correction.fields.get(path), *(x.value for x in state.said.get(path, ())))
    known = (x for x in ours if isinstance(x, str) and x)
    return next((x for x in known if in_record(path, x, page) == wanted), text)


def _applied(state: OnboardingState, events: tuple[Event, ...]) -> Outcome:
    """With its correction applied, where all of it is so now."""
    kept, known = state.onward.correction, values(state.said)
    if kept.status not in OPEN or any(known.get(x, "") != y for x, y in kept.fields.items()):
        return Decision(state, events=events)
    done = msgspec.structs.replace(kept, status="applied", code="")
    ended = CorrectionEnded(kept.number, "applied")
    return Decision(_shown_anew(with_onward(state, correction=done)), events=(*events, ended))


def _shown_anew(state: OnboardingState) -> OnboardingState:
    """What is told of the profile is another: so is its version."""
    return msgspec.structs.replace(state, version=state.version + 1)


def _answered(state: OnboardingState, message: CorrectionAnswered, context: Context) -> Outcome:
    """What the mainframe answers to a correction; its change may have come before."""
    kept = state.onward.correction
    if kept.number != message.number or kept.status not in ("asked", "unconfirmed"):
        return Decision(state)
    code = refusal_code(message.code) if message.outcome == "refused" else ""
    now = msgspec.structs.replace(kept, status=message.outcome, code=code)
    after = msgspec.structs.replace(with_onward(state, correction=now), updated_at=context.now)
    ended = CorrectionEnded(kept.number, message.outcome, code)
    return Decision(_shown_anew(after), events=(ended,))


def _correct(state: OnboardingState, message: ChangeProfile, context: Context) -> Outcome:
    """An advisor says that a client with an account lives elsewhere."""
    terms, known = terms_of(context), values(state.said)
    if message.source != ADVISOR or not terms.accounts or message.changes.keys() - {*CORRECTABLE}:
        return Decision(state, ProfileClosed())
    if message.expected not in (None, state.version):
        return Decision(state, ProfileRefused("PRECONDITION_FAILED", ""))
    said = {
        path: value if isinstance(value, str) else "" for path, value in message.changes.items()
    }
    wanted = {x: y for x, y in said.items() if not _same(x, y, known, terms.code_page)}
    address = {**known, **wanted}
    no_record = [path for path in unfit(address, terms.code_page) if path in CORRECTABLE]
    if no_record:
        return Decision(state, ProfileRefused("PROFILE_FIELD_UNFIT", no_record[0]))
    if not wanted:
        return Decision(state, profile_of(state, terms))
    if state.onward.correction.status == "asked":
        return Decision(state, ProfileRefused("CORRECTION_PENDING", ""))
    number = state.onward.correction.number + 1
    kept = CorrectionKept(number, "asked", wanted, message.by, context.now)
    after = msgspec.structs.replace(with_onward(state, correction=kept), updated_at=context.now)
    after = _shown_anew(after)
    order = CorrectProfile(number, account_of(address))
    return Decision(
        after,
        profile_of(after, terms),
        events=(CorrectionAsked(message.by, number, tuple(sorted(wanted))),),
        messages=(Outgoing(Address(ACCOUNT, context.address.key), order),),
    )


def _same(path: str, text: str, known: Mapping[str, Value], page: str) -> bool:
    """Whether a record would say of it what it says now."""
    stood = known.get(path, "")
    there = in_record(path, stood, page) if isinstance(stood, str) else None
    return there is not None and in_record(path, text, page) == there


_BEGUN: Final = tuple(phase for phase in Phase if phase is not Phase.NONE)

SYNCING_ROWS: Final = (
    *(row(x, CoreProfileChanged, _synced, x) for x in _BEGUN),
    *(row(x, CorrectionAnswered, _answered, x) for x in _BEGUN),
    row(Phase.COMPLETED, ChangeProfile, _correct, Phase.COMPLETED),
)
