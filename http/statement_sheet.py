"""A statement as the sheet that is drawn: every text of the PDF, in the reader's language.

The rule: numbers come from the statement and words from `statement_words`; nothing is added up here.
Source: spec.md S47; docs/statements.md.
"""

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Change
from comptoir.http.page import Language
from comptoir.http.statement import Statement
from comptoir.http.statement_pdf import Section, Sheet
from comptoir.http.statement_words import WORDS, Words

__all__ = ["to_sheet"]


def to_sheet(statement: Statement, language: Language) -> Sheet:
    """What is drawn."""
    words, when, month = WORDS[language], statement.period, statement.month
    facts = [
        words.wallet.format(statement.user_id),
        words.zone.format(when.zone.key),
        *([words.provisional] if statement.provisional else []),
    ]
    books = words.columns[3:7]
    balances = [
        ["", "", "", *books, ""],
        [words.opening, "", "", *_numbers(words, month.opening), ""],
        [words.closing, "", "", *_numbers(words, month.closing), ""],
    ]
    totals = [
        ["", "", words.movements, *books, ""],
        *(
            [words.kind(one.kind), "", words.points(one.movements), *_moved(words, one.change), ""]
            for one in month.totals
        ),
    ]
    sections = [Section(words.balances, balances)]
    if month.totals:
        sections.append(Section(words.totals, totals))
    sections.append(_movements(statement, words))
    subtitle = words.month(when.month)
    return Sheet(language, words.title, subtitle, facts, sections, words.of)


def _movements(statement: Statement, words: Words) -> Section:
    if not statement.lines:
        return Section(words.movements, [[words.none, *[""] * 7]], headed=False)
    first = words.opening if statement.begins else words.carried
    rows = [
        list(words.columns),
        [first, *[""] * 6, words.points(statement.carried[0])],
        *(_line(statement, line, words) for line in statement.lines),
    ]
    last = statement.lines[-1].movement.after
    rows.append(
        [words.carried if statement.more else words.closing, *[""] * 6, words.points(last[0])]
    )
    return Section(words.movements, rows)


def _line(statement: Statement, line: Line, words: Words) -> list[str]:
    one = line.movement
    detail = line.partner or one.withdrawal or one.transaction or ""
    return [
        words.date(statement.period.day(one.at)), words.kind(one.kind), detail,
        *_moved(words, one.change), words.points(one.after[0]),
    ]  # fmt: skip


def _numbers(words: Words, balance: Change) -> list[str]:
    return [words.points(points) for points in balance]


def _moved(words: Words, change: Change) -> list[str]:
    return [words.change(points) for points in change]
