"""Settings of the signature of contracts: who has them signed, for how long, and by what the house seals.

Rule: where nobody has contracts signed nothing waits: it is refused by name. Source: S6, S28; docs/signature.md.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from comptoir.engine.settings.fields import Section, integer, number, option
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import SecretKind
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.providers import Providers
from comptoir.engine.settings.rules import problem
from comptoir.engine.settings.secret import Secret

__all__ = ["Signing", "signing_problems"]

FILE = TextKind("a path, or an empty text", r".*")


@dataclass(frozen=True, slots=True)
class Signing(Section):
    """Contracts and their signature; used by onboarding."""

    provider: Literal["", "embedded", "docusign"] = option(
        "", ChoiceKind(("", "embedded", "docusign")),
        "Who has contracts signed: ourselves in the portal, or DocuSign; empty = nobody, and no file gets so far.",
        "S28",
    )  # fmt: skip
    house: str = option(
        "Comptoir", TextKind("1 to 100 characters", r"[^\x00-\x1f]{1,100}"),
        "Who the contract is with, as it is written there.", "S28",
    )  # fmt: skip
    expiry_days: int = integer(
        14, "days", (1, 90), "A contract that is not signed by then has expired.", "S28, ours"
    )
    poll_minutes: int = integer(
        60, "minutes", (1, 1_440), "A provider of which nothing is heard is asked after it.", "E6"
    )
    templates: str = option(
        "", FILE, "Folder of templates beside the shipped ones; empty = none.", "S1, S28"
    )
    certificate: str = option(
        "", FILE, "PKCS#12 file with the certificate that seals, its key and its chain.", "S28"
    )
    password: Secret = option(
        Secret(""), SecretKind("a text, or an empty one", lambda _text: True),
        "What opens it.", "S28", "secret",
    )  # fmt: skip
    trust: str = option(
        "", FILE,
        "PEM file of the roots that a verified signer must lead to, beside the root in the PKCS#12 file; time stamps may "
        "as well. Everybody whom they certify for signing is then a good signer: no root of a time stamping authority. "
        "Empty = the root in the PKCS#12 file alone.", "S28",
    )  # fmt: skip
    stamp_trust: str = option(
        "", FILE,
        "PEM file of further roots that time stamps may lead to, and no signer; empty = none.", "S28",
    )  # fmt: skip
    seconds_max: float = number(
        60.0, "s", (1.0, 600.0), "For drawing, sealing or verifying one document.", "ours"
    )
    verify_bytes_max: int = integer(
        26_214_400,
        "bytes",
        (1_048_576, 104_857_600),
        "Largest PDF that POST /verify takes.",
        "ours",
    )
    verify_waiting_max: int = integer(
        4, "documents", (1, 100), "Waiting to be verified; more are told to come back.", "ours"
    )


def signing_problems(signing: Signing, providers: Providers) -> Iterator[Problem]:
    """Want of our own signer what it takes to seal for the long term."""
    if signing.provider != "embedded":
        return
    if not signing.certificate:
        yield problem(
            "signing.certificate", "is empty, but the house seals", "name its PKCS#12 file"
        )
    if not providers.tsa.base_url:
        yield problem(
            "providers.tsa.base_url", "is empty, but seals need time stamps", "name an RFC 3161 TSA"
        )
