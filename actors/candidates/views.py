"""What a backtest reads of candidates, from what is committed (X23)."""

import msgspec

from comptoir.actors.candidates.machine import CandidatesState
from comptoir.actors.candidates.messages import COLLECTION, KIND, Candidate
from comptoir.engine.journal import Journal
from comptoir.engine.values import Address

__all__ = ["find_candidates"]

_STATES = msgspec.json.Decoder(CandidatesState)


async def find_candidates(
    journal: Journal, after: str, users: int, now: int
) -> tuple[str | None, list[Candidate]]:
    """Those of a page of users, in the order of their ids; and the last of them, None where there is none.

    Args:
        journal: where they are.
        after: the user before the page.
        users: at most so many.
        now: business time, ms: what is over by then is left out.
    """
    page = await journal.scan(COLLECTION, after, users)
    found: list[Candidate] = []
    for user_id, document in page:
        loaded = await journal.load(Address(KIND, user_id)) if document["holds"] else None
        if loaded is not None:
            kept = _STATES.decode(loaded.state).kept
            found += [one for one in kept if one.until > now]
    return (page[-1][0] if page else None), found
