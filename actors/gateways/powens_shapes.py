"""What is read of Powens's answers: the fields that are named here, and no other (S58).

Source: docs.powens.com/api-reference (authentication, connections, bank-accounts); spec.md S58, S59.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import Condition
from comptoir.actors.gateways.cards import last_digits
from comptoir.actors.gateways.powens_meaning import stands
from comptoir.actors.gateways.powens_transactions import Page

__all__ = [
    "BEGUN", "CODE", "CONNECTION", "CONNECTIONS", "PAGE", "TOKEN", "Account", "Begun", "Code", "Connection",
    "Connections", "Connector", "Token",
]  # fmt: skip

_Secret = Annotated[str, Meta(min_length=1, max_length=4096)]
_Id = Annotated[int, Meta(ge=0)]
_Moment = Annotated[str, Meta(max_length=40)]


class Begun(msgspec.Struct, frozen=True):
    """AuthToken, of /auth/init."""

    auth_token: _Secret
    id_user: _Id


class Code(msgspec.Struct, frozen=True):
    """AuthCode."""

    code: _Secret


class Token(msgspec.Struct, frozen=True):
    """AuthTokenExchange."""

    access_token: _Secret


class Type(msgspec.Struct, frozen=True):
    """AccountType."""

    name: str = ""


class Currency(msgspec.Struct, frozen=True):
    """Currency."""

    id: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]


class Account(msgspec.Struct, frozen=True):
    """BankAccount. `type` is an object by its page, and its name in answers that people have seen."""

    id: _Id
    type: str | Type = ""
    number: Annotated[str, Meta(max_length=64)] | None = None
    iban: Annotated[str, Meta(max_length=64)] | None = None
    name: Annotated[str, Meta(max_length=512)] = ""
    id_parent: int | None = None
    deleted: _Moment | None = None
    disabled: _Moment | None = None
    currency: Currency | None = None

    @property
    def kind(self) -> str:
        """Of account."""
        return self.type if isinstance(self.type, str) else self.type.name

    @property
    def last4(self) -> str:
        """The last digits that people know it by; empty: it has none."""
        return last_digits(self.number or self.iban or "")


class Connector(msgspec.Struct, frozen=True):
    """Connector: a bank."""

    name: Annotated[str, Meta(max_length=128)] = ""
    uuid: str = ""


class Connection(msgspec.Struct, frozen=True):
    """Connection."""

    id: _Id
    active: bool = True
    id_user: int | None = None
    state: Annotated[str, Meta(max_length=128)] | None = None
    next_try: _Moment | None = None
    expire: _Moment | None = None
    connector: Connector | None = None
    accounts: list[Account] | None = None

    @property
    def condition(self) -> Condition | None:
        """How it stands; None: well."""
        return stands(self.state, self.next_try, active=self.active)

    @property
    def open_accounts(self) -> list[Account]:
        """Those that are read."""
        return [one for one in self.accounts or [] if not one.deleted and not one.disabled]


class Connections(msgspec.Struct, frozen=True):
    """ConnectionsList."""

    connections: list[Connection]


BEGUN = msgspec.json.Decoder(Begun)
CODE = msgspec.json.Decoder(Code)
TOKEN = msgspec.json.Decoder(Token)
CONNECTION = msgspec.json.Decoder(Connection)
CONNECTIONS = msgspec.json.Decoder(Connections)
PAGE = msgspec.json.Decoder(Page)
