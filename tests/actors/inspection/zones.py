"""Zones of nobody: written by the rules of Doc 9303, apart from what reads them.

Rule: nothing of comptoir is called here: this is the second opinion. A digit is counted by the table of
Doc 9303 part 3, 4.9, written out; lines are put together by width, not by the layouts of actors/inspection.
"""

from dataclasses import dataclass

__all__ = ["ERIKSSON", "Bearer", "digit", "write_zone"]

ERIKSSON: dict[str, list[str]] = {
    "TD3": [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ],
    "TD1": [
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ],
    "TD2": ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"],
    "MRVA": [
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
    ],
    "MRVB": ["V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L8988901C4XXX4009078F9612109<<<<<<<<"],
}
"""The specimens that Doc 9303 publishes (parts 4 to 7)."""
VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Bearer:
    """Of a document; names of A to Z and blanks, dates YYMMDD."""

    surname: str = "ERIKSSON"
    given: str = "ANNA MARIA"
    number: str = "L898902C3"
    nationality: str = "UTO"
    birth: str = "740812"
    sex: str = "F"
    expiry: str = "320415"
    optional: str = ""
    issuer: str = "UTO"


def digit(text: str) -> str:
    """Its check digit."""
    total = 0
    for at, sign in enumerate(text):
        value = 0 if sign == "<" else VALUES.index(sign)
        total += value * (7 if at % 3 == 0 else 3 if at % 3 == 1 else 1)
    return str(total % 10)


def checked(text: str, width: int) -> str:
    """Filled up, with its digit."""
    filled = text.ljust(width, "<")
    return filled + digit(filled)


def filled(text: str) -> str:
    """Blanks as fillers."""
    return text.replace(" ", "<")


def write_zone(kind: str, bearer: Bearer) -> list[str]:
    """The lines of a document: TD1, TD2, TD3, MRVA, MRVB, or FRA (the French card of 1988 to 2021).

    Of the French card `expiry` is the day of issue, and the last eight signs of the number count.
    """
    one = bearer
    names = f"{filled(one.surname)}<<{filled(one.given)}"
    number, birth, expiry = checked(one.number, 9), checked(one.birth, 6), checked(one.expiry, 6)
    sex = one.sex if one.sex in "MF" else "<"
    if kind == "TD1":
        first = f"I<{one.issuer:<<3}{number}".ljust(30, "<")
        second = f"{birth}{sex}{expiry}{one.nationality:<<3}" + one.optional.ljust(11, "<")
        composite = digit(first[5:] + second[:7] + second[8:15] + second[18:])
        return [first, second + composite, names[:30].ljust(30, "<")]
    if kind == "FRA":
        first = "IDFRA" + filled(one.surname)[:25].ljust(25, "<") + "<<<<<<"
        second = checked(one.expiry[:4] + one.number[-8:].rjust(8, "0"), 12)
        second += filled(one.given)[:14].ljust(14, "<") + birth + sex
        return [first, second + digit(first + second)]
    code, width = {"TD2": ("I", 36), "TD3": ("P", 44), "MRVA": ("V", 44), "MRVB": ("V", 36)}[kind]
    first = f"{code}<{one.issuer:<<3}{names}"[:width].ljust(width, "<")
    second = f"{number}{one.nationality:<<3}{birth}{sex}{expiry}"
    if kind == "TD3":
        second += checked(one.optional, 14)
    elif kind == "TD2":
        second += one.optional.ljust(7, "<")
    else:
        return [first, second + one.optional.ljust(width - 28, "<")]
    return [first, second + digit(second[:10] + second[13:20] + second[21:])]
