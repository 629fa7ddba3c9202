"""The bodies of the operations about accounts on the mainframe (comptoir.http.shapes has the rule).

Source: spec.md S29 to S33, E11, E14; docs/core-banking.md.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Time

__all__ = ["AccountFound", "AccountKeptOpen", "AccountPage", "AccountSettlement"]

FileNumber = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}$",
        description="The file's; CLIENT-ID there (S30).",
    ),
]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class AccountFound(_Shape, frozen=True):
    """What the mainframe said when somebody had it looked for."""

    outcome: Literal["created", "absent"]
    account_number: Annotated[
        str | None, Meta(description="Its last four characters; null: nothing is there.")
    ]
    at: Time


class AccountKeptOpen(_Shape, frozen=True):
    """An account, as those see it who find out what is true."""

    onboarding_id: FileNumber
    status: Literal["asked", "late", "created", "refused", "held"]
    code: Annotated[str | None, Meta(description="Why it is held; or why there is none.")]
    account_number: Annotated[str | None, Meta(description="Its last four characters.")]
    attempts: Annotated[int, Meta(ge=0, description="Commands that were published.")]
    asked_at: Time
    held_at: Time | None
    looking: Annotated[bool, Meta(description="Somebody has it looked for; no answer came yet.")]
    seen: Annotated[
        AccountFound | None, Meta(description="What that found. Null: nobody has looked.")
    ]
    settling: Annotated[
        Literal["created", "refused"] | None,
        Meta(description="What two people have found, while the mainframe is asked."),
    ]


class AccountPage(_Shape, frozen=True):
    """Accounts without an end, what was asked for first first."""

    items: list[AccountKeptOpen]
    next_cursor: str | None


class AccountSettlement(_Shape, frozen=True, forbid_unknown_fields=True):
    """What somebody has found out about an account that is held."""

    outcome: Annotated[
        Literal["created", "refused"],
        Meta(description="The account that was seen stands; or nothing is there."),
    ]
    reason: Annotated[
        str, Meta(min_length=1, max_length=256, description="How it was found out, on one line.")
    ]
