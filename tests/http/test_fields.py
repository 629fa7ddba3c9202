"""Which fields a caller reads and writes: what docs/fields.md says, enumerated from the description.

Rule: who may is read from the page, which is written by hand; what is executed is asked over a socket, and where
there are thousands of bodies to ask about, of the handler that the socket's answer came from.
Source: docs/fields.md; OWASP ASVS 5, 8.1.2 and 8.2.3; spec.md S34, S60.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from comptoir.http.app import make_app
from comptoir.http.identity.opening import Identity
from comptoir.http.openapi import described
from comptoir.http.operation import Call, Door, Operation
from comptoir.http.operations import OPERATIONS
from comptoir.http.policy import decide
from comptoir.http.principal import Role
from comptoir.http.testing import FakeAuthenticator, FakeDaemon
from tests.http.access import CALLERS, OTHER, SELF, expected
from tests.http.asking import ask, body_of, path_of
from tests.http.fields import Rule, Shapes, is_dict, rules
from tests.http.policed import policed
from tests.http.test_policy import Counting

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = expected(ROOT)
RULES = rules(ROOT)
SHAPES = Shapes(msgspec.json.decode(described(OPERATIONS, 50, 500)))
TOKEN = [one for one in OPERATIONS if one.door is Door.TOKEN]
WRITES = [one for one in TOKEN if SHAPES.body(one.id) is not None]
WHO = [*(role.value for role in Role), "service"]
"""The roles, and a partner's program."""
EVERY_NAME = sorted({name for _, name in RULES})
"""Of a field, whatever object it is of."""
STRANGE = ("admin", "__proto__")
"""Of no object."""


@pytest.fixture
async def client(identity: Identity) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an edge that takes tokens."""
    daemon = Counting(identity)
    async with policed(daemon) as opened:
        yield opened


def _granted(operation: Operation) -> set[str]:
    """Who does it with an object of their own, as authorization.md has it."""
    found: set[str] = set()
    for role in WHO:
        cell = EXPECTED[operation.id][role]
        if 200 <= cell.get("own", cell.get("", 0)) < 300:
            found.add(role)
    return found


def _who(*, writing: bool) -> dict[str, set[str]]:
    """Object -> the roles that some operation takes it from, or gives it to."""
    found: dict[str, set[str]] = {}
    for operation in TOKEN:
        schemas = [SHAPES.body(operation.id)] if writing else SHAPES.answers(operation.id).values()
        for schema in schemas:
            for name in SHAPES.objects(schema) if schema else ():
                found.setdefault(name, set()).update(_granted(operation))
    return found


def test_every_field_is_decided() -> None:
    """ASVS 8.1.2: each field of each object that is read or written stands in the page, and nothing else does."""
    objects = {*_who(writing=False), *_who(writing=True)}
    fields = {(name, field) for name in objects for field in SHAPES.fields(name)}
    assert fields - RULES.keys() == set(), "not decided"
    assert RULES.keys() - fields == set(), "of no operation"
    assert all(rule.readers | rule.writers <= set(WHO) for rule in RULES.values())


def test_what_is_written_is_for_whom_the_page_says() -> None:
    """ASVS 8.1.2, S60: no role writes a field by an operation that the page does not give it, nor is a field given
    to a role that has no way to it; and of what is read nobody has more than the operations give.
    """
    readers, writers = _who(writing=False), _who(writing=True)
    for (name, field), rule in RULES.items():
        assert rule.writers == writers.get(name, set()), f"{name}.{field} is written"
        assert rule.readers <= readers.get(name, set()), f"{name}.{field} is read"
        assert rule != Rule(frozenset(), frozenset()), f"{name}.{field} is nobody's"


@pytest.mark.parametrize("role", WHO)
async def test_nobody_reads_what_the_page_keeps_from_them(
    client: httpx.AsyncClient, role: str
) -> None:
    """ASVS 8.2.3: every answer to every role has fields of its objects only, and those that the page gives it;
    a field that some roles read is absent for the others.
    """
    for operation in TOKEN:
        for owner in (SELF, OTHER):
            answer = await ask(client, operation, owner, {"authorization": str(CALLERS[role])})
            if not answer.is_success or operation.answers[answer.status_code].shape is None:
                continue  # refused, or a file: that is no object, and who has it is a row of access.md
            schema = SHAPES.answers(operation.id)[answer.status_code]
            for name, field in SHAPES.shown(schema, answer.json()):
                assert role in RULES[name, field].readers, f"{operation.id}: {name}.{field}"


async def _sent(
    client: httpx.AsyncClient, operation: Operation, body: dict[str, Any]
) -> httpx.Response:
    """By somebody who may."""
    role = min(_granted(operation))
    return await client.request(
        operation.method, path_of(operation, SELF), json=body,
        headers={"authorization": str(CALLERS[role])},
    )  # fmt: skip


async def _admitted(port: FakeDaemon, operation: Operation) -> Call:
    """What the handler of an operation gets of such a request, but for its body."""
    principal = await FakeAuthenticator().principal([str(CALLERS[min(_granted(operation))])])
    access = decide(operation, principal)
    assert access is not None
    way = make_app(port).url_map.bind("here").match(path_of(operation, SELF), operation.method)
    return Call("the-same-one", way[1], {}, "application/json", b"", access, principal)


async def _handled(port: FakeDaemon, operation: Operation, call: Call) -> tuple[int, str]:
    """What it answers: the same as over the socket, where it is called."""
    assert operation.handle is not None
    answer = await operation.handle(port, call)
    return answer.status, msgspec.json.decode(answer.body)["code"]


def _places(body: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where in a body an object is."""
    if not is_dict(body):
        return []
    return [at, *(place for key, one in body.items() for place in _places(one, (*at, key)))]


def _with(body: dict[str, Any], place: tuple[str, ...], field: str) -> dict[str, Any]:
    """A body with one field more at a place."""
    more: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    inner = more
    for key in place:
        inner = inner[key]
    inner[field] = "x"
    return more


@pytest.mark.parametrize("operation", WRITES, ids=lambda one: one.id)
async def test_nobody_writes_what_no_row_gives(identity: Identity, operation: Operation) -> None:
    """ASVS 8.2.3 (mass assignment): a right body with one more field, of whatever name any object has, at any
    place, is refused and nothing is asked of any actor: two names over the socket, all others by its handler.
    """
    daemon = Counting(identity)
    right = body_of(operation, SELF) or {}
    taken = {
        field for name in SHAPES.objects(SHAPES.body(operation.id)) for field in SHAPES.fields(name)
    }
    refused = (422, "REQUEST_INVALID")
    call = await _admitted(daemon, operation)
    async with policed(daemon) as client:
        assert (await _sent(client, operation, right)).is_success
        daemon.asks.clear()
        for place in _places(right):
            for field in STRANGE:
                answer = await _sent(client, operation, _with(right, place, field))
                assert (answer.status_code, answer.json()["code"]) == refused, field
            for field in EVERY_NAME:
                if field not in taken:
                    body = msgspec.json.encode(_with(right, place, field))
                    told = await _handled(daemon, operation, replace(call, body=body))
                    assert told == refused, field
        assert daemon.asks == []
