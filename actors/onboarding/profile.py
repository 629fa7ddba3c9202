"""What is known of a client, field by field, and who said it. Pure functions over statements.

Rules:
- a field is a path, such as `address/street`; each source says one thing of it, the last that it said, and nobody
  writes over what somebody else said;
- what stands is what the first of these says: the mainframe, once there is an account; a partner, who attests it; the client; its advisor; a document, of
  which it was only read. To say that there is none (null) is to say something;
- somebody who says another thing than a partner attested contests it: both are kept and shown, the partner's stands
  until the partner amends it;
- who takes back what nobody else spoke of leaves nothing.

Source: spec.md S5, E16; RFC 7396 (a merge patch); docs/onboarding.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.actors.onboarding.messages import (
    ADVISOR,
    CLIENT,
    DOCUMENT,
    MAINFRAME,
    PARTNER,
    Said,
    Value,
)

__all__ = [
    "FIELDS_MAX",
    "PRECEDENCE",
    "Statements",
    "below",
    "contested",
    "said_by",
    "stands",
    "taken_over",
    "values",
    "with_said",
]

Statements = Mapping[str, tuple[Said, ...]]
"""By path; in the order of precedence."""
PRECEDENCE: Final = (MAINFRAME, PARTNER, CLIENT, ADVISOR, DOCUMENT)
FIELDS_MAX: Final = 500
"""Of one profile: thirty parties of ten fields each, and everything else."""


def _rank(said: Said) -> tuple[int, int]:
    """What stands first; of two of one kind the newer."""
    return PRECEDENCE.index(said.source.partition(":")[0]), -said.at


def stands(said: tuple[Said, ...]) -> Value:
    """What stands of a field."""
    return said[0].value if said else None


def values(statements: Statements) -> dict[str, Value]:
    """What stands, without fields of which it stands that there is none."""
    found = {path: stands(said) for path, said in statements.items()}
    return {path: value for path, value in found.items() if value is not None}


def contested(said: tuple[Said, ...]) -> bool:
    """Whether somebody says another thing than a partner attested. A document only reads."""
    attested = [one for one in said if one.source.startswith(f"{PARTNER}:")]
    others = [one for one in said if one.source in (CLIENT, ADVISOR)]
    return bool(attested) and any(one.value != attested[0].value for one in others)


def below(path: str, paths: "Mapping[str, object]") -> list[str]:
    """The paths that are this one, or below it."""
    return [one for one in paths if one == path or one.startswith(f"{path}/")]


def said_by(statements: Statements, source: str) -> dict[str, Said]:
    """What one source says."""
    return {path: one for path, said in statements.items() for one in said if one.source == source}


def with_said(statements: Statements, changes: Mapping[str, Value], said: Said) -> Statements:
    """As it is after a source has said this.

    Args:
        statements: before.
        changes: by path; None takes away the field, and all below it.
        said: by whom and when; its value is not looked at.
    """
    after = dict(statements)
    for path, value in changes.items():
        if value is None:
            for one in below(path, after):
                _say(after, one, None, said)
        else:
            _say(after, path, value, said)
    return after


def _say(after: dict[str, tuple[Said, ...]], path: str, value: Value, said: Said) -> None:
    before = after.get(path, ())
    others = tuple(one for one in before if one.source != said.source)
    mine = next((one for one in before if one.source == said.source), None)
    if value is None and not others:
        after.pop(path, None)
    elif mine is None or mine.value != value:  # said again, it was said when it was said first
        new = Said(value, said.source, said.by, said.at)
        after[path] = tuple(sorted((*others, new), key=_rank))


def taken_over(statements: Statements, changes: Mapping[str, Value], said: Said) -> Statements:
    """As it is after a source has said all that it says: what it said before and does not say now is taken back, as
    if it had never been said.
    """
    kept: dict[str, tuple[Said, ...]] = {}
    for path, before in statements.items():
        rest = before if path in changes else tuple(x for x in before if x.source != said.source)
        if rest:
            kept[path] = rest
    return with_said(kept, {k: v for k, v in changes.items() if v is not None}, said)
