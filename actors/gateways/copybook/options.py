"""How the bytes of records are meant: what a copybook does not say.

Source: check-command contract (`options`); IBM Enterprise COBOL for z/OS Programming Guide, TRUNC and NUMPROC.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """Every choice, and what holds where nothing is said."""

    code_page: str = ""
    """Of texts, and by its kind (EBCDIC or ASCII) of digits and signs; empty: cp037, or ascii for D."""
    record_format: Literal["F", "V", "VB", "D"] = "F"
    """F: one after the other, as long as the copybook says. V: each behind a record descriptor word. VB: these in
    blocks, each behind a block descriptor word. D: lines of text, one a record."""
    trim: Literal["right", "left", "both", "none"] = "right"
    """Which blanks around a text are taken away when it is read."""
    signs: Literal["preferred", "any"] = "preferred"
    """preferred: C, D and F are signs. any: A and E are positive too, and B is negative, as for NUMPROC(NOPFD)."""
    trunc: Literal["std", "bin"] = "std"
    """std: COMP holds what its picture has digits for. bin: what its bytes hold, as COMP-5 does."""
    byte_order: Literal["big", "little"] = "big"
    """Of COMP-5: that of the machine. COMP has its highest byte first everywhere."""
    blanks: Literal["refused", "null"] = "refused"
    """null: a number of DISPLAY that is all blanks, or all low values, is read as nothing."""
    odo: Literal["actual", "most"] = "actual"
    """actual: a table of variable size is as long as its field says. most: it always has the room of its most."""
