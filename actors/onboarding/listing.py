"""Machines of files whose decisions also keep the lists in which the files stand (views.py). Pure.

The rule: the table stays what it is; a row is written by the decision that changes what it says, in its own commit, and by
no other. Source: spec.md S18, S38; design.md 2; docs/adr/0060.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.onboarding.views import ALL, FILES, FileRow, advisors, partners, place_of
from comptoir.engine import Decision, Put, Refusal
from comptoir.engine.machine import Context, Handler, Machine

__all__ = ["listed", "row_of"]

_BY_DOCUMENTS: Final = ("INITIATED", "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "INCOMPLETE")
"""Until when it takes documents, or is kept."""


def listed(machine: Machine[OnboardingState]) -> Machine[OnboardingState]:
    """The same machine; each of its decisions writes what it changes of the lists."""

    def wrap(then: Handler) -> Handler:
        return partial(_listing, then)

    return machine.around(wrap)


def _listing(
    then: Handler, state: Any, message: Any, context: Context
) -> "Decision[Any] | Refusal":
    outcome = then(state, message, context)
    if isinstance(outcome, Refusal) or outcome.dead_letter is not None:
        return outcome
    row = row_of(outcome.state)
    if row is None or row == row_of(state):
        return outcome
    documents = _documents(outcome.state, row, context.address.key)
    return msgspec.structs.replace(outcome, documents=(*outcome.documents, *documents))


def row_of(state: OnboardingState) -> FileRow | None:
    """What the lists say of a file; None: it has not begun."""
    if state.opened is None:
        return None
    status = state.phase.value
    since = state.history[-1].at if state.history else state.created_at
    return FileRow(
        state.opened.client_type, status, state.cause, state.onward.signing.status, since, _due(state, status),
        state.created_at,
    )  # fmt: skip


def _due(state: OnboardingState, status: str) -> int:
    if status in _BY_DOCUMENTS:
        return state.expires_at
    waits: Mapping[str, int] = {
        "SIGNATURE_PENDING": state.onward.signing.due_at,
        "SIGNED": state.onward.approval.due_at,
    }
    return waits.get(status, 0)


def _documents(state: OnboardingState, row: FileRow, number: str) -> tuple[Put, ...]:
    opened, place = state.opened, place_of(state.created_at, number)
    assert opened is not None, "it has a row"
    lists = [ALL]
    lists += [advisors(opened.advisor)] if opened.advisor else []
    lists += [partners(opened.partner)] if opened.partner else []
    fields = msgspec.structs.asdict(row)
    return tuple(Put(FILES, mine + place, fields) for mine in lists)
