"""The bodies of the operations about dead letters and outages (comptoir.http.shapes has the rule).

Source: interface.md 7 (rows b1); spec.md S63 to S65, X23, E5, E14.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Count, Time
from comptoir.http.times import TIME_PATTERN

__all__ = [
    "NAME_PATTERN",
    "REASON_CHARACTERS_MAX",
    "DeadLetter",
    "DeadLetterContent",
    "DeadLetterPage",
    "Discard",
    "Disposition",
    "DispositionBegun",
    "Parking",
    "QueueList",
    "ReplayMany",
    "ReportList",
]

NAME_PATTERN: Final = r"^[A-Za-z0-9_:.-]{1,64}$"
"""Of queues, reasons and kinds."""
REASON_CHARACTERS_MAX: Final = 500
LETTER_PATTERN: Final = r"^dl_[0-9a-f]{16}$"
DISPOSITION_PATTERN: Final = r"^(dl_[0-9a-f]{16}|dsp_[0-9a-f]{20})$"

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
GivenTime = Annotated[str, Meta(pattern=TIME_PATTERN, extra_json_schema={"format": "date-time"})]
LetterId = Annotated[str, Meta(pattern=LETTER_PATTERN)]
DispositionId = Annotated[str, Meta(pattern=DISPOSITION_PATTERN)]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Given(_Shape, frozen=True, forbid_unknown_fields=True):
    """What comes in has no field that we do not know."""


class Tried(_Shape, frozen=True):
    """One attempt."""

    at: Time
    outcome: Annotated[
        str, Meta(description="`started`, `probed`, `replayed`, or what went wrong.")
    ]


class DeadLetter(_Shape, frozen=True):
    """A message that was given up."""

    letter_id: LetterId
    queue: str
    kind: Annotated[str, Meta(description="Of the actor or outside party that it is addressed to.")]
    sender: Annotated[str, Meta(description="The kind of who sent it.")]
    code: Annotated[str, Meta(description="Why.")]
    detail: str
    attempts: list[Tried]
    created_at: Time
    died_at: Time
    expires_at: Annotated[Time | None, Meta(description="Null: a person decides, however late.")]


class DeadLetterPage(_Shape, frozen=True):
    """A page, newest first."""

    items: list[DeadLetter]
    next_cursor: str | None


class RecordField(_Shape, frozen=True):
    """One field of a record of the mainframe."""

    field: str
    offset: Count
    picture: str
    hex: Annotated[str, Meta(description="Two characters a byte; `**`: it is not shown.")]
    meaning: Annotated[str | None, Meta(description="Null: it is not shown.")]
    wrong: Annotated[str | None, Meta(description="Why it cannot be read.")]


class LetterRecord(_Shape, frozen=True):
    """A record of the mainframe, by its copybook."""

    copybook: str
    bytes: Count
    expected_bytes: Count
    fields: list[RecordField]


class DeadLetterContent(_Shape, frozen=True):
    """What a dead letter says, without what lets anybody in."""

    letter_id: LetterId
    message: Annotated[str, Meta(description="Its name; empty where it cannot be read.")]
    key: Annotated[str, Meta(description="Of the actor that it is addressed to.")]
    fields: dict[str, Any]
    withheld: Annotated[list[str], Meta(description="Fields that nobody is shown.")]
    record: Annotated[
        LetterRecord | None, Meta(description="Of a reply, a change or a request of the mainframe.")
    ]


class Cause(_Shape, frozen=True):
    """Letters that died of one thing."""

    code: str
    letters: Count
    fresh: Annotated[int, Meta(ge=0, description="Of them, since `since`.")]
    oldest_at: Time


class Queue(_Shape, frozen=True):
    """What lies in a queue now."""

    queue: str
    letters: Count
    fresh: Annotated[int, Meta(ge=0, description="Of them, within the last day.")]
    oldest_at: Time
    causes: Annotated[list[Cause], Meta(description="Most letters first.")]


class QueueList(_Shape, frozen=True):
    """Every queue that has letters."""

    items: list[Queue]


class Report(_Shape, frozen=True):
    """What a queue held, as it was reported."""

    at: Time
    since: Time
    letters: Count
    fresh: Count
    oldest_at: Time | None
    causes: list[Cause]
    mail: Annotated[str, Meta(description="`sent`, `taken`, why it will not arrive, or empty.")]


class ReportList(_Shape, frozen=True):
    """The last reports, newest first."""

    queue: str
    next_at: Time | None
    items: list[Report]


class Discard(_Given, frozen=True):
    """A letter is given up."""

    reason: Annotated[str, Meta(min_length=1, max_length=REASON_CHARACTERS_MAX)]


class ReplayMany(_Given, frozen=True):
    """Which letters are to be delivered again."""

    queue: Name
    code: Name | None = None
    kind: Name | None = None
    died_from: GivenTime | None = None
    died_before: GivenTime | None = None


class Disposition(_Shape, frozen=True):
    """What was decided about letters, and how far it is."""

    disposition_id: DispositionId
    act: Literal["replay", "discard"]
    status: Annotated[
        Literal["proposed", "waiting", "settling", "done", "failed"],
        Meta(description="`proposed`: a second person has to approve it; `waiting`: for its turn."),
    ]
    letters: Annotated[int, Meta(ge=0, description="Named so far, each once; proposed: meant.")]
    maker: str
    reason: str
    code: Annotated[str | None, Meta(description="Why it failed.")]
    since: Time


class DispositionBegun(Disposition, frozen=True):
    """The same, and what a second person is to approve, where one has to."""

    approval_id: str | msgspec.UnsetType = msgspec.UNSET
    digest: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: Time | msgspec.UnsetType = msgspec.UNSET


class Parked(_Shape, frozen=True):
    """How an outside party is doing, and what waits for it."""

    gateway: str
    breaker: Literal["closed", "open", "half-open"]
    parked: Annotated[int, Meta(ge=0, description="Calls that wait for it to come back.")]
    waiting: Annotated[int, Meta(ge=0, description="Calls that are due.")]
    in_flight: Count
    next_probe_at: Annotated[Time | None, Meta(description="Null where calls go out.")]
    release_per_second: float
    estimated_release_at: Annotated[
        Time | None, Meta(description="Of the last parked call, if it is back by then.")
    ]


class Parking(_Shape, frozen=True):
    """Every party."""

    items: list[Parked]
