"""What a report says to operations, in French and English. Pure functions, plain text."""

from datetime import UTC, datetime, timedelta

from comptoir.actors.letter_report.messages import Report

__all__ = ["report_mail"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%d %H:%M UTC")


def report_mail(queue: str, report: Report) -> tuple[str, str]:
    """Subject and text of the mail: both languages in one, since it goes to a team.

    Args:
        queue: its name.
        report: what to tell.
    """
    day = _moment(report.at)[:10]
    subject = f"{queue} {day} : {report.letters} ({report.fresh} nouveaux / new)"
    return subject, f"{_french(queue, report)}\n---\n\n{_english(queue, report)}"


def _french(queue: str, report: Report) -> str:
    told = f"{queue}, le {_moment(report.at)} : {report.letters} message(s) en échec"
    told += f", dont {report.fresh} depuis le {_moment(report.since)}.\n"
    if report.letters:
        told += f"Le plus ancien date du {_moment(report.oldest)}.\n\n"
    for cause in report.causes:
        told += f"  {cause.letters:>6}  {cause.code} ({cause.fresh} nouveaux)\n"
    return f"{told}\nPour les voir : comptoir dlq list --queue {queue}\n"


def _english(queue: str, report: Report) -> str:
    told = f"{queue}, {_moment(report.at)}: {report.letters} dead letter(s)"
    told += f", {report.fresh} of them since {_moment(report.since)}.\n"
    if report.letters:
        told += f"The oldest is of {_moment(report.oldest)}.\n\n"
    for cause in report.causes:
        told += f"  {cause.letters:>6}  {cause.code} ({cause.fresh} new)\n"
    return f"{told}\nTo see them: comptoir dlq list --queue {queue}\n"
