"""People of the house: invited, listed, dismissed; what an ADMIN, or `comptoir staff`, does.

The rule: the link's secret is drawn here, goes out once, and only its digest goes in. Inviting somebody
again ends all that they had before, which is how a lost authenticator is replaced and how roles change.
A role that may see or change more than one's own files is given by two people (E14); only while no ADMIN
has enrolled, whoever can read the data folder gives it alone, by the command, to two ADMINs at most; and only while one has, the
command may ask for a second, whom that one approves, or invite that one again, who may have lost what they sign in with. An
ADMIN beside whom another has enrolled is not the command's to invite anew or to dismiss: that is for the people. A dismissal is answered when
every request is held to it. A `sub` stands in no path, since paths are logged.
Source: interface.md 1 and 9; spec.md S34, S60, E14, X8; adr/0027, adr/0028.
"""

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from comptoir.actors.approval.messages import Action
from comptoir.actors.person.messages import (
    KIND,
    DescribePerson,
    InvitePerson,
    PersonDescribed,
    PersonErased,
    PersonInvited,
    PersonRemoved,
    RemovePerson,
)
from comptoir.actors.revocation.messages import Ground
from comptoir.engine import Address, Erased, Refused
from comptoir.http.access_shapes import Removal
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import Asked, is_nobody, propose
from comptoir.http.bodies import read_json
from comptoir.http.identity.claims import is_text
from comptoir.http.identity.issuing import BY_HAND, BY_HAND_METHODS
from comptoir.http.oauth.ending import end_access
from comptoir.http.oauth.shapes import NewStaff
from comptoir.http.oauth.signin import draw_link, link_digest, person_address
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.principal import Role
from comptoir.http.problems import FieldError, problem
from comptoir.http.queries import CURSOR_FAULT, BadQuery, page
from comptoir.http.times import rfc3339

__all__ = ["PRIVILEGED", "invite", "listed", "remove"]

LINK_MS: Final = 7 * 86_400_000
"""X8."""
PRIVILEGED: Final = frozenset({Role.ADMIN.value, Role.COMPLIANCE.value, Role.OPERATIONS.value})
"""Whoever has one of these sees other people's data, or gives rights."""
PEOPLE_PER_LOOK: Final = 100
FOUNDERS: Final = 2
"""ADMINs who can decide together; with fewer there is nobody for the command to wait for, and no more are founded by it."""
_CURSOR: Final = re.compile(r"[0-9a-f]{64}").fullmatch
_NEW: Final = msgspec.json.Decoder(NewStaff)
_REMOVAL: Final = msgspec.json.Decoder(Removal)
_FAULT: Final = FieldError(
    pointer="",
    code="VALUE_INVALID",
    detail="sub of 1 to 255 printable characters and roles of the house, each once, and nothing else",
)
_WHO: Final = FieldError(
    pointer="", code="VALUE_INVALID", detail="sub of 1 to 255 printable characters, nothing else"
)


async def invite(port: Port, call: Call) -> Response:
    """POST /api/v1/staff."""
    if port.identity is None:
        return problem("NOT_FOUND", call.ticket)
    wanted = read_json(call, _NEW, _FAULT)
    if isinstance(wanted, Response):
        return wanted
    roles = tuple(str(role) for role in wanted.roles)
    if not is_text(wanted.sub) or len(set(roles)) != len(roles):
        return problem("REQUEST_INVALID", call.ticket, errors=[_FAULT])
    link, address = draw_link(call), person_address(port, wanted.sub)
    message = InvitePerson(wanted.sub, roles, link_digest(link), LINK_MS)
    url = f"{port.identity.issuer}/signin/enrol?who={address.key}&link={link}"
    nobody, wants_admin = is_nobody(port, call), Role.ADMIN.value in roles
    admins = await _admins(port) if nobody else _NONE
    if nobody and admins.decide_about(address.key):
        return problem("FORBIDDEN", call.ticket)
    command, founding = _is_command(port, call), admins.enrolled <= {address.key}
    if command and founding and wants_admin and len(admins.invited - {address.key}) >= FOUNDERS:
        return problem("FORBIDDEN", call.ticket)
    if PRIVILEGED.intersection(roles) and not (command and founding):
        second = command and len(admins.enrolled) < FOUNDERS and wants_admin
        asked = Asked(Action.INVITE, address, message, wanted.sub, roles, by_command=second)
        return await propose(port, call, asked, {"enrolUrl": url})
    reply = (await port.ask(address, message)).reply
    if isinstance(reply, PersonErased):
        return problem("VAULT_ERASED", call.ticket)
    assert isinstance(reply, PersonInvited)
    if reply.generation:
        await end_access(port, Ground.PERSON, address.key, reply.generation)
    shown = {"sub": wanted.sub, "enrolUrl": url, "expiresAt": rfc3339(reply.expires_at)}
    return json_response(201, shown, call.ticket)


