"""Random copybooks with values for them: what the properties of the codec are tried on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

__all__ = ["Drawn", "copybooks"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789.,&'"
TEXTS = st.text(LETTERS, max_size=6).map(lambda text: text.rstrip(" "))


@dataclass
class Drawn:
    """A group that was drawn: lines of source, its values, and how many bytes it has."""

    lines: list[str]
    values: dict[str, Any]
    length: int


@dataclass
class _Field:
    clause: str
    length: int
    value: st.SearchStrategy[Any]


def _number(draw: st.DrawFn) -> _Field:
    """A number of any usage, with values that fit it."""
    signed, whole, part = draw(st.booleans()), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    digits = whole + part or 1
    picture = (
        "S" * signed + ("9" * whole if whole < 4 else f"9({whole})") + f"V9({part})" * bool(part)
    )
    if not whole and not part:
        picture += "9"
    usage = draw(
        st.sampled_from(["", "DISPLAY", "COMP", "BINARY", "COMP-3", "PACKED-DECIMAL", "COMP-5"])
    )
    sign = ""
    if usage in ("", "DISPLAY"):
        length = digits
        if signed:
            sign = draw(
                st.sampled_from(
                    [
                        "",
                        "LEADING",
                        "SIGN IS TRAILING",
                        "SIGN LEADING SEPARATE",
                        "TRAILING SEPARATE CHARACTER",
                    ]
                )
            )
            length += "SEPARATE" in sign
    elif usage in ("COMP-3", "PACKED-DECIMAL"):
        length = digits // 2 + 1
    else:
        length = 2 if digits < 5 else 4 if digits < 10 else 8
    most = 10**digits - 1
    if usage == "COMP-5":
        most = (1 << (8 * length - signed)) - 1
    numbers = st.integers(-most if signed else 0, most)
    value = numbers.map(lambda number: Decimal(f"{number}E-{part}")) if part else numbers
    return _Field(f"PIC {picture} {usage} {sign}", length, value)


def _text(draw: st.DrawFn) -> _Field:
    length = draw(st.integers(1, 6))
    return _Field(f"PIC X({length})", length, TEXTS.map(lambda text: text[:length].rstrip(" ")))


@st.composite
def _groups(draw: st.DrawFn, level: int, names: list[int], *, in_table: bool) -> Drawn:
    """A group of fields, groups and tables, and values for it."""
    drawn = Drawn([], {}, 0)
    for _ in range(draw(st.integers(1, 4))):
        names[0] += 1
        name = f"F{names[0]}"
        kind = draw(
            st.sampled_from(
                ["text", "number", "number", "filler", "group", "table", "odo", "redefines"]
            )
        )
        head = f"{' ' * level}{level:02d} {name}"
        if kind == "filler":
            length = draw(st.integers(1, 5))
            drawn.lines.append(f"{' ' * level}{level:02d} FILLER PIC X({length}).")
            drawn.length += length
        elif kind == "group" and level < 20:
            inner = draw(_groups(level + 5, names, in_table=in_table))
            drawn.lines += [f"{head}.", *inner.lines]
            drawn.values[name] = inner.values
            drawn.length += inner.length
        elif kind == "table":
            field = _number(draw) if draw(st.booleans()) else _text(draw)
            count = draw(st.integers(1, 3))
            drawn.lines.append(f"{head} {field.clause} OCCURS {count} TIMES.")
            drawn.values[name] = [draw(field.value) for _ in range(count)]
            drawn.length += field.length * count
        elif kind == "odo" and not in_table:
            field, count = _text(draw), draw(st.integers(0, 3))
            drawn.lines += [
                f"{' ' * level}{level:02d} N-{name} PIC 9(2) COMP-3.",
                f"{head} OCCURS 0 TO 3 TIMES DEPENDING ON N-{name}.",
                f"{' ' * level}{level + 5:02d} IN-{name} {field.clause}.",
            ]
            drawn.values[f"N-{name}"] = count
            drawn.values[name] = [{f"IN-{name}": draw(field.value)} for _ in range(count)]
            drawn.length += 2 + field.length * count
        elif kind == "redefines":
            field = _number(draw)
            drawn.lines += [
                f"{head} {field.clause}.",
                f"{' ' * level}{level:02d} X-{name} REDEFINES {name} PIC X({field.length}).",
            ]
            drawn.values[name] = draw(field.value)
            drawn.length += field.length
        else:
            field = _number(draw) if kind == "number" else _text(draw)
            drawn.lines.append(f"{head} {field.clause}.")
            drawn.values[name] = draw(field.value)
            drawn.length += field.length
    return drawn


@st.composite
def copybooks(draw: st.DrawFn) -> tuple[str, dict[str, Any], int]:
    """The source of a copybook, values of one record of it, and how many bytes these have."""
    drawn = draw(_groups(5, [0], in_table=False))
    return "\n".join(["01 RECORD-1.", *drawn.lines]) + "\n", drawn.values, drawn.length
