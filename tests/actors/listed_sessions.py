"""Samples of the list of a person's sessions: each phase, and what may be said to it."""

from comptoir.actors.sessions import machine as sessions
from comptoir.actors.sessions.messages import EndOpened, ListOpened, NoteOpened
from comptoir.engine import Message

__all__ = ["LISTS", "TO_SESSIONS"]

NOW = 1_800_000_000_000
OPEN = sessions.Entry("browser_session", "s", NOW + 1000)
LISTS = (
    sessions.SessionsState(sessions.Phase.NONE),
    sessions.SessionsState(sessions.Phase.LISTED, (OPEN,)),
)
TO_SESSIONS: tuple[Message, ...] = (
    NoteOpened("refresh_family", "f", NOW + 1000, "s"), ListOpened(), EndOpened("s"),
)  # fmt: skip
