"""How long a list of a million names takes to index, to open and to search, and who is found in it.

Rule: the names come from a seed; half of the surnames are of a few that very many bear, which is what makes a search
slow; nothing is cached that a daemon would not have. Every name is asked for in another order, and one letter of
most is wrong. Source: issue 8, "Must show" (index in ten minutes, open in ten seconds, 1.5 GiB, p99 of 20 ms).
"""

import os
import random
import resource
import statistics
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from time import perf_counter, process_time, thread_time_ns
from typing import Final

from bench.screening_variants import born_of, planted, slipped, tell_ordinary, tell_recall
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index, build_index
from comptoir.actors.screening.words import GIVEN

__all__ = ["main"]

NAMES: Final = int(os.environ.get("BENCH_NAMES", "1000000"))
QUERIES: Final = 500
SURNAMES: Final = 60_000
SEED: Final = 20_251_124
SYLLABLES: Final = [
    "ba",
    "be",
    "bi",
    "bo",
    "da",
    "de",
    "di",
    "do",
    "ka",
    "ke",
    "ki",
    "ko",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "me",
    "mi",
    "mo",
    "na",
    "ne",
    "ni",
    "no",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "si",
    "so",
    "ta",
    "te",
    "ti",
    "to",
    "va",
    "vi",
    "vo",
    "za",
    "zo",
    "cha",
    "sha",
    "kha",
    "gou",
    "mar",
    "ber",
    "ten",
    "vin",
    "ler",
    "son",
    "man",
    "ski",
    "dze",
    "yan",
    "oglu",
]


def entries(chance: random.Random) -> Iterator[Entry]:
    """The list."""
    given = sorted(GIVEN)
    surnames = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(SURNAMES)]
    for number in range(NAMES):
        common = surnames[int(chance.paretovariate(0.8)) % SURNAMES]
        surname = common if chance.random() < 0.5 else chance.choice(surnames)
        names = [*chance.choices(given, k=1 if chance.random() < 0.6 else 2), surname]
        yield Entry(f"e{number}", "Person", (" ".join(names).title(),), (born_of(chance),))


def main() -> None:
    """Print the figures."""
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="comptoir-bench-") as folder:
        path = Path(folder) / "index"
        began, computed = perf_counter(), process_time()
        whole = chain(entries(chance), planted(chance))
        header = build_index(whole, path, _progress)
        wall, cpu = perf_counter() - began, process_time() - computed
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = path.stat().st_size / 1024**2
        print(f"{header.names:,} names indexed in {wall:.0f} s ({cpu:.0f} s of computing)")
        print(f"index {size:.0f} MiB, memory at most {peak:.0f} MiB")
        began = perf_counter()
        with Index(path) as index:
            print(f"opened in {(perf_counter() - began) * 1000:.1f} ms")
            _search(index, chance)
            tell_recall(index, chance)
            tell_ordinary(index, chance)


def _search(index: Index, chance: random.Random) -> None:
    took: list[float] = []
    found = 0
    for _ in range(QUERIES):
        entry = index.entry(chance.randrange(NAMES))
        words = slipped(entry.names[0], chance).split()
        chance.shuffle(words)
        subject = Subject((" ".join(words),), entry.birth_dates)
        began = thread_time_ns()
        hits = index.search("Person", subject)
        took.append((thread_time_ns() - began) / 1e6)
        found += any(hit.entry.id == entry.id for hit in hits)
    cuts = statistics.quantiles(took, n=100)
    print(
        f"search: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(took):.1f} ms (computing)"
    )
    print(f"found {found / QUERIES:.1%} of {QUERIES} listed names, reordered and misspelt")


def _progress(names: int) -> None:
    if names % 100_000 == 0:
        print(f"  {names:,} names", flush=True)


if __name__ == "__main__":
    main()
