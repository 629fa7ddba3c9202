"""The partners and connections of the demo, as the CSV files that `comptoir import` takes.

Rule: the same for everyone and every time; no real person, no real merchant.
Source: interface.md 4 (columns); issue "the engine" (200 partners, 1,000 connections).
"""

import csv
import io
from typing import Final

from comptoir.engine.cli.demo_names import CITIES, TRADES

__all__ = ["CONNECTIONS", "USERS", "connections_csv", "partners_csv", "user_id"]

CONNECTIONS: Final = 1_000
USERS: Final = 850
"""Of whom the first 150 have two cards: two connections lead to one wallet."""
RATE_STEP_BP: Final = 10
CITY_EVERY: Final = 8
"""One merchant in eight has a single shop, hence a city."""
BANKS: Final = (
    "Banque Fictive du Rhône", "Crédit Imaginaire", "Caisse d'Exemple", "Banque de la Démonstration",
    "Société Modèle",
)  # fmt: skip


def partners_csv() -> str:
    """Two hundred partners."""
    rows: list[list[object]] = [["id", "name", "rate_bp", "mcc", "patterns", "city"]]
    for trade in TRADES:
        for rank, name in enumerate(trade.names):
            number = len(rows) - 1
            city = CITIES[number % len(CITIES)] if number % CITY_EVERY == 0 else ""
            rate_bp = trade.rate_bp + RATE_STEP_BP * rank
            rows.append([f"demo-{number:03d}", name, rate_bp, trade.mcc, "", city])
    return _csv(rows)


def user_id(connection: int) -> str:
    """Whose card a connection is."""
    return f"demo-user-{connection % USERS:04d}"


def connections_csv() -> str:
    """A thousand connections of 850 people."""
    rows: list[list[object]] = [["connection_id", "user_id", "provider", "bank_name", "card_last4"]]
    for number in range(CONNECTIONS):
        last4 = f"{(number * 7919 + 1234) % 10_000:04d}"
        bank = BANKS[number % len(BANKS)]
        rows.append([f"demo-conn-{number:04d}", user_id(number), "seed", bank, last4])
    return _csv(rows)


def _csv(rows: list[list[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
