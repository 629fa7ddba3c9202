"""The description as a page: `GET /docs`, for people, from the very document that programs read.

The rule: everything on it comes from the document, and everything is escaped; it needs no script and
loads nothing, so it works without a network and under the strictest policy.
Source: interface.md 5; OpenAPI 3.1.0; WCAG 2.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import orjson

from comptoir.http.answers import Response
from comptoir.http.page import page

__all__ = ["reference"]

Json = Mapping[str, Any]
_REF = "#/components/schemas/"


def reference(document: bytes, ticket: str) -> Response:
    """The page for a document, as JSON."""
    return page("comptoir: the API", _content(document), ticket)


@lru_cache(maxsize=8)  # as the documents themselves
def _content(document: bytes) -> str:
    """The main part of the page."""
    described = orjson.loads(document)
    return "\n".join([*_opening(described), *_operations(described), *_schemas(described)])


def _opening(described: Json) -> Iterator[str]:
    """What it is, and where to find what."""
    info = described["info"]
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}: the API</h1>"
    yield f'<p class="lead">{_prose(info["description"])}</p>'
    yield '<p>For programs: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>'
    yield '<nav aria-label="Operations"><ul>'
    for path, method, operation in _each(described):
        name = escape(operation["operationId"])
        yield f'<li><a href="#{name}"><code>{method} {escape(path)}</code></a> {_prose(operation["summary"])}</li>'
    yield '<li><a href="#schemas">Schemas</a></li></ul></nav>'


def _each(described: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation: path, METHOD, itself."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _operations(described: Json) -> Iterator[str]:
    """Every operation, by tag."""
    for tag in described["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, method, operation in _each(described):
            if tag["name"] in operation["tags"]:
                yield from _operation(path, method, operation)
                yield from _answers(operation["responses"], described["components"]["responses"])


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    """One operation: who may, what goes in, what comes out."""
    name = escape(operation["operationId"])
    yield f'<h3 id="{name}"><code>{method} {escape(path)}</code></h3>'
    yield f"<p>{_prose(operation['summary'])}. Who may: {escape(_who(operation))}.</p>"
    parameters = operation.get("parameters", ())
    if parameters:
        rows = [
            (f"<code>{escape(one['name'])}</code>", one["in"], _type(one["schema"]), _prose(one["description"]))
            for one in parameters
        ]  # fmt: skip
        yield from _table("Parameters", ("name", "in", "type", "meaning"), rows)
    body = operation.get("requestBody")
    if body is not None:
        yield f"<p>Body{'' if body['required'] else ' (optional)'}: {_kinds(body['content'])}. {_prose(body['description'])}</p>"


def _answers(responses: Json, shared: Json) -> Iterator[str]:
    """What comes out of an operation."""
    rows: list[tuple[str, ...]] = []
    for status, response in responses.items():
        name = str(response.get("$ref", "")).rpartition("/")[2]
        answer = shared[name] if name else response
        rows.append((status, _kinds(answer["content"]), _prose(answer["description"])))
    yield from _table("Answers", ("status", "body", "meaning, or codes"), rows)


def _who(operation: Json) -> str:
    """Who may call it, in a sentence's end."""
    granted = [f"{role} ({reach})" for role, reach in operation.get("x-roles", {}).items()]
    granted += [
        f"scope {scope} ({reach})" for scope, reach in operation.get("x-scopes", {}).items()
    ]
    return ", ".join(granted) or str(operation["x-door"])


def _kinds(content: Json) -> str:
    """The media types of a body, with the schema of each."""
    return "<br>".join(
        f"<code>{escape(kind)}</code> {_type(one['schema'])}" for kind, one in content.items()
    )


def _schemas(described: Json) -> Iterator[str]:
    """Every schema, its members in a table."""
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in described["components"]["schemas"].items():
        label = f"schema-{escape(name)}"
        yield f'<h3 id="{label}">{escape(name)}</h3>'
        yield f"<p>{_prose(schema.get('description', ''))}</p>"
        required = schema.get("required", ())
        rows = [
            (
                f"<code>{escape(member)}</code>{'' if member in required else ' (optional)'}",
                _type(one),
                _prose(one.get("description", "")),
            )
            for member, one in schema.get("properties", {}).items()
        ]
        yield from _table("Members", ("name", "type", "meaning"), rows)


def _table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table; what is in its cells is HTML already."""
    yield f"<table><caption>{caption}</caption><thead><tr>"
    yield "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield "</tr></thead><tbody>"
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        yield f'<tr><th scope="row">{first}</th>{cells}</tr>'
    yield "</tbody></table>"


def _type(schema: Json) -> str:
    """A schema in a few words, linked where it has a name."""
    name = str(schema.get("$ref", "")).removeprefix(_REF)
    if name:
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema or "allOf" in schema:
        return " or ".join(_type(one) for one in schema.get("anyOf", schema.get("allOf", ())))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return escape(", ".join([str(schema.get("type", "anything")), *bounds]))


_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "length from",
    "maxLength": "length to",
    "default": "default",
    "format": "as",
}


def _prose(text: str) -> str:
    """A text with its `code` marked."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))
