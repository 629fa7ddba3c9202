"""A profile as a JSON object, and as its fields by path. Pure.

The rule: everything that is no object is a field, null included; an object is its fields and nothing more.
Source: RFC 7396; docs/onboarding.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from comptoir.actors.onboarding.messages import Value

__all__ = ["flattened", "leaves", "nested"]


def leaves(shape: msgspec.Struct) -> dict[str, Value]:
    """The fields of a shape by path; what is missing in it is none."""
    return dict(flattened(msgspec.to_builtins(shape)))


def flattened(patch: Mapping[str, object], path: str = "") -> Iterator[tuple[str, Value]]:
    """The fields of a JSON object, by path."""
    for name, value in patch.items():
        place = f"{path}/{name}" if path else name
        if isinstance(value, Mapping):
            yield from flattened(cast("Mapping[str, object]", value), place)
        elif isinstance(value, (list, tuple)):
            yield place, tuple(cast("Sequence[str]", value))
        else:
            yield place, cast("Value", value)


def nested(fields: Mapping[str, object]) -> dict[str, object]:
    """A JSON object of these fields."""
    whole: dict[str, object] = {}
    for path, value in fields.items():
        *way, last = path.split("/")
        at = whole
        for name in way:
            at = cast("dict[str, object]", at.setdefault(name, {}))
        at[last] = value
    return whole
