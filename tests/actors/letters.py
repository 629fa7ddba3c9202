"""Samples of what an operator decides about dead letters, and of their report: each phase, and what may be
said to it.
"""

import msgspec

from comptoir.actors.disposition.machine import DispositionState, Many, Phase
from comptoir.actors.disposition.messages import (
    Act,
    DescribeDisposition,
    DisposeLetter,
    LettersSettled,
    LettersUnsettled,
    NoteReading,
    PageDue,
    ReplayLetters,
)
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken
from comptoir.actors.letter_report import machine as report
from comptoir.actors.letter_report.messages import KeepReporting, ListReports, Report, ReportDue
from comptoir.engine import Message
from comptoir.engine.letters import LetterCount, LetterFilter

__all__ = ["OF_DISPOSITIONS", "OF_REPORTS", "REPORTING"]

POINTS = LetterFilter("dlq:points")
REPLAY = DisposeLetter(Act.REPLAY, 7, "eva")
TURN = PageDue(POINTS, 0, 9)
TO_DISPOSITION: tuple[Message, ...] = (
    REPLAY, ReplayLetters(POINTS, 9, "eva", 50), TURN, LettersSettled(), LettersUnsettled("AWAY"),
    NoteReading(7, "cora"), DescribeDisposition(),
)  # fmt: skip
_ONE = DispositionState(Phase.NONE, maker="eva", letters=1, page=(7,))
MANY = msgspec.structs.replace(
    _ONE, phase=Phase.SETTLING, many=Many(POINTS, 7, 9, 50), page=tuple(range(1, 101))
)
"""A page was named, and there is more."""
DISPOSITIONS = tuple(
    msgspec.structs.replace(MANY if phase is Phase.WAITING else _ONE, phase=phase)
    for phase in Phase
)

COUNTS = (LetterCount("dlq:transactions", "CONNECTION_UNKNOWN", 2, 1, 5),)
REPORTS = (
    report.ReportState(report.Phase.OFF),
    report.ReportState(report.Phase.KEEPING, 6, 9, (Report(8, 7, 0, 0, 0, (), "sent"),)),
)
TO_REPORT: tuple[Message, ...] = (
    KeepReporting(), ReportDue(7), NoticeTaken("u1:8"), NoticeRefused("u1:8", "MAIL_REFUSED"),
    ListReports(),
)  # fmt: skip
REPORTING = REPORTS[1]

OF_DISPOSITIONS: tuple[tuple[DispositionState, Message, object], ...] = (
    *((state, message, (3, 7)) for state in DISPOSITIONS for message in TO_DISPOSITION),
    (DISPOSITIONS[1], TURN, ()),
    (MANY, LettersSettled(), None),
    (msgspec.structs.replace(MANY, phase=Phase.FAILED), LettersSettled(), None),
)
OF_REPORTS: tuple[tuple[report.ReportState, Message, object], ...] = tuple(
    (state, message, COUNTS) for state in REPORTS for message in TO_REPORT
)
