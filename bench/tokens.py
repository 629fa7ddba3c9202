"""How much of the loop it takes to know who asks: one request through the gate, in microseconds.

With a token of ours and with limits, as where there are accounts, and with neither, as on loopback. It is
the whole difference that `auth.mode` makes: webhooks do not come by the gate, so it makes none for them.
Run: `make bench ARGS=token`.
"""

import time
from collections.abc import Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comptoir.engine.settings import Settings
from comptoir.http.gate import Asked, Gate
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.issuing import Grant
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.signing import KEYS_FILE, KEYS_FOLDER, SigningKeys
from comptoir.http.limits import Limits, Quotas
from comptoir.http.operations import BY_ID
from comptoir.http.principal import Role
from comptoir.http.rules import EdgeRules

__all__ = ["main"]

ROUNDS, EACH = 300, 10
"""Short rounds: on a busy machine some of them are left alone."""
USER = "u-1"
NEVER_FULL = 2**31


def _done(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that waits for nothing returns."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the gate waited")


def _microseconds(gate: Gate, headers: list[tuple[bytes, bytes]]) -> float:
    """One admission: the fastest round's mean."""
    asked = Asked("abcdefgh", BY_ID["getWallet"], {"userId": USER}, headers, "127.0.0.1")
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(EACH):
            assert _done(gate.admit(asked)).refusal is None
        best = min(best, time.perf_counter() - began)
    return best / EACH * 1e6


def main() -> None:
    """Measure both, and print them."""
    host = (b"host", b"127.0.0.1:8080")
    with TemporaryDirectory() as made:
        folder = Path(made)
        settings = Settings().having({("storage", "data_dir"): folder})
        keys = SigningKeys.open(folder / KEYS_FOLDER / KEYS_FILE, wall_seconds())
        identity = Identity(settings, keys, None)
        identity.listens_on("http://127.0.0.1:8080")
        token = identity.issue(Grant(USER, (Role.CLIENT,), (), "bench", identity.life_s))
        limits = Limits(Quotas(NEVER_FULL, NEVER_FULL), folder / "limits.bin")
        rules = EdgeRules.of(settings)
        accounts = Gate(rules, identity.authenticator, limits)
        bearer = (b"authorization", f"Bearer {token}".encode())
        with_token = _microseconds(accounts, [host, bearer])
        limits.close()
    open_to_all = Settings().having({("auth", "mode"): "loopback"})
    without = _microseconds(Gate(EdgeRules.of(open_to_all), None, None), [host])
    print(
        f"who asks: {with_token:.0f} us with a token and limits, {without:.0f} us without accounts"
    )


if __name__ == "__main__":
    main()
