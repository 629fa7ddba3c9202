"""Draws what the documentation shows, as SVG, from the JSON that the benches wrote.

Rule: the same figures make the same bytes (no date, fixed ids, text as text), so that a difference in a
drawing is a difference in what was measured. Our line is the thick blue one everywhere; peers are grey
and told apart by dashes and marks, so that nothing depends on seeing colours.
Source: matplotlib's manual, `svg.hashsalt` and `savefig(metadata=...)`.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.load import BUCKETS_PER_DECADE

__all__ = ["DRAWINGS", "draw"]

# matplotlib types its keywords only in part, which a strict checker takes for unknown.
_MATPLOTLIB: Final[Any] = mpl
_FIGURE: Final[Any] = Figure
Axes = Any

SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "comptoir", "svg.fonttype": "none", "font.size": 10, "axes.grid": True,
    "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
}  # fmt: skip
STYLES: Final[dict[str, dict[str, Any]]] = {
    "comptoir": {"color": "#0b5cad", "linewidth": 2.6, "marker": "o", "zorder": 3},
    "tuned": {"color": "#444444", "linewidth": 1.4, "marker": "s", "linestyle": "--"},
    "single": {"color": "#666666", "linewidth": 1.4, "marker": "D", "linestyle": "-."},
    "plain": {"color": "#888888", "linewidth": 1.4, "marker": "^", "linestyle": ":"},
    "insert": {"color": "#b8860b", "linewidth": 1.4, "marker": None, "linestyle": "-."},
}
NAMES: Final = {
    "comptoir": "comptoir",
    "tuned": "FastAPI made lean, one statement",
    "single": "FastAPI, one tuned statement",
    "plain": "FastAPI, plain transaction",
    "insert": "a bare insert, fsynced",
}
OUTAGE_LINES: Final = (
    ("push", "push notices parked", "comptoir"),
    ("bank_plaid", "reads at Plaid parked", "tuned"),
)
"""Gateway, what its line is called, and whose style it has."""
HISTOGRAM_RATE: Final = "1000"


def _thousands(value: float, _position: int | None = None) -> str:
    return f"{value:,.0f}"


def _any_number(value: float, _position: int | None = None) -> str:
    return f"{value:g}"


def _named_ticks(axes: Axes, values: list[float]) -> None:
    """One tick for each value that was measured, on a logarithmic axis."""
    axes.set_xscale("log")
    axes.set_xticks(values, [_thousands(value) for value in values])
    axes.xaxis.set_minor_locator(NullLocator())


def _dense(histogram: list[list[float]]) -> dict[float, float]:
    """Bound in ms -> count, with the buckets between that hold nothing, and one on either side."""
    step = 10 ** (1 / BUCKETS_PER_DECADE)
    counts = {round(math.log(bound, step)): count for bound, count in histogram}
    numbers = range(min(counts) - 1, max(counts) + 2)
    return {step**number: counts.get(number, 0.0) for number in numbers}


def connections(axes: Axes, figures: dict[str, Any]) -> None:
    """Rate against connections, closed loop."""
    xs: list[float] = []
    for name, by_connections in figures["closed"].items():
        xs = [float(n) for n in by_connections]
        rates = [one["per_s"] for one in by_connections.values()]
        lows = [min(one["rounds_per_s"]) for one in by_connections.values()]
        highs = [max(one["rounds_per_s"]) for one in by_connections.values()]
        axes.plot(xs, rates, label=NAMES[name], **STYLES[name])
        axes.fill_between(xs, lows, highs, color=STYLES[name]["color"], alpha=0.12, linewidth=0)
    _named_ticks(axes, xs)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("connections (closed loop)")
    axes.set_ylabel("webhooks credited per second")
    axes.legend()


def latency(axes: Axes, figures: dict[str, Any]) -> None:
    """The histogram of acknowledgements at one rate, as shares of all requests."""
    for name, by_rate in figures["open"].items():
        rate = HISTOGRAM_RATE if HISTOGRAM_RATE in by_rate else next(iter(by_rate))
        histogram = by_rate[rate]["histogram"]
        whole = sum(count for _, count in histogram)
        style = {k: v for k, v in STYLES[name].items() if k not in ("marker", "zorder")}
        dense = _dense(histogram)
        xs, ys = list(dense), [count / whole * 100 for count in dense.values()]
        p99 = by_rate[rate]["p99_ms"]
        axes.plot(xs, ys, drawstyle="steps-pre", label=f"{NAMES[name]} (p99 {p99:.1f} ms)", **style)
        axes.axvline(p99, color=style["color"], linewidth=0.8, linestyle=":")
        axes.set_xlabel(
            f"ms from the due time to the acknowledgement, at {int(rate):,} /s open loop"
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_any_number))
    axes.set_ylim(bottom=0)
    axes.set_ylabel("share of requests, % (buckets of 12 %)")
    axes.legend()


def wallets(axes: Axes, figures: dict[str, Any]) -> None:
    """Rate against the number of wallets in the database, by load."""
    marks = {"hot": "o", "cold": "s", "uniform": "^"}
    words = {"hot": "a thousand of them hot", "cold": "any, few in memory", "uniform": "any"}
    sizes: list[float] = []
    for load, mark in marks.items():
        if load not in figures:
            continue
        by_size = {int(k): v for k, v in figures[load].items() if k.isdigit()}
        sizes = [float(size) for size in sorted(by_size)]
        rates = [by_size[int(size)]["credits_per_s"] for size in sizes]
        style = STYLES["comptoir" if load == "hot" else "tuned" if load == "cold" else "plain"]
        axes.plot(sizes, rates, label=words[load], **{**style, "marker": mark})
    _named_ticks(axes, sizes)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("wallets in the database")
    axes.set_ylabel("credits per second")
    axes.legend()


def memory(axes: Axes, figures: dict[str, Any]) -> None:
    """Memory of the process against resident wallets."""
    xs = [one["resident"] for one in figures["points"]]
    ys = [one["mib"] for one in figures["points"]]
    style = STYLES["comptoir"]
    slope = f"{figures['bytes_each'] / 1024:.1f} KiB for each wallet"
    axes.plot(xs, ys, label=slope, **style)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("resident idle wallets")
    axes.set_ylabel("resident memory, MiB (the journal's taken off)")
    axes.legend()


def outage(axes: Axes, figures: dict[str, Any]) -> None:
    """What waits while two parties are down, and how it is let go."""
    seen = figures["seen"]
    xs = [one["at"] for one in seen]
    words = f"both down ({figures['business_min']:.0f} min of business time)"
    axes.axvspan(*figures["down_s"], color="#b22222", alpha=0.08, linewidth=0, label=words)
    for gateway, words, name in OUTAGE_LINES:
        style = {**STYLES[name], "marker": None}
        axes.plot(xs, [one["parked"].get(gateway, 0) for one in seen], label=words, **style)
    rates = axes.twinx()
    came = [sum(one["came"].values()) / one["seconds"] for one in seen]
    rates.plot(xs, came, **{**STYLES["insert"], "linewidth": 1.0})
    rates.set_ylim(bottom=0)
    rates.grid(visible=False)
    rates.set_ylabel("calls that came through, a second (dash-dotted)")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("seconds (real time: deadlines, breakers and the pace of release)")
    axes.set_ylabel("calls parked")
    axes.legend(loc="upper left")


def sustained(axes: Axes, figures: dict[str, Any]) -> None:
    """What a webhook costs the daemon and its database, by how many came before."""
    points = figures["points"]
    xs = [one["sent"] for one in points]
    axes.plot(xs, [one["daemon_us"] for one in points], label="the daemon", **STYLES["comptoir"])
    axes.plot(xs, [one["database_us"] for one in points], label="its database", **STYLES["tuned"])
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("webhooks since the daemon began")
    axes.set_ylabel("CPU of one more, microseconds")
    axes.legend()


DRAWINGS: Final[dict[str, tuple[str, Callable[[Axes, dict[str, Any]], None]]]] = {
    "connections": ("webhooks", connections),
    "latency": ("webhooks", latency),
    "wallets": ("size", wallets),
    "memory": ("memory", memory),
    "outage": ("outage", outage),
    "sustained": ("sustained", sustained),
}
"""Name of the drawing -> whose JSON, and who draws it."""


def draw(name: str, figures: dict[str, Any], target: Path) -> None:
    """Draw one, always the same bytes from the same figures."""
    with _MATPLOTLIB.rc_context(SETTINGS):
        figure = _FIGURE(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        DRAWINGS[name][1](axes, figures)
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
