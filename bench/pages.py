"""Takes the figures of a run over into the documentation: `make bench-docs`.

Copies bench/results/*.json to docs/performance/, draws the SVGs there, and writes the blocks of
docs/performance.md between their markers. So no figure of the page was typed by hand, and each can be
traced to a file that says on which machine and from which revision it comes.

Rule: a block is `<!-- bench:NAME -->` ... `<!-- /bench:NAME -->`; what has not been measured says so.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.plots import DRAWINGS, NAMES, draw
from bench.results import DOCS, RESULTS, read

__all__ = ["BLOCKS", "blocks_written", "main"]

PAGE: Final = DOCS.with_suffix(".md")
MISSING: Final = "Not measured yet: `{command}`, then `make bench-docs`."


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine(figures: dict[str, Any]) -> str:
    of = figures["machine"]
    return (
        f"Measured at revision `{of['revision']}` on {of['processors']} processors "
        f"({of['processor']}), {of['memory_gib']} GiB, Linux {of['kernel']}, Python {of['python']}, "
        f"PostgreSQL {of['postgresql']}; peers with FastAPI {of['fastapi']}, uvicorn "
        f"{of['uvicorn']}, asyncpg {of['asyncpg']}."
    )


def _closed(figures: dict[str, Any]) -> str:
    closed, ratios = figures["closed"], figures["ratios"]
    numbers = list(closed["comptoir"])
    rows = [
        [NAMES[name], *(f"{by[n]['per_s']:,.0f}" for n in numbers)] for name, by in closed.items()
    ]
    rows += [
        [f"comptoir by {NAMES[peer]}", *(f"{by[n]:.2f}" for n in numbers)]
        for peer, by in ratios.items()
    ]
    cost = [
        [
            NAMES[name],
            *(f"{by[n]['cpu']['program']:.3f} + {by[n]['cpu']['database']:.3f}" for n in numbers),
        ]
        for name, by in closed.items()
    ]
    sender = [one["cpu_s_per_1000"] for by in closed.values() for one in by.values()]
    return "\n\n".join(
        (
            _machine(figures),
            "Webhooks per second, credited and durable, by connections:",
            _table(["", *numbers], rows),
            "CPU-seconds per 1,000 webhooks, program + PostgreSQL:",
            _table(["", *numbers], cost),
            f"The sender itself took {min(sender):.3f} to {max(sender):.3f} CPU-seconds per 1,000.",
        )
    )


def _open(figures: dict[str, Any]) -> str:
    rows: list[list[str]] = []
    for rate, ours in figures["open"]["comptoir"].items():
        tuned, bare = figures["open"]["tuned"][rate], figures["open"]["insert"][rate]
        credit = ours["credit"]["p99"]
        rows.append(
            [
                f"{int(rate):,} /s",
                f"{ours['p50_ms']:.2f}",
                f"{ours['p99_ms']:.2f}",
                f"{credit['ms']:.1f} ({credit['low_ms']:g} to {credit['high_ms']:g})",
                f"{tuned['p99_ms']:.2f}",
                f"{bare['p99_ms']:.2f}",
                f"{ours['p99_ms'] / bare['p99_ms']:.1f}",
            ]
        )
    head = ["rate", "ack p50", "ack p99", "credit p99 (its bucket)", "tuned peer's p99",
            "bare insert's p99", "ack p99 by the insert's"]  # fmt: skip
    return "Milliseconds, from the moment a request was due:\n\n" + _table(head, rows)


def _steps(figures: dict[str, Any]) -> str:
    """The steps of this run and, where they are kept, those of the run before the last change."""
    before = figures.get("before")
    then = {one["name"]: one["us"] for one in before["steps"]} if before else {}
    now = {one["name"]: one for one in figures["steps"]}
    rows = [
        [
            name,
            *([f"{then.get(name, 0.0):.1f}"] if before else []),
            f"{now[name]['us'] if name in now else 0.0:.1f}",
            f"{now[name]['share'] if name in now else 0.0:.1%}",
        ]
        for name in dict.fromkeys([*now, *then])
    ]
    whole = [f"**{one['us']:.1f}**" for one in (before, figures) if one]
    rows.append(["**the daemon, for a webhook**", *whole, ""])
    if before is None:
        return _machine(figures) + "\n\n" + _table(["step", "us", "share"], rows)
    head = ["step", f"us at `{before['machine']['revision']}`", "us", "share"]
    return _machine(figures) + "\n\n" + _table(head, rows)


def _lots(figures: dict[str, Any]) -> str:
    few, many = figures["10"], figures["10000"]
    text = (
        f"One wallet, one credit at a time: {few:,.0f} a second with 10 lots, {many:,.0f} with 10,000 "
        f"(ratio {many / few:.2f})."
    )
    debit = figures.get("debit_ms")  # not measured before there were withdrawals
    if debit is None:
        return text
    return (
        f"{text} A debit of two lots takes {debit['10']:.1f} ms of a wallet with 10 lots, {debit['10000']:.1f} ms "
        f"with 10,000; the largest, of all 10,000, {debit['all']:,.0f} ms."
    )


def _size(figures: dict[str, Any]) -> str:
    loads = [load for load in ("hot", "cold", "uniform") if load in figures]
    sizes = sorted((k for k in figures[loads[0]] if k.isdigit()), key=int)
    rows = [
        [
            load,
            *(f"{figures[load][size]['credits_per_s']:,.0f}" for size in sizes),
            f"{figures[load]['ratio']:.2f}",
        ]
        for load in loads
    ]
    head = ["credits per second", *(f"{int(size):,} wallets" for size in sizes), "most by fewest"]
    out = figures["turnover"]
    turnover = (
        f"Actors come and go: {out['woken_per_s']:,.0f} woken up a second, "
        f"{out['pushed_out_per_s']:,.0f} where each pushes another out, "
        f"{out['bytes_each']:,.0f} bytes each while idle, the loop held for "
        f"{out['loop_held_ms']:.1f} ms at most while all leave."
    )
    return "\n\n".join((_machine(figures), _table(head, rows), turnover))


def _sustained(figures: dict[str, Any]) -> str:
    return (
        f"{_machine(figures)}\n\nAfter {figures['count']:,} webhooks one more costs the daemon {figures['old_us']:.0f} us, "
        f"where it costs {figures['fresh_us']:.0f} in one that has just begun: {figures['cpu_ratio']:.2f} times as much, at "
        f"{figures['rate_ratio']:.2f} times the rate."
    )


def _memory(figures: dict[str, Any]) -> str:
    return f"A resident idle wallet takes {figures['bytes_each']:,.0f} bytes."


def _history(figures: dict[str, Any]) -> str:
    rows = [
        [
            f"{one['events']:,} events", f"{one['credits_per_s']:,.0f}", f"{one['ready_s']:.2f}",
            f"{one['recovered_s']:.2f}",
        ]
        for one in figures["sides"]
    ]  # fmt: skip
    rows.append(
        ["the long one by the empty", f"{figures['ratio']:.2f}", f"{figures['ready_ratio']:.2f}", f"{figures['recovered_ratio']:.2f}"]
    )  # fmt: skip
    head = ["journal", "credits per second", "start to ready, s", "after SIGKILL of both, s"]
    return _machine(figures) + "\n\n" + _table(head, rows)


def _outage(figures: dict[str, Any]) -> str:
    first, last = figures["down_s"]
    during = [one for one in figures["seen"] if first < one["at"] <= last]
    after = [one for one in figures["seen"] if one["at"] > last]
    rows = [
        [
            party,
            f"{max(one['parked'].get(gateway, 0) for one in figures['seen']):,}",
            f"{sum(one['asked'][party] for one in during):,}",
            f"{max(one['came'][party] / one['seconds'] for one in after):.0f}",
        ]
        for party, gateway in figures["gateways"].items()
    ]
    head = ["party", "calls parked at most", "calls that reached it while it was down",
            "calls a second at most, afterwards"]  # fmt: skip
    summary = (
        f"{figures['bought']:,} purchases and {figures['told']:,} notices; both parties down for "
        f"{figures['business_min']:.0f} minutes of business time ({last - first:.0f} s of real time). Nothing became a "
        f"dead letter, every purchase earned once, every credit was told of once, and no call was parked any more "
        f"{figures['let_go_s']:.0f} s after the end, although as many purchases came as before."
    )
    return "\n\n".join((_machine(figures), summary, _table(head, rows)))


def _copybook(figures: dict[str, Any]) -> str:
    sides = {name: one for name, one in figures.items() if name != "machine"}
    rows = [
        [
            f"{name}, {one['bytes']} bytes",
            f"{one['fields']}",
            f"{one['read_per_s']:,.0f} ({one['read_mb_per_s']:.1f} MB)",
            f"{one['written_per_s']:,.0f} ({one['written_mb_per_s']:.1f} MB)",
        ]
        for name, one in sides.items()
    ]
    count = next(iter(sides.values()))["records"]
    head = ["record", "fields", "read, by CPU-second", "written, by CPU-second"]
    return f"{_machine(figures)}\n\n{count:,} records of each:\n\n{_table(head, rows)}"


BLOCKS: Final[dict[str, tuple[str, Callable[[dict[str, Any]], str], str]]] = {
    "closed": ("webhooks", _closed, "make bench ARGS=webhooks"),
    "open": ("webhooks", _open, "make bench ARGS=webhooks"),
    "steps": ("steps", _steps, "make bench PROFILE=1"),
    "size": ("size", _size, "make bench ARGS=size"),
    "sustained": ("sustained", _sustained, "make bench ARGS=sustained"),
    "memory": ("memory", _memory, "make bench ARGS=memory"),
    "lots": ("lots", _lots, "make bench ARGS=lots"),
    "history": ("history", _history, "make bench ARGS=history"),
    "copybook": ("copybook", _copybook, "make bench ARGS=copybook"),
    "outage": ("outage", _outage, "make bench ARGS=outage"),
}
"""Name of the block -> whose JSON, who writes it, and what measures it."""
DRAWN: Final = {
    "closed": ("Rate against connections", "connections"),
    "open": ("Histogram of acknowledgements", "latency"),
    "steps": ("Flame graph of the daemon", "flame"),
    "size": ("Rate against wallets", "wallets"),
    "sustained": ("What a webhook costs, by how many came before", "sustained"),
    "memory": ("Memory against resident wallets", "memory"),
    "outage": ("What waits during an outage, and how it is let go", "outage"),
}
"""Name of the block -> what its drawing shows, and the drawing's name."""


