"""How decided cases are watched: searched for again whenever a list changes, or its client is called otherwise (S21, E4).

The rules:
- every case is searched for again, whatever it was decided to be; a search that is overtaken by another counts no more;
- who it is about is from then on who they are now, and a list is searched for their former names as well, the last four: a
  name that is given up clears nobody. What a person has said of a name is said of that name (E4);
- a hit that a person has judged stays silent while list and client say the same (E4);
- one that nobody has judged is an alert, and holds an approved case: a person must look. Its file is held with it, as
  long as its client has no account yet; afterwards the file stays as it is, and compliance looks all the same. Of a case
  that is held already a review is opened anew: whoever looks has not seen this hit. Of a rejected one there is the
  alert, and nothing to decide;
- a check that cannot be had leaves what is known as it was.
Source: spec.md S21, S27, X3, E4; docs/kyc.md.
"""

from typing import Final

import msgspec

from comptoir.actors.gateways.kyc_messages import CheckImpossible, ListedHit, PartyScreened
from comptoir.actors.kyc.concluding import NEW_HIT, CaseDecision, held_again
from comptoir.actors.kyc.gathering import found, screen_all
from comptoir.actors.kyc.messages import PartiesChanged, Party, RescreenCase
from comptoir.actors.kyc.state import CaseAlerted, KycState, Phase, check_of, open_hits
from comptoir.engine import Decision
from comptoir.engine.machine import Context

__all__ = ["changed", "rescreen", "rescreened", "unscreened"]

FORMER_MAX: Final = 4
"""Former names of one party that are searched for: each is a search of its own, of all lists."""


def changed(state: KycState, message: PartiesChanged, context: Context) -> CaseDecision:
    """They are called otherwise now; said again it is the same."""
    asked = state.asked
    assert asked is not None, "cases that have begun"
    before = {one.id: one for one in asked.parties}
    parties = tuple(_with_former(one, before.get(one.id, one)) for one in message.parties)
    if parties == asked.parties:
        return Decision(state)
    now = msgspec.structs.replace(asked, parties=parties)
    return rescreen(msgspec.structs.replace(state, asked=now), message, context)


def _with_former(now: Party, before: Party) -> Party:
    """A party with the names that it had before this one, each once."""
    names = dict.fromkeys((before.name, *before.former))
    former = tuple(name for name in names if name and name != now.name)
    return msgspec.structs.replace(now, former=former[:FORMER_MAX])


def rescreen(
    state: KycState, _message: RescreenCase | PartiesChanged, context: Context
) -> CaseDecision:
    """Search again for everybody; what the search before still asks is not waited for any more."""
    known = {one: code for one, code in state.impossible.items() if check_of(one) != "screening"}
    again = msgspec.structs.replace(state, searches=state.searches + 1, impossible=known)
    asked = tuple(screen_all(again, context))
    others = tuple(one for one in state.waits if check_of(one) != "screening")
    return Decision(
        msgspec.structs.replace(again, waits=(*others, *(reference for reference, _ in asked))),
        messages=tuple(out for _, out in asked),
    )


def rescreened(state: KycState, message: PartyScreened, context: Context) -> CaseDecision:
    """What a search has found of a decided case."""
    if message.reference not in state.waits:
        return Decision(state)
    known = {_place(*one) for one in open_hits(state)}
    searched = found(state, message)
    new = any(_place(*one) not in known for one in open_hits(searched))
    if not new:
        return Decision(searched)
    if state.phase is Phase.REJECTED:
        assert state.asked is not None, "decided cases have begun"
        alert = CaseAlerted(state.asked.round, (NEW_HIT,))
        return Decision(searched, events=(alert,))
    return held_again(searched, context)


def _place(party: str, hit: ListedHit) -> tuple[str, ...]:
    """What makes a hit another one."""
    return party, hit.list, hit.entry_id, hit.fingerprint


def unscreened(state: KycState, message: CheckImpossible, _context: Context) -> CaseDecision:
    """A decided case could not be searched for: what was found before stands."""
    waits = tuple(one for one in state.waits if one != message.reference)
    if waits == state.waits:
        return Decision(state)
    return Decision(msgspec.structs.replace(state, waits=waits))
