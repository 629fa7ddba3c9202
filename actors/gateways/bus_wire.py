"""The two topics as JSON: what a command and an event look like on Kafka, and how strictly they are read.

Rules:
- a command is S29's object, no field more and none less; what S29 has no place for (the command's id, which kind of
  number `ssn` holds, X11) travels in headers beside it;
- FIND_ACCOUNT is ours: it names the client and has no profile, since nobody needs one to look; so are UPDATE_ACCOUNT and FIND_ADDRESS, whose
  profile is an address and has room for nothing else;
- what is not exactly that is refused by a code, never guessed at and never half taken; an event that our own reader would
  refuse is not put there at all.
Source: spec.md S29, S33, X11, X12; docs/kafka.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.core_bus import CHANGED, OUTCOMES
from comptoir.actors.gateways.core_messages import PublishCommand, PublishEvent
from comptoir.engine.gateway_spec import CallFault

__all__ = ["Unreadable", "command_of", "event_of", "headers_of", "write_command", "write_event"]

ID_HEADER: Final = "command-id"
TYPE_HEADER: Final = "national-id-type"
COMMANDS: Final = ("CREATE_ACCOUNT", "FIND_ACCOUNT", "UPDATE_ACCOUNT", "FIND_ADDRESS")
TYPES: Final = frozenset((*OUTCOMES, CHANGED))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY: Final = AccountProfile("", "", "", "", "", "", "", "")
"""Whose profile a command has that needs none."""

_Text = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]
_Id = Annotated[str, Meta(pattern=r"^[!-~]{1,128}$")]
_Client = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,20}$")]
"""CLIENT-ID of S30."""
_Moment = Annotated[datetime, Meta(tz=True)]


class Unreadable(Exception):
    """A record that is none of ours; `code` says why, and nothing of what it holds."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Address(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    street: _Text
    city: _Text
    province: _Text
    postal_code: _Text


class _Profile(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    first_name: _Text
    last_name: _Text
    ssn: _Text
    address: _Address
    account_type: Literal["WEALTH_MANAGEMENT"]


class _Create(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, tag="CREATE_ACCOUNT", tag_field="type"):  # fmt: skip
    """S29's command."""

    client_id: _Client
    profile: _Profile
    timestamp: _Moment


class _Find(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, tag="FIND_ACCOUNT", tag_field="type"):  # fmt: skip
    """Reconciliation."""

    client_id: _Client
    timestamp: _Moment


class _Moved(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    address: _Address


class _Update(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, tag="UPDATE_ACCOUNT", tag_field="type"):  # fmt: skip
    """A correction (S33)."""

    client_id: _Client
    profile: _Moved
    timestamp: _Moment


class _FindAddress(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, tag="FIND_ADDRESS", tag_field="type"):  # fmt: skip
    """What became of a correction."""

    client_id: _Client
    profile: _Moved
    timestamp: _Moment


class _Event(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    type: Annotated[str, Meta(max_length=64)]
    event_id: _Id
    client_id: _Client
    data: Annotated[dict[Annotated[str, Meta(max_length=128)], _Text], Meta(max_length=64)]
    timestamp: _Moment


_COMMANDS: Final = msgspec.json.Decoder(_Create | _Find | _Update | _FindAddress)
_EVENTS: Final = msgspec.json.Decoder(_Event)
_WORDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_WORD: Final = msgspec.json.Decoder(str)
Headers = Mapping[str, str]
NO_HEADERS: Final[Headers] = MappingProxyType({})


def write_command(message: PublishCommand) -> bytes:
    """The body of a command."""
    moment = _moment(message.at)
    if message.command == "FIND_ACCOUNT":
        return msgspec.json.encode(_Find(message.client_id, moment))
    said = message.profile
    address = _Address(said.street, said.city, said.province, said.postal_code)
    if message.command in ("UPDATE_ACCOUNT", "FIND_ADDRESS"):
        kind = _Update if message.command == "UPDATE_ACCOUNT" else _FindAddress
        return msgspec.json.encode(kind(message.client_id, _Moved(address), moment))
    profile = _Profile(
        said.first_name, said.last_name, said.national_id, address, said.account_type
    )
    return msgspec.json.encode(_Create(message.client_id, profile, moment))


def headers_of(message: PublishCommand) -> Headers:
    """What travels beside a command."""
    if message.command != "CREATE_ACCOUNT":
        return {ID_HEADER: message.command_id}
    return {ID_HEADER: message.command_id, TYPE_HEADER: message.profile.national_id_type}


def write_event(message: PublishEvent) -> bytes:
    """The body of an event.

    Raises:
        CallFault: nobody could read it, for good: RECORD_TYPE_UNKNOWN or RECORD_SHAPE_WRONG.
    """
    try:
        moment = _moment(message.at)
        event = _Event(message.event, message.event_id, message.client_id, message.data, moment)
        body = msgspec.json.encode(event)
        event_of(body)
    except Unreadable as error:
        raise CallFault(error.code, retryable=False, sick=False) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise CallFault("RECORD_SHAPE_WRONG", retryable=False, sick=False) from error
    return body


def command_of(body: bytes, headers: Headers) -> PublishCommand:
    """Read a command.

    Raises:
        Unreadable: RECORD_NOT_JSON, RECORD_TYPE_UNKNOWN, RECORD_SHAPE_WRONG or RECORD_HEADER_WRONG.
    """
    _known_type(body, COMMANDS)
    found = _decoded(_COMMANDS, body)
    command_id = _header(headers, ID_HEADER, 128)
    at = _ms(found.timestamp)
    if isinstance(found, _Find):
        return PublishCommand(command_id, "FIND_ACCOUNT", found.client_id, _NOBODY, at)
    said, where = found.profile, found.profile.address
    if isinstance(found, _Update | _FindAddress):
        moved = msgspec.structs.replace(
            _NOBODY, street=where.street, city=where.city, province=where.province, postal_code=where.postal_code
        )  # fmt: skip
        if isinstance(found, _Update):
            return PublishCommand(command_id, "UPDATE_ACCOUNT", found.client_id, moved, at)
        return PublishCommand(command_id, "FIND_ADDRESS", found.client_id, moved, at)
    profile = AccountProfile(
        said.first_name, said.last_name, _header(headers, TYPE_HEADER, 16), said.ssn,
        where.street, where.city, where.province, where.postal_code, said.account_type,
    )  # fmt: skip
    return PublishCommand(command_id, "CREATE_ACCOUNT", found.client_id, profile, at)


def event_of(body: bytes) -> PublishEvent:
    """Read an event.

    Raises:
        Unreadable: as a command.
    """
    _known_type(body, TYPES)
    found = _decoded(_EVENTS, body)
    return PublishEvent(
        found.event_id, found.type, found.client_id, found.data, _ms(found.timestamp)
    )


def _known_type(body: bytes, types: "frozenset[str] | tuple[str, ...]") -> None:
    """A type that nobody knows is told apart from a known one that is misshapen."""
    try:
        words = _WORDS.decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable("RECORD_SHAPE_WRONG") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("RECORD_NOT_JSON") from error
    if "type" in words and _word(words["type"]) not in types:
        raise Unreadable("RECORD_TYPE_UNKNOWN")


def _word(raw: msgspec.Raw) -> str:
    try:
        return _WORD.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("RECORD_SHAPE_WRONG") from error


def _decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable("RECORD_SHAPE_WRONG") from error


def _header(headers: Headers, name: str, longest: int) -> str:
    text = headers.get(name, "")
    if not 0 < len(text) <= longest or not text.isascii() or not text.isprintable():
        raise Unreadable("RECORD_HEADER_WRONG")
    return text


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