async def listed(port: Port, call: Call) -> Response:
    """GET /api/v1/staff, in no order that means anything."""
    cursors = call.query.get("cursor", ())
    try:
        limits = {"limit": call.query.get("limit", ())}
        wanted = page(limits, port.rules.page_items_default, port.rules.page_items_max)
    except BadQuery as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    if len(cursors) > 1 or not all(map(_CURSOR, cursors)):
        return problem("REQUEST_INVALID", call.ticket, errors=[CURSOR_FAULT])
    keys = await port.staff(cursors[0] if cursors else "", wanted.limit + 1)
    following = keys[wanted.limit - 1] if len(keys) > wanted.limit else None
    people = [await _described(port, key) for key in keys[: wanted.limit]]
    items = [_shown(person) for person in people if person is not None]
    return json_response(200, {"items": items, "nextCursor": following}, call.ticket)


async def remove(port: Port, call: Call) -> Response:
    """POST /api/v1/staff/removals."""
    wanted = read_json(call, _REMOVAL, _WHO)
    if isinstance(wanted, Response):
        return wanted
    if not is_text(wanted.sub):
        return problem("REQUEST_INVALID", call.ticket, errors=[_WHO])
    address = person_address(port, wanted.sub)
    if is_nobody(port, call) and (await _admins(port)).decide_about(address.key):
        return problem("FORBIDDEN", call.ticket)
    reply = (await port.ask(address, RemovePerson())).reply
    if isinstance(reply, PersonErased):
        return problem("VAULT_ERASED", call.ticket)
    assert isinstance(reply, PersonRemoved)
    await end_access(port, Ground.PERSON, address.key, reply.generation)
    return json_response(200, {"sub": wanted.sub, "status": "removed"}, call.ticket)


def _is_command(port: Port, call: Call) -> bool:
    """Say whether this is the command on this machine."""
    who, identity = call.principal, port.identity
    assert identity is not None, "asked before"
    # By its own token (`comptoir staff`), which no sign-in gives: none is by that method alone.
    return (
        who is not None
        and who.methods == frozenset[str](BY_HAND_METHODS)
        and who.issuer == identity.issuer
        and (who.subject, who.client_id) == (BY_HAND, BY_HAND)
    )


@dataclass(frozen=True, slots=True)
class _Admins:
    """Keys of the ADMINs there are."""

    enrolled: frozenset[str] = frozenset()
    """Who could be asked."""
    invited: frozenset[str] = frozenset()
    """Who was given a link to enrol by."""

    def decide_about(self, key: str) -> bool:
        """Whether this is an ADMIN beside whom there is another: so they are two, and no command's."""
        return key in self.enrolled and len(self.enrolled) > 1


_NONE: Final = _Admins()


async def _admins(port: Port) -> _Admins:
    found: dict[str, set[str]] = {"enrolled": set(), "invited": set(), "removed": set()}
    after = ""
    while keys := await port.staff(after, PEOPLE_PER_LOOK):
        for key in keys:
            one = await _described(port, key)
            if one is not None and Role.ADMIN.value in one.roles:
                found[one.status].add(key)
        after = keys[-1]
    return _Admins(frozenset(found["enrolled"]), frozenset(found["invited"]))


async def _described(port: Port, key: str) -> PersonDescribed | None:
    """Who it is; None for who was erased."""
    try:
        reply = (await port.ask(Address(KIND, key), DescribePerson())).reply
    except (Erased, Refused):
        return None
    return reply if isinstance(reply, PersonDescribed) else None


def _shown(person: PersonDescribed) -> dict[str, object]:
    return {
        "sub": person.subject,
        "roles": list(person.roles),
        "status": person.status,
        "since": rfc3339(person.since),
    }
