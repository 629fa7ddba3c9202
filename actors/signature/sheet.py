"""What the programs that draw, seal and verify are told, and what they answer (studio.py). Source: docs/signature.md."""

import msgspec

__all__ = ["EVIDENCE", "FIELD", "Drawn", "Part", "Seal", "Sealed", "Sheet", "SignerSeen", "Verdict"]

FIELD = "Signature"
"""Name of the field in the PDF that is signed."""
EVIDENCE = "evidence.json"
"""Name of the attachment that says how it was signed."""


class Part(msgspec.Struct, frozen=True):
    """A heading, and its paragraphs."""

    heading: str
    text: tuple[str, ...]


class Sheet(msgspec.Struct, frozen=True):
    """All that is drawn."""

    language: str
    title: str
    house: str
    number: str
    """Of the file: it stands on every page."""
    parts: tuple[Part, ...]
    signature: str
    """What stands over the place for the signature."""
    signer: str
    at: int
    """Its date, ms since 1970: the only time in the file."""


class Drawn(msgspec.Struct, frozen=True):
    """The file."""

    pdf: bytes
    pages: int


class Seal(msgspec.Struct, frozen=True):
    """What it takes to seal a contract."""

    pdf: bytes
    pkcs12: bytes
    password: str
    tsa_url: str
    trust: tuple[bytes, ...]
    """Roots beside the one in the PKCS#12 file, in DER."""
    evidence: bytes
    """JSON: it is put into the file as an attachment before it is signed."""
    language: str
    stamp: tuple[str, ...]
    """Lines that are seen where it is signed."""
    seconds_max: float
    """For each answer from outside."""


class Sealed(msgspec.Struct, frozen=True):
    """The sealed file; or why there is none."""

    pdf: bytes
    code: str = ""
    """Empty: it is sealed."""
    retryable: bool = False


class SignerSeen(msgspec.Struct, frozen=True):
    """One signature of a PDF."""

    name: str
    issuer: str
    signed_at: int | None
    """As a time stamp proves it, ms since 1970; None: nothing proves when."""
    level: str
    """`B-B`, `B-T`, `B-LT`, `B-LTA` (ETSI EN 319 142-1)."""
    intact: bool
    """The bytes that it covers are those that were signed."""
    trusted: bool
    """Its certificate leads to a root that is trusted, and was good when it was signed."""
    whole: bool
    """It covers the whole document: nothing but what keeps it valid was added afterwards."""
    evidence: str = ""
    """What the house has sealed about how it was signed, as JSON; empty: nothing."""


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said of a PDF."""

    valid: bool
    signers: tuple[SignerSeen, ...]
    problems: tuple[str, ...]
    """Stable codes; empty where it is valid."""
