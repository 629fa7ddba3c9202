"""What `comptoir kyc report` prints: the measures of onboarding, to be looked at rather than read.

Rule: the figures are the daemon's; nothing is computed here but the length of a bar. Source: spec.md S26, S27, S39,
E17; docs/review.md.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer

from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import one_line
from comptoir.engine.cli.tables import print_table
from comptoir.http.principal import Role

__all__ = ["bar", "run_report"]

PATH: Final = "/api/v1/onboarding/measures"
BAR: Final = 24
"""Characters of a whole bar."""
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
AIM: Final = "│"
SOME, MUCH = 0.10, 0.25


def run_report(form: str, url: str | None, config: Path | None) -> None:
    """Print the measures.

    Raises:
        CommandError: see `asked`.
    """
    found = asked(lambda client: client.get(PATH), url, config, role=Role.OPERATIONS)
    if form == "json":
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    fine = (sys.stdout.encoding or "").lower().startswith("utf")
    for title, head, rows in _tables(found, fine=fine):
        if rows:
            typer.echo(f"\n{title}")
            print_table(head, rows)
    for line in _sentences(found):
        typer.echo(one_line(line))


def bar(share: float, aim: float | None = None, *, fine: bool = True) -> str:
    """A share of 1 as a bar, with a mark where it should end.

    Args:
        share: held within 0 and 1.
        aim: likewise.
        fine: whether whoever looks has the characters for it; else it is of `#`.
    """
    eighths = round(min(max(share, 0.0), 1.0) * BAR * 8)
    whole, rest = divmod(eighths, 8)
    drawn = "█" * whole + (EIGHTHS[rest] if rest else "") if fine else "#" * whole
    if aim is None:
        return drawn
    mark = min(int(aim * BAR), BAR - 1)
    padded = drawn.ljust(BAR)
    return f"{padded[:mark]}{AIM if fine else '|'}{padded[mark + 1 :]}".rstrip()


Table = tuple[str, Sequence[str], list[Sequence[str]]]


def _tables(found: Mapping[str, Any], *, fine: bool) -> Iterator[Table]:
    title = (
        f"Decisions of rules alone, {found['firstDay']} to {found['lastDay']} (the mark is the aim)"
    )
    yield (
        title,
        ("outcome", "decisions", "share", "aim", ""),
        [
            (name, str(found["outcomes"].get(name, 0)), f"{share:.1%}", f"{found['aims'][name]:.0%}",
             bar(share, found["aims"][name], fine=fine))
            for name, share in found["shares"].items()
        ],
    )  # fmt: skip
    longest = max((one["meanHours"] for one in found["stages"]), default=0) or 1
    yield (
        "Time in each stage, and whom it waits for",
        ("stage", "waits for", "files", "mean", "half within", "9 of 10 within", "aim", "late", ""),
        [
            (one["stage"], one["waitsFor"], str(one["files"]), _hours(one["meanHours"]),
             _bound(one["halfWithinHours"]), _bound(one["mostWithinHours"]), *_aimed(one),
             bar(one["meanHours"] / longest, fine=fine))
            for one in sorted(found["stages"], key=lambda one: -one["meanHours"])
        ],
    )  # fmt: skip
    yield _counted("Hours waited for", found["waitedHours"], fine=fine)
    yield _counted("Files", found["files"], fine=fine)
    yield _counted("Abandoned at", found["abandonedAt"], fine=fine)
    yield _counted("Sent again because of", found["correctedFor"], fine=fine)
    yield _counted("Calls of parties", found["calls"], fine=fine)
    yield _counted(
        "Reviews: recommendation, and what a person decided", found["reviews"], fine=fine
    )
    for one in found["rules"]:
        yield from _rules(one, fine=fine)


def _counted(title: str, counts: Mapping[str, float], *, fine: bool) -> Table:
    most = max(counts.values(), default=0) or 1
    rows: list[Sequence[str]] = [
        (name, f"{count:g}", bar(count / most, fine=fine))
        for name, count in counts.items()
        if count
    ]
    return title, ("", "", ""), rows


def _rules(one: Mapping[str, Any], *, fine: bool) -> Iterator[Table]:
    """Scores now and before, and factors."""
    now, before = one["decisions"] or 1, one["decisionsBefore"] or 1
    names = sorted({*one["bands"], *one["bandsBefore"]})
    yield (
        f"Scores under {one_line(one['version'])}: stability index {_index(one['stabilityIndex'])}",
        ("score", "now", "before", ""),
        [
            (_band(name), f"{_of(one['bands'], name, now):.1%}", f"{_of(one['bandsBefore'], name, before):.1%}",
             bar(_of(one["bands"], name, now), fine=fine))
            for name in names
        ],
    )  # fmt: skip
    yield (
        "Factors: the share of decisions in which each held",
        ("factor", "share", "stability index", ""),
        [
            (name, f"{count / now:.1%}", _index(one["factorIndices"].get(name)), bar(count / now, fine=fine))
            for name, count in one["factors"].items()
        ],
    )  # fmt: skip


def _of(counts: Mapping[str, int], name: str, total: int) -> float:
    return counts.get(name, 0) / total


def _band(name: str) -> str:
    if not name.isdigit():
        return name
    low = int(name)
    return f"{low} to {100 if low == 90 else low + 9}"  # noqa: PLR2004  # the last band has 100 as well


def _index(index: float | None) -> str:
    if index is None:
        return "not known"
    word = "much" if index >= MUCH else "some" if index >= SOME else "stable"
    return f"{index:.3f} ({word})"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} d"  # noqa: PLR2004  # two days


def _bound(hours: int | None) -> str:
    return "longer" if hours is None else _hours(hours)


def _aimed(one: Mapping[str, Any]) -> tuple[str, str]:
    """In which a stage is to be left, and the share of files that took longer."""
    if one["aimHours"] is None:
        return "-", "-"
    return _hours(one["aimHours"]), f"{one['lateShare']:.1%}"


def _sentences(found: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    if found["fileCostCents"] is not None:
        cost = f"{found['fileCostCents'] / 100:.2f} {found['currency']}"
        yield f"A decided file costs {cost} of calls{_without(found['unpriced'])}."
    elif found["unpriced"]:
        yield f"What a decided file costs is not set{_without(found['unpriced'])}."
    if found["entryErrorShare"] is not None:
        yield _share("of the files had an entry error", found, "entryError")
    if found["falsePositiveShare"] is not None:
        yield _share(
            "of the files were stopped by screening and then approved", found, "falsePositive"
        )
    if found["reversedShare"] is not None:
        yield f"People reversed {found['reversedShare']:.1%} of the recommendations that they judged."
    for code in found["alerts"]:
        yield f"ALERT {code}"
    if not found["alerts"]:
        yield f"No alert; {found['decisions']} decisions in the window."


def _without(parties: Sequence[str]) -> str:
    """Which settings are missing for it."""
    names = ", ".join(f"measures.{one_line(party)}_check_cents" for party in parties)
    return f" (not set: {names})" if names else ""


def _share(text: str, found: Mapping[str, Any], name: str) -> str:
    return f"{found[f'{name}Share']:.1%} {text}; at most {found[f'{name}Aim']:.0%} are aimed at."
