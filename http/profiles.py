"""Profiles of clients: changed by a merge patch, shown with who said what; and a file that goes on.

The rule: whoever may see a file sees its profile; its client and its advisor say what they know, and what they say is
kept beside what others said, never over it; once there is an account, an advisor corrects an address at the mainframe. Numbers that states give to people go in and are never shown whole again.
Source: interface.md 8 (rows c1); spec.md S5, S16, E16; RFC 7396; RFC 9110 section 13.1.1 (If-Match).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from comptoir.actors.onboarding.messages import (
    KIND,
    ChangeProfile,
    DescribeProfile,
    FileDescribed,
    FileGoesOn,
    FileOver,
    ProfileClosed,
    ProfileDescribed,
    ProfileRefused,
    ResumeFile,
    Said,
    Value,
)
from comptoir.actors.onboarding.onward_messages import CorrectionKept
from comptoir.engine import Address
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import fault, read_body
from comptoir.http.national_ids import is_number
from comptoir.http.onboarding import begun, find_file, listing_of, new_link, pointer
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.profile_leaves import leaves, nested
from comptoir.http.shapes_profile import ClientProfile, ProfilePatch
from comptoir.http.times import is_day, rfc3339

__all__ = ["MERGE_PATCH", "change", "profile_faults", "refused", "resume", "show"]

MERGE_PATCH: Final = "application/merge-patch+json"
_PATCH: Final = msgspec.json.Decoder(ProfilePatch)
_VERSION: Final = re.compile(r'"([0-9]{1,9})"').fullmatch
_PRIVATE: Final = re.compile(r"nationalId/number|taxNumbers/[A-Z]{2}").fullmatch
SHOWN: Final = 3
"""Of a number that a state gave: its last characters."""


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/onboarding/{onboardingId}/profile."""
    if await find_file(port, call) is None:
        return problem("NOT_FOUND", call.ticket)
    file = Address(KIND, call.path["onboardingId"])
    reply = (await port.ask(file, DescribeProfile())).reply
    assert isinstance(reply, ProfileDescribed)
    return _shown(file.key, reply, call)


async def change(port: Port, call: Call) -> Response:
    """PATCH /api/v1/onboarding/{onboardingId}/profile."""
    plain = replace(call, media_type="application/json") if call.media_type == MERGE_PATCH else call
    wanted = read_body(plain, _PATCH)
    if isinstance(wanted, Response):
        return wanted
    faults = list(profile_faults(wanted, ""))
    if faults:
        return problem("REQUEST_INVALID", call.ticket, errors=faults[:1])
    found = await find_file(port, call)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    expected = _expected(call)
    if expected is False:
        return problem("PRECONDITION_FAILED", call.ticket)
    by = who_calls(call)[0]
    theirs = call.principal is None or call.access.user_id == found.opened.user_id
    message = ChangeProfile(leaves(wanted), "client" if theirs else "advisor", by, expected)
    file = Address(KIND, call.path["onboardingId"])
    reply = (await port.ask(file, message)).reply
    if isinstance(reply, ProfileDescribed):
        return _shown(file.key, reply, call)
    if isinstance(reply, ProfileRefused):
        return refused(reply, call)
    assert isinstance(reply, (ProfileClosed, FileOver))
    over = isinstance(reply, FileOver)
    return problem("ONBOARDING_OVER" if over else "PROFILE_CLOSED", call.ticket)


async def resume(port: Port, call: Call) -> Response:
    """POST /api/v1/onboarding/{onboardingId}/resume."""
    found = await find_file(port, call)
    if found is None:
        return problem("NOT_FOUND", call.ticket)
    file = Address(KIND, call.path["onboardingId"])
    link = new_link(port, call, file.key)
    message = ResumeFile(
        link.url, link.digest, listing_of(port, found.opened.user_id), who_calls(call)[0],
        call.draw("resumption").hex(),
    )  # fmt: skip
    reply = (await port.ask(file, message)).reply
    if isinstance(reply, FileOver):
        return problem("ONBOARDING_OVER", call.ticket)
    if isinstance(reply, FileGoesOn):
        return problem("ONBOARDING_NOT_INCOMPLETE", call.ticket)
    assert isinstance(reply, FileDescribed)
    return json_response(200, begun(file.key, reply, link.url), call.ticket)


