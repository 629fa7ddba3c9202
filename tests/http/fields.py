"""Who may read and write which field: docs/fields.md, read; and the fields that the description has.

Rule: what may be is read from the page, which is written by hand, and never made from the rows.
Source: docs/fields.md; OWASP ASVS 5, 8.1.2 and 8.2.3; OpenAPI 3.1.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

__all__ = ["Rule", "Shapes", "is_dict", "is_list", "rules"]

Json = dict[str, Any]


def is_dict(value: object) -> TypeGuard[Json]:
    """Whether this is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether this is a JSON array."""
    return isinstance(value, list)


NOBODY = "nobody"


class Rule(NamedTuple):
    """Of one field."""

    readers: frozenset[str]
    """Roles."""
    writers: frozenset[str]


def rules(root: Path) -> dict[tuple[str, str], Rule]:
    """The table of the page: (object, field) -> who may.

    Args:
        root: the checkout.
    """
    text = (root / "docs" / "fields.md").read_text(encoding="utf-8")
    found: dict[tuple[str, str], Rule] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4 or not re.fullmatch(r"`\w+`", cells[0]):
            continue
        rule = Rule(_roles(cells[2]), _roles(cells[3]))
        for field in cells[1].split(", "):
            key = (cells[0].strip("`"), field)
            assert key not in found, f"{key} stands twice"
            found[key] = rule
    return found


def _roles(cell: str) -> frozenset[str]:
    """`CLIENT own, OPERATIONS`; whose object it is, the operations say (authorization.md)."""
    words = [word.removesuffix(" own") for word in cell.split(", ")]
    return frozenset(word for word in words if word != NOBODY)


class Shapes:
    """The schemas of a description, as far as fields go."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.schemas: Json = document["components"]["schemas"]

    def answers(self, operation_id: str) -> dict[int, Json]:
        """The schema of each answer that is no problem and has a body."""
        found: dict[int, Json] = {}
        for status, response in self._operation(operation_id)["responses"].items():
            if not status.startswith("2"):
                continue
            for body in response.get("content", {}).values():
                found[int(status)] = body["schema"]
        return found

    def body(self, operation_id: str) -> Json | None:
        """The schema of what it is sent."""
        content = self._operation(operation_id).get("requestBody", {}).get("content", {})
        schema: Json | None = content.get("application/json", {}).get("schema")
        return schema

    def objects(self, schema: Any) -> set[str]:
        """The named objects that a schema leads to."""
        left, found = [schema], set[str]()
        while left:
            for name in _references(left.pop()):
                if name not in found:
                    found.add(name)
                    left.append(self.schemas[name])
        return {name for name in found if "properties" in self.schemas[name]}

    def fields(self, name: str) -> list[str]:
        """Of one of them."""
        return list(self.schemas[name]["properties"])

    def shown(self, schema: Json, value: Any) -> Iterator[tuple[str, str]]:
        """Every (object, field) in a value of a schema.

        Raises:
            AssertionError: it has a field that no schema has.
        """
        if is_list(value):
            for one in value:
                yield from self.shown(self._of_items(schema), one)
            return
        name, closed = self._named(schema)
        if not is_dict(value) or not name:
            return
        for field, inner in value.items():
            assert field in closed["properties"], f"{name} has no {field}"
            yield name, field
            yield from self.shown(closed["properties"][field], inner)

    def _of_items(self, schema: Json) -> Json:
        if "items" in schema:
            return dict(schema["items"])
        return next(dict(one["items"]) for one in schema.get("anyOf", []) if "items" in one)

    def _named(self, schema: Json) -> tuple[str, Json]:
        names = list(_references({k: v for k, v in schema.items() if k in ("$ref", "anyOf")}))
        return (names[0], self.schemas[names[0]]) if len(names) == 1 else ("", {})

    def _operation(self, operation_id: str) -> Json:
        [found] = [
            operation
            for methods in self.document["paths"].values()
            for operation in methods.values()
            if operation["operationId"] == operation_id
        ]
        return dict(found)


def _references(schema: Any) -> Iterator[str]:
    """The names that a schema refers to."""
    if is_list(schema):
        for one in schema:
            yield from _references(one)
    elif is_dict(schema):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).rpartition("/")[2]
            else:
                yield from _references(value)
