"""S29's records: written as the source has them, read strictly, refused by name (S29, S33, X11)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.actors.account.messages import AccountProfile
from comptoir.actors.gateways.bus_wire import (
    Unreadable,
    command_of,
    event_of,
    headers_of,
    write_command,
    write_event,
)
from comptoir.actors.gateways.core_bus import CHANGED, CREATED, REFUSED
from comptoir.actors.gateways.core_messages import PublishCommand, PublishEvent
from comptoir.engine.gateway_spec import CallFault

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
IDS = st.from_regex(r"[!-~]{1,128}", fullmatch=True)
CLIENTS = st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)
MOMENTS = st.integers(0, 4_102_444_800_000)
PROFILES = st.builds(
    AccountProfile, TEXT, TEXT, st.sampled_from(("SIN", "SSN", "NIR")), TEXT, TEXT, TEXT, TEXT, TEXT
)
COMMANDS = st.builds(PublishCommand, IDS, st.just("CREATE_ACCOUNT"), CLIENTS, PROFILES, MOMENTS)
EVENTS = st.builds(
    PublishEvent, IDS, st.sampled_from((CREATED, REFUSED, CHANGED)), CLIENTS,
    st.dictionaries(TEXT, TEXT, max_size=5), MOMENTS,
)  # fmt: skip
COMMAND = PublishCommand(
    "ONB-2026-00001:1", "CREATE_ACCOUNT", "ONB-2026-00001",
    AccountProfile("Marie", "Tremblay", "SIN", "046 454 286", "1 rue A", "Montréal", "QC", "H3A 1B1"),
    1_800_000_000_123,
)  # fmt: skip


def test_a_command_has_the_fields_of_the_source_and_no_other() -> None:
    """S29: {type, clientId, profile{firstName, lastName, ssn, address{...}, accountType}, timestamp}."""
    assert msgspec.json.decode(write_command(COMMAND)) == {
        "type": "CREATE_ACCOUNT",
        "clientId": "ONB-2026-00001",
        "profile": {
            "firstName": "Marie", "lastName": "Tremblay", "ssn": "046 454 286",
            "address": {"street": "1 rue A", "city": "Montréal", "province": "QC", "postalCode": "H3A 1B1"},
            "accountType": "WEALTH_MANAGEMENT",
        },
        "timestamp": "2027-01-15T08:00:00.123000Z",
    }  # fmt: skip
    assert headers_of(COMMAND) == {"command-id": "ONB-2026-00001:1", "national-id-type": "SIN"}


def test_who_only_looks_is_told_nothing_of_anybody() -> None:
    """FIND_ACCOUNT names the client; what nobody needs does not travel (S31, S59)."""
    look = msgspec.structs.replace(COMMAND, command="FIND_ACCOUNT", command_id="ONB-2026-00001:1:2")
    body = write_command(look)
    assert set(msgspec.json.decode(body)) == {"type", "clientId", "timestamp"}
    read = command_of(body, headers_of(look))
    assert (read.command, read.client_id, read.command_id) == ("FIND_ACCOUNT", "ONB-2026-00001", look.command_id)  # fmt: skip


@settings(max_examples=40)
@given(COMMANDS)
def test_a_command_is_read_as_it_was_written(command: PublishCommand) -> None:
    """Every text of a profile, in any script, comes back as it was: no number is altered (S29, X11, X12)."""
    assert command_of(write_command(command), headers_of(command)) == command


MOVED = st.builds(AccountProfile, *map(st.just, ("", "", "", "")), TEXT, TEXT, TEXT, TEXT)


@settings(max_examples=40)
@given(MOVED, st.sampled_from(("UPDATE_ACCOUNT", "FIND_ADDRESS")))
def test_an_address_travels_alone(profile: AccountProfile, word: Any) -> None:
    """S33, S59: to correct it and to ask about it, as it was written, and nothing else of anybody."""
    said = msgspec.structs.replace(COMMAND, command=word, profile=profile)
    body = write_command(said)
    assert set(msgspec.json.decode(body)["profile"]) == {"address"}
    assert command_of(body, headers_of(said)) == said


@settings(max_examples=40)
@given(EVENTS)
def test_an_event_is_read_as_it_was_written(event: PublishEvent) -> None:
    """Likewise of the other topic (S33)."""
    assert event_of(write_event(event)) == event


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_id": "ONB 1"}, "RECORD_SHAPE_WRONG"),
        ({"event_id": "with a blank"}, "RECORD_SHAPE_WRONG"),
        ({"event": "CLOSED"}, "RECORD_TYPE_UNKNOWN"),
        ({"data": {"field:address/city": "MONTR\x00AL"}}, "RECORD_SHAPE_WRONG"),
        ({"data": {"code": "x" * 257}}, "RECORD_SHAPE_WRONG"),
        ({"data": {"code": "\ud800"}}, "RECORD_SHAPE_WRONG"),
        ({"at": 10**18}, "RECORD_SHAPE_WRONG"),
    ],
)
def test_an_event_that_we_could_not_read_is_not_put_on_its_topic(
    wrong: dict[str, object], code: str
) -> None:
    """It fails for good, here, where it is a dead letter with its reason, and not at who reads it (S33, S64)."""
    event = PublishEvent("e1", CHANGED, "ONB-2026-00001", {}, 1)
    with pytest.raises(CallFault) as fault:
        write_event(msgspec.structs.replace(event, **wrong))
    assert (fault.value.code, fault.value.retryable) == (code, False)


def _changed(**fields: object) -> bytes:
    found = msgspec.json.decode(write_command(COMMAND))
    return msgspec.json.encode({**found, **fields})


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"", {}, "RECORD_NOT_JSON"),
        (b"{", {}, "RECORD_NOT_JSON"),
        (b'{"type": "\xed\xa0\x80"}', {}, "RECORD_SHAPE_WRONG"),
        (b'{"a":' + b"[" * 100_000, {}, "RECORD_NOT_JSON"),
        (b"[]", {}, "RECORD_SHAPE_WRONG"),
        (b"{}", {}, "RECORD_SHAPE_WRONG"),
        (_changed(type=7), {}, "RECORD_SHAPE_WRONG"),
        (_changed(type="CLOSE_ACCOUNT"), {}, "RECORD_TYPE_UNKNOWN"),
        (_changed(type="create_account"), {}, "RECORD_TYPE_UNKNOWN"),
        (_changed(more=1), {}, "RECORD_SHAPE_WRONG"),
        (_changed(clientId="ONB-2026-00001-and-too-long"), {}, "RECORD_SHAPE_WRONG"),
        (_changed(timestamp="2027-01-15T08:00:00"), {}, "RECORD_SHAPE_WRONG"),
        (_changed(profile=None), {}, "RECORD_SHAPE_WRONG"),
        (_changed(), {}, "RECORD_HEADER_WRONG"),
        (_changed(), {"command-id": "x"}, "RECORD_HEADER_WRONG"),
        (_changed(), {"command-id": "x\n", "national-id-type": "SIN"}, "RECORD_HEADER_WRONG"),
    ],
)
def test_what_is_no_command_is_refused_by_name(
    body: bytes, headers: dict[str, str], code: str
) -> None:
    """Strictly: nothing is guessed at, and nothing is half taken (S29, S64)."""
    with pytest.raises(Unreadable) as refused:
        command_of(body, headers)
    assert refused.value.code == code


@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.floats() | TEXT | st.sampled_from(("CREATE_ACCOUNT", CREATED)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(("type", "clientId", "profile", "data", "eventId", "timestamp")) | TEXT, inner, max_size=6),
    max_leaves=12,
).map(msgspec.json.encode)))  # fmt: skip
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    """No record can do anything else to who reads it (S64)."""
    for read in (lambda: command_of(body, {"command-id": "x"}), lambda: event_of(body)):
        try:
            read()
        except Unreadable as refused:
            assert refused.code.startswith("RECORD_")  # noqa: PT017  # or nothing is raised
