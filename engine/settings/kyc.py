"""Settings of the assessment of clients (onboarding.py: what its score is made of).

Rule: no time here approves or rejects anybody: what has not come by then makes a person look.
Source: S10, S27, E6.
"""

from dataclasses import dataclass

from comptoir.engine.settings.fields import Section, integer

__all__ = ["Kyc"]


@dataclass(frozen=True, slots=True)
class Kyc(Section):
    """How long the parties that know people are waited for; used by assessments."""

    read_minutes: int = integer(
        15, "minutes", (1, 1_440), "A report that has not come is read after it, and again.", "E6"
    )
    silent_hours: int = integer(
        24,
        "hours",
        (1, 720),
        "Checks that are not answered by then are a person's to weigh.",
        "S27",
    )
