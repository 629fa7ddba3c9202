"""What the mainframe is told to say by itself: a refusal, its own trouble, or a change of a profile.

Rule: an order has every field in text, at the places where mainframe_says.cob reads it; the record is whoever's program it is.
Source: spec.md S30, S31, S33, X10; docs/sandbox.md.
"""

from typing import NamedTuple

from comptoir.sandbox.parties.mainframe_records import Wrong, change_record, moment, reply_record

__all__ = ["Change", "Refusal", "order_of", "record_of"]


class Refusal(NamedTuple):
    """ACCOUNT-REPLY without an account."""

    client_id: str
    status: str
    """08: refused. 16: a system error, of which nothing is known."""
    reason: str


class Change(NamedTuple):
    """PROFILE-CHANGE."""

    client_id: str
    change_id: str
    sequence: int
    at_ms: int
    field: str
    """As the copybook calls it."""
    value: str


def order_of(said: Refusal | Change) -> bytes:
    """As mainframe_says.cob reads it: 163 bytes of Latin-1.

    Raises:
        Wrong: a character that Latin-1 has not.
    """
    if isinstance(said, Refusal):
        client, status, reason = said
        text = f"ACRP{client:<20.20}{status:<2.2}{reason:<42.42}{'':12}{0:09d}{0:014d}{'':60}"
    else:
        at = moment(said.at_ms)
        text = (
            f"CHNG{said.client_id:<20.20}{'':44}{said.change_id:<12.12}{said.sequence:09d}{at}"
            f"{said.field:<20.20}{said.value:<40.40}"
        )
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Wrong("a character that Latin-1 has not") from None


def record_of(said: Refusal | Change) -> bytes:
    """The record itself, where there is no COBOL.

    Raises:
        Wrong: a character that the code page has not.
    """
    try:
        if isinstance(said, Refusal):
            return reply_record(said.client_id, said.status, "", said.reason)
        what = (said.field, said.value)
        return change_record(said.client_id, said.change_id, said.sequence, said.at_ms, what)
    except UnicodeEncodeError:
        raise Wrong("a character that the code page has not") from None
