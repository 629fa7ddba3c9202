"""Records of a mainframe, read and written by the source of their copybooks.

Pure functions: no machine, no I/O. `read_copybook` gives a `Record`, `Codec` reads and writes it, `frames` has files of
them. The copybooks that are ours lie beside the code (`*.cpy`), and a COBOL compiler reads the same files.
Source: spec.md S30, X11, X12, E11; protocols.md 5.7; docs/copybook.md.
"""

from comptoir.actors.gateways.copybook.codec import Codec, Values
from comptoir.actors.gateways.copybook.frames import read_records, write_record, write_records
from comptoir.actors.gateways.copybook.items import Item, Record
from comptoir.actors.gateways.copybook.layout import read_copybook
from comptoir.actors.gateways.copybook.options import Options
from comptoir.actors.gateways.copybook.refusals import (
    COPYBOOK_CODES,
    RECORD_CODES,
    CopybookRefused,
    RecordRefused,
)

__all__ = [
    "COPYBOOK_CODES",
    "RECORD_CODES",
    "Codec",
    "CopybookRefused",
    "Item",
    "Options",
    "Record",
    "RecordRefused",
    "Values",
    "read_copybook",
    "read_records",
    "write_record",
    "write_records",
]
