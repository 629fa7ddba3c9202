"""What Plaid is asked, field by field, and how it says no; and what tests put there.

Source: plaid.com/docs/api (link, items, accounts, products/transactions, webhook-verification),
plaid.com/docs/errors; interface.md 10.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

Json = dict[str, Any]


class PlaidFault(Exception):
    """An answer that is none, in Plaid's words."""

    def __init__(self, kind: str, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.status = status
        self.document: Json = {
            "error_type": kind, "error_code": code, "error_message": "of the sandbox",
            "display_message": None,
        }  # fmt: skip


class Asked(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A body; Plaid refuses fields that it does not know."""


class User(Asked, frozen=True):
    """Whose link it is."""

    client_user_id: Annotated[str, Meta(min_length=1)]


class Hosted(Asked, frozen=True):
    """Where Hosted Link ends."""

    completion_redirect_uri: str = ""
    url_lifetime_seconds: int = 1800


class Create(Asked, frozen=True):
    """`/link/token/create`."""

    client_name: Annotated[str, Meta(min_length=1, max_length=30)]
    language: Annotated[str, Meta(pattern="^[a-z]{2}$")]
    country_codes: Annotated[list[Annotated[str, Meta(pattern="^[A-Z]{2}$")]], Meta(min_length=1)]
    user: User
    products: list[str] = []
    access_token: str = ""
    webhook: str = ""
    hosted_link: Hosted | None = None
    transactions: Json = {}
    account_filters: Json = {}


class OfLink(Asked, frozen=True):
    """`/link/token/get`."""

    link_token: str


class OfPublic(Asked, frozen=True):
    """`/item/public_token/exchange`."""

    public_token: str


class OfItem(Asked, frozen=True):
    """What takes an access token and nothing else."""

    access_token: str


class Hook(Asked, frozen=True):
    """`/item/webhook/update`."""

    access_token: str
    webhook: str | None = None


class SyncOptions(Asked, frozen=True):
    """`options` of `/transactions/sync`."""

    include_original_description: bool | None = None
    account_id: str = ""


class Sync(Asked, frozen=True):
    """`/transactions/sync`."""

    access_token: str
    cursor: Annotated[str, Meta(max_length=256)] = ""
    count: Annotated[int, Meta(ge=1, le=500)] = 100
    options: SyncOptions = SyncOptions()


Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class GetOptions(Asked, frozen=True):
    """`options` of `/transactions/get`."""

    account_ids: list[str] | None = None
    count: Annotated[int, Meta(ge=1, le=500)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0
    include_original_description: bool | None = None


class Get(Asked, frozen=True):
    """`/transactions/get`."""

    access_token: str
    start_date: Day
    end_date: Day
    options: GetOptions = GetOptions()


class OfKey(Asked, frozen=True):
    """`/webhook_verification_key/get`."""

    key_id: str


class Booked(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/plaid/transactions`: what changed at the bank, and whether Plaid tells of it."""

    item_id: str
    added: list[Json] = []
    modified: list[Json] = []
    removed: list[str] = []
    meanwhile: list[Json] = []
    """Added while the next update is being read, which makes it void."""
    webhook: bool = True


class Happened(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/plaid/items`: what became of an Item, as the webhook of that code says it."""

    item_id: str
    code: str
    consent_expires_at: str = ""


class Rotation(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """`POST /control/plaid/keys`: sign by another key from now on; the old one may end."""

    expire: bool = False


S = TypeVar("S", bound=Asked)


def read(body: bytes, shape: type[S]) -> S:
    """Reads a request; raises `PlaidFault`."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        unknown = "unknown field" in str(error)
        code = "UNKNOWN_FIELDS" if unknown else "INVALID_FIELD"
        raise PlaidFault("INVALID_REQUEST", code) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PlaidFault("INVALID_REQUEST", "INVALID_BODY") from None