def _expected(call: Call) -> int | bool | None:
    """The version of If-Match; None: any; False: none that can be."""
    given = call.values(b"if-match")
    if not given or given == ["*"]:
        return None
    found = _VERSION(given[0]) if len(given) == 1 else None
    return False if found is None else int(found[1])


def refused(reply: ProfileRefused, call: Call, prefix: str = "") -> Response:
    """Why it cannot be said so, with its place."""
    if not reply.path:
        return problem(reply.code, call.ticket)
    place = f"{prefix}/{reply.path}"
    return problem(
        "REQUEST_INVALID", call.ticket, errors=[fault(place, _WHY[reply.code], reply.code)]
    )


_WHY: Final[Mapping[str, str]] = {
    "PROFILE_FIELD_FIXED": "a document was held against it: it stands",
    "PROFILE_FIELD_UNFIT": "the mainframe's record cannot have it so",
    "PROFILE_NO_ENTITY": "this type of client is a person",
    "PROFILE_PARTIES_TOO_MANY": "more than this type of client has",
    "PROFILE_ROLE_UNKNOWN": "no role of this type of client",
    "PROFILE_SHARE_TOO_SMALL": "too little for an owner; control may be OTHER",
    "SUBMISSION_FIELD_FIXED": "as it was submitted first: it does not change",
}
"""What is wrong with a field; everything else is wrong with the whole."""


def profile_faults(wanted: ClientProfile, prefix: str) -> Iterator[FieldError]:
    """What no shape can say: days that exist, check digits that are right."""
    known = leaves(wanted)
    for path, value in known.items():
        last = path.rpartition("/")[2]
        if last in ("dateOfBirth", "foundedOn") and isinstance(value, str) and not is_day(value):
            yield fault(f"{prefix}/{path}", "a day that exists, YYYY-MM-DD")
    kind, number = known.get("nationalId/type"), known.get("nationalId/number")
    if isinstance(kind, str) and isinstance(number, str) and not is_number(kind, number):
        yield fault(f"{prefix}/nationalId/number", "its check digits are wrong")


def _shown(number: str, profile: ProfileDescribed, call: Call) -> Response:
    """A profile, with who said what."""
    stands = {
        path: _value(path, said[0].value)
        for path, said in profile.fields.items()
        if said[0].value is not None
    }
    fields = {
        f"/{path}": {
            **_said(path, said[0]),
            "contested": path in profile.contested,
            "others": [_said(path, one) for one in said[1:]],
        }
        for path, said in sorted(profile.fields.items())
    }
    shown: dict[str, Any] = {
        "onboardingId": number,
        "version": profile.version,
        "profile": nested(stands),
        "fields": fields,
        "missing": [pointer(path) for path in profile.lacking],
        "contested": [pointer(path) for path in profile.contested],
        "accelerated": profile.accelerated,
        "correction": _corrected(profile.correction),
    }
    answer = json_response(200, shown, call.ticket)
    answer.headers.append((b"etag", f'"{profile.version}"'.encode("ascii")))
    return answer


def _corrected(kept: CorrectionKept) -> dict[str, object] | None:
    """What was last corrected at the mainframe, and how far that is."""
    if not kept.number:
        return None
    return {
        "status": kept.status,
        "fields": {f"/{path}": text or None for path, text in sorted(kept.fields.items())},
        "at": rfc3339(kept.at),
        "code": kept.code or None,
    }


def _said(path: str, said: Said) -> dict[str, object]:
    return {"value": _value(path, said.value), "source": said.source, "at": rfc3339(said.at)}


def _value(path: str, value: Value) -> object:
    if isinstance(value, str) and _PRIVATE(path):
        return (
            "*" * (len(value) - SHOWN) + value[-SHOWN:] if len(value) > SHOWN else "*" * len(value)
        )
    return list(value) if isinstance(value, tuple) else value
