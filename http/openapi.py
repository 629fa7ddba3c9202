"""The description of the API, OpenAPI 3.1, made from the rows of operations.

The rule: nothing is described that is not executed. A status is described if a row, its door or the
edge in front can give it, and no other; tests hold the document to an outside validator, real answers
to its schemas, and the daemon to the whole of it (tests/http/test_openapi.py, test_fuzz.py).
Source: OpenAPI 3.1.0; JSON Schema 2020-12; RFC 6750 and RFC 9470 (challenges), RFC 9110 (Retry-After);
draft-ietf-httpapi-ratelimit-headers-11.
"""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec
import orjson

from comptoir.http.idempotency import HEADER, is_keyed
from comptoir.http.openapi_security import alternatives, schemes
from comptoir.http.operation import Assurance, Body, Door, Link, Operation, Parameter
from comptoir.http.problems import status_of
from comptoir.http.shapes import Problem

__all__ = ["PAGE", "described", "problems_of"]

PAGE: Final[dict[str, object]] = {"type": "integer", "minimum": 1}
"""The schema of `limit`; its maximum and default are settings, and are filled in."""
Json = dict[str, Any]

_EDGE = ("REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "INTERNAL", "OVERLOADED")
"""What any request may meet before or while it is answered."""
_OF_DOOR: Final = {
    # FORBIDDEN: a host name that is not this machine's, while there are no tokens.
    Door.OPEN: ("FORBIDDEN", "SOURCE_FORBIDDEN"),
    Door.LOCAL: ("FORBIDDEN", "SOURCE_FORBIDDEN", "NOT_FOUND"),
    Door.SIGNED: (),
    Door.TOKEN: ("UNAUTHENTICATED", "FORBIDDEN", "SOURCE_FORBIDDEN", "ISSUER_UNAVAILABLE"),
}
_OF_KEYS = (
    "REQUEST_MALFORMED",
    "IDEMPOTENCY_KEY_REUSED",
    "IDEMPOTENCY_IN_PROGRESS",
    "STORAGE_UNAVAILABLE",
)
"""What an Idempotency-Key may meet."""
_KEY = Parameter(
    HEADER, "header", "Done once within 24 hours, however often it is sent: a repeat hears the first answer.",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
)  # fmt: skip
_REF = "#/components/schemas/{name}"
_HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "The caller's, if it is 8-64 of `[A-Za-z0-9_-]`, else a new one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
    },
    "Retry-After": {
        "description": "Seconds.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "The challenge of RFC 6750, with `acr_values` and `max_age` of RFC 9470 where another sign-in is "
        "needed; of a client, that of HTTP Basic.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The SHA-256 of what is kept or shown, in hexadecimal; of a profile, its version.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": '`rel="next"`: the document with the movements behind this one\'s (RFC 8288).',
        "schema": {"type": "string"},
    },
    "Content-Disposition": {
        "description": "The name of the file, where it is one.",
        "schema": {"type": "string"},
    },
    "Set-Cookie": {
        "description": "`__Host-session`, on plain loopback `session`: HttpOnly, SameSite=Lax.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The caller's quota in a window of seconds, where limits are on.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "This is the first answer under the Idempotency-Key, again.",
        "schema": {"const": "true"},
    },
    "RateLimit": {
        "description": "What is left of it, and the seconds until there is more.",
        "schema": {"type": "string"},
    },
}
_INFO: Final = (
    "One daemon for client onboarding and open-banking cashback. Money is integer cents, points are "
    "integers, times are UTC with milliseconds. Every error is a problem of RFC 9457 with a stable "
    "`code`."
)


def described(
    operations: Sequence[Operation], page_items_default: int, page_items_max: int
) -> bytes:
    """The document, as JSON.

    Args:
        operations: the rows.
        page_items_default: what `limit` is when it is missing.
        page_items_max: the greatest `limit`.
    """
    page = {**PAGE, "maximum": page_items_max, "default": page_items_default}
    types = [body.shape for row in operations for body in _bodies(row) if body.shape is not None]
    _, schemas = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    paths: dict[str, Json] = {}
    responses: Json = {}
    for row in operations:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, page, responses)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "comptoir", "version": version("comptoir"), "description": _INFO},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "headers": _HEADERS,
            "securitySchemes": schemes(operations),
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(row.tag for row in operations)],
    }
    return orjson.dumps(document)