def blocks_written(page: str, folder: Path) -> str:
    """The page with every block made anew from the JSON in a folder."""
    for name, (source, write, command) in BLOCKS.items():
        figures = read(source, folder)
        text = MISSING.format(command=command)
        if figures is not None and (before := read(f"{source}_before", folder)):
            figures["before"] = before
        if figures is not None:
            drawing = DRAWN.get(name)
            text = write(figures) + (
                f"\n\n![{drawing[0]}](performance/{drawing[1]}.svg)" if drawing else ""
            )
        marks = re.compile(rf"(?<=<!-- bench:{name} -->\n).*?(?=<!-- /bench:{name} -->)", re.DOTALL)
        found = marks.search(page)
        assert found is not None, f"the page has no block {name}"
        page = f"{page[: found.start()]}{text}\n{page[found.end() :]}"
    return page


def main() -> None:
    """Copy, draw, write."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for path in sorted(RESULTS.glob("*.json")):
        shutil.copy(path, DOCS / path.name)
    if (flame := RESULTS / "flame.svg").exists():
        shutil.copy(flame, DOCS / flame.name)
    for name, (source, _) in DRAWINGS.items():
        if (figures := read(source, DOCS)) is not None:
            draw(name, figures, DOCS / f"{name}.svg")
    PAGE.write_text(blocks_written(PAGE.read_text(encoding="utf-8"), DOCS), encoding="utf-8")
    print(f"written: docs/{PAGE.name} and docs/{DOCS.name}/")


if __name__ == "__main__":
    main()
