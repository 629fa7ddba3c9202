"""What partners submit of their clients, and the receipts that they get.

The rule: a partner's own reference leads to one file for ever: the same submission again is the same file and the same
receipt, a changed one amends it, with a receipt of its own. A receipt says what was submitted by its digest and nothing
of the client; what a partner sees of a file is how far it is.
Source: interface.md 8 (rows c1); spec.md S2, S5, E16, X7, X31; RFC 7515, RFC 8785; docs/onboarding.md.
"""

import hashlib
import json
from typing import Any, Final

import msgspec

from comptoir.actors.onboarding.messages import (
    KIND,
    AmendFile,
    ClientInfo,
    DescribeFile,
    FileDescribed,
    InitiateFile,
    KeepReceipt,
    Opened,
    ProfileRefused,
    SubmissionClosed,
    Submitted,
    Value,
)
from comptoir.engine import Address, Reply
from comptoir.http.answers import Response, json_response
from comptoir.http.approvals import who_calls
from comptoir.http.bodies import read_body
from comptoir.http.file_stages import summary_of
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.onboarding import client_of, listing_of, new_link, next_number
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import problem
from comptoir.http.profile_leaves import leaves
from comptoir.http.profiles import profile_faults, refused
from comptoir.http.shapes_profile import PartnerSubmission

__all__ = ["PLACE", "SCOPE", "canonical", "show", "submit"]

SCOPE: Final = "partner:submit"
PLACE: Final = "partner submission"
"""What the digest of a partner's reference is drawn for."""
_SUBMISSION: Final = msgspec.json.Decoder(PartnerSubmission)


async def submit(port: Port, call: Call) -> Response:
    """POST /api/v1/partner/submissions."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    wanted = read_body(call, _SUBMISSION)
    if isinstance(wanted, Response):
        return wanted
    client = client_of(port, wanted.client_type, wanted.client_info)
    faults = [*profile_faults(wanted.profile, "/profile")]
    if not isinstance(client, ClientInfo):
        faults.insert(0, client)
    if faults or not isinstance(client, ClientInfo):
        return problem("REQUEST_INVALID", call.ticket, errors=faults[:1])
    file, reply = await _taken(port, call, wanted, client)
    if isinstance(reply, ProfileRefused):
        return refused(reply, call, "" if reply.code == "SUBMISSION_FIELD_FIXED" else "/profile")
    if isinstance(reply, SubmissionClosed):
        return problem("SUBMISSION_CLOSED", call.ticket)
    assert isinstance(reply, FileDescribed)
    jws = await _receipt(port, identity, file, reply, wanted.reference)
    return json_response(201, {"onboardingId": file.key, "receipt": {"jws": jws}}, call.ticket)


async def _taken(
    port: Port, call: Call, wanted: PartnerSubmission, client: ClientInfo
) -> tuple[Address, Reply | None]:
    """The file, begun or amended, and what it says."""
    partner = who_calls(call)[0]
    place = _place(port, partner, wanted.reference)
    digest = hashlib.sha256(canonical(call.body)).hexdigest()
    profile = _said(wanted, client)
    number = await port.submission(place)
    if number is None:
        file = Address(KIND, await next_number(port, place))
        begins = _initiation(port, call, wanted, client, file.key)
        begins = msgspec.structs.replace(begins, profile=profile, submission=digest, place=place)
        reply = (await port.ask(file, begins)).reply
        if not isinstance(reply, FileDescribed) or _last(reply).digest == digest:
            return file, reply
    else:
        file = Address(KIND, number)
    amends = AmendFile(profile, client, wanted.client_type, partner, digest)
    return file, (await port.ask(file, amends)).reply


def _initiation(
    port: Port, call: Call, wanted: PartnerSubmission, client: ClientInfo, number: str
) -> InitiateFile:
    """A file begun for a partner; whose advisor's it is, the configuration says."""
    partner = who_calls(call)[0]
    link = new_link(port, call, number)
    user_id = f"cli_{call.draw('client')[:10].hex()}"
    opened = Opened(
        wanted.client_type, "PARTNER", port.rules.partner_advisor, wanted.conseiller_email or "",
        user_id, "PARTNER", "", partner,
    )  # fmt: skip
    reference = _place(port, partner, wanted.reference)
    return InitiateFile(opened, client, link.url, link.digest, listing_of(port, user_id), reference)


def _said(wanted: PartnerSubmission, client: ClientInfo) -> dict[str, Value]:
    """All that the partner says, by path; who the client is, too."""
    info: dict[str, Value] = {
        "firstName": client.first_name, "lastName": client.last_name,
        "dateOfBirth": client.date_of_birth, "residenceCountry": client.residence_country,
        "taxResidences": (client.tax_residence,),
    }  # fmt: skip
    said = {path: value for path, value in leaves(wanted.profile).items() if value is not None}
    seen = {f"seen/{doc_type}": digest for doc_type, digest in wanted.documents.items()}
    return {**info, **said, **seen}


def _place(port: Port, partner: str, reference: str) -> str:
    return port.blind(PLACE, f"{partner}\n{reference}")


def canonical(body: bytes) -> bytes:
    """A submission as RFC 8785 writes it: names sorted, no blanks, numbers in one way. Ours has no name that is not
    ASCII and no number that is no integer, once it was read.
    """
    value: Any = json.loads(body, parse_float=lambda text: int(float(text)))
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _last(file: FileDescribed) -> Submitted:
    return file.submissions[-1]


async def _receipt(
    port: Port, identity: Identity, file: Address, described: FileDescribed, reference: str
) -> str:
    """The receipt of what was submitted last: the one that is kept, or a new one that is kept from now on."""
    last = _last(described)
    if last.jws:
        return last.jws
    claims = {
        "iss": identity.issuer,
        "sub": described.opened.partner,
        "iat": last.at // 1000,
        "jti": f"{file.key}:{last.sequence}",
        "onboardingId": file.key,
        "reference": reference,
        "sequence": last.sequence,
        "sha256": last.digest,
    }
    signed = await identity.receipts.sign(claims, wall_seconds())
    kept = (await port.ask(file, KeepReceipt(last.sequence, signed))).reply
    assert isinstance(kept, FileDescribed)
    return next(one.jws for one in kept.submissions if one.sequence == last.sequence)


async def show(port: Port, call: Call) -> Response:
    """GET /api/v1/partner/submissions/{reference}."""
    identity = port.identity
    if identity is None:
        return problem("NOT_FOUND", call.ticket)
    reference = call.path["reference"]
    number = await port.submission(_place(port, who_calls(call)[0], reference))
    if number is None:
        return problem("NOT_FOUND", call.ticket)
    file = Address(KIND, number)
    found = (await port.ask(file, DescribeFile())).reply
    assert isinstance(found, FileDescribed)
    shown = {
        "reference": reference,
        "onboardingId": number,
        "summaryStatus": summary_of(found),
        "receipt": {"jws": await _receipt(port, identity, file, found, reference)},
        "amended": len(found.submissions) - 1,
    }
    return json_response(200, shown, call.ticket)