def problems_of(row: Operation) -> list[str]:
    """Every code that an operation may answer, in the order of their statuses."""
    limited = ("RATE_LIMITED",) if row.limited or row.probed else ()
    keyed = _OF_KEYS if is_keyed(row) else ()
    better = () if row.assurance is Assurance.ANY else ("STEP_UP_REQUIRED",)
    codes = dict.fromkeys((*row.problems, *_OF_DOOR[row.door], *better, *limited, *keyed, *_EDGE))
    return sorted(codes, key=lambda code: (status_of(code), code))


def _bodies(row: Operation) -> Iterator[Body]:
    """What goes in and what comes out."""
    yield from row.answers.values()
    if row.body is not None:
        yield row.body


def _operation(row: Operation, page: Json, shared: Json) -> Json:
    """One operation as OpenAPI has it; what it has in common with others goes to `shared`."""
    shown: Json = {
        "operationId": row.id,
        "summary": row.summary,
        "tags": [row.tag],
        "security": alternatives(row),
        "x-door": row.door.value,
        "responses": _responses(row, shared),
    }
    if row.grants or row.scopes:
        shown["x-roles"] = {role.value: reach.value for role, reach in row.grants.items()}
        shown["x-sign-in"] = row.assurance.value
        shown["x-scopes"] = {scope: reach.value for scope, reach in row.scopes.items()}
    parameters = (*row.parameters, *([_KEY] if is_keyed(row) else ()))
    if parameters:
        shown["parameters"] = [_parameter(one, page) for one in parameters]
    if row.body is not None:
        taken = (row.body.media_type, *row.body.also)
        content = {media_type: {"schema": _schema(row.body)} for media_type in taken}
        shown["requestBody"] = {
            "description": row.body.text, "required": row.body.required, "content": content,
        }  # fmt: skip
    return shown


def _parameter(one: Parameter, page: Json) -> Json:
    """One parameter."""
    return {
        "name": one.name,
        "in": one.place,
        "required": one.place == "path",
        "description": one.text,
        "schema": page if one.schema is PAGE else one.schema,
    }


def _responses(row: Operation, shared: Json) -> Json:
    """Every status: its bodies, its headers, and the codes of its problems."""
    by_status: dict[int, list[str]] = {}
    for code in problems_of(row):
        by_status.setdefault(status_of(code), []).append(code)
    shown: Json = {}
    for status in sorted({*row.answers, *by_status}):
        body, codes = row.answers.get(status), by_status.get(status, [])
        headers = list(_names(row, status))
        answer = _response(body, codes, headers)
        if row.links and status == HTTPStatus.OK:
            answer["links"] = {one.operation: _link(one) for one in row.links}
        if body is None:  # the same for many operations: described once
            challenged = ["challenged"] * ("WWW-Authenticate" in headers)
            kind = [*challenged, *["limited"] * row.limited, *["keyed"] * is_keyed(row)]
            name = "-".join([*codes, *kind])
            shared[name] = answer
            answer = {"$ref": f"#/components/responses/{name}"}
        shown[str(status)] = answer
    return shown


def _response(body: Body | None, codes: list[str], headers: list[str]) -> Json:
    """One status."""
    content: Json = {}
    for media_type in () if body is None else body.also:
        content[media_type] = {"schema": {"type": "string"}}
    if body is not None and body.media_type:
        content[body.media_type] = {"schema": _schema(body)}
    if codes:
        content["application/problem+json"] = {"schema": _problem(codes)}
    return {
        "description": "; ".join(([body.text] if body else []) + [", ".join(codes)] * bool(codes)),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": content,
    }


def _link(one: Link) -> Json:
    """What may be asked next."""
    return {
        "operationId": one.operation,
        "description": one.text,
        "parameters": dict(one.parameters),
    }


def _names(row: Operation, status: int) -> Iterator[str]:
    """The headers that an answer with this status may have, beside those of the content."""
    yield "X-Request-Id"
    yield from row.answers[status].headers if status in row.answers else ()
    if row.limited:
        yield from ("RateLimit-Policy", "RateLimit")
    if is_keyed(row):
        yield "Idempotency-Replayed"
    if status in (429, 503):
        yield "Retry-After"
    if (status in (401, 403) and row.door is Door.TOKEN) or (
        status == HTTPStatus.UNAUTHORIZED and status in row.answers
    ):
        yield "WWW-Authenticate"


def _problem(codes: list[str]) -> Json:
    """A problem with one of these codes."""
    return {
        "allOf": [{"$ref": _REF.format(name="Problem")}],
        "properties": {"code": {"enum": codes}},
    }


def _schema(body: Body) -> Json:
    """The schema of a body."""
    if body.shape is None:
        return {"type": "string"}
    return {"$ref": _REF.format(name=body.shape.__name__)}
