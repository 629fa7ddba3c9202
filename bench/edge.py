"""Our webhook over HTTP, durable and credited, against bare hypercorn with no work, in one run.

What is printed: requests a second of both from the same sender, their ratio (aim >= 0.5), the time
until everything sent is credited, and the acknowledgement's p50 and p99 at a third of the top rate
(aim p99 < 20 ms; the source's own steps sum to over a second, S49).
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.populate import ACCOUNTS
from comptoir.engine.testing import Process

__all__ = ["main"]

USERS = 1000
PARTNERS = 200
CONNECTIONS = 32
COUNT = 8000
ROUNDS = 3


def _load(**job: Any) -> dict[str, Any]:
    """Run the sender in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _daemon(folder: Path, secret: str) -> Process:
    command = [str(Path(sys.executable).with_name("comptoir")), "serve"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    env = {
        **kept,
        "COMPTOIR_STORAGE__DATA_DIR": str(folder / "data"),
        "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0",
        "COMPTOIR_WEBHOOKS__SEED__SECRETS": json.dumps([secret]),
        **ACCOUNTS,
    }
    daemon = Process(command, env, folder).start()
    partners = "".join(f"p{n},Enseigne {n:03d},500\n" for n in range(PARTNERS))
    assert daemon.load("partners", "id,name,rate_bp\n" + partners).status == 200
    connections = "".join(f"c{n},user{n}\n" for n in range(USERS))
    assert daemon.load("connections", "connection_id,user_id\n" + connections).status == 200
    return daemon


def main() -> None:
    """Measure in turn, three rounds, and print medians."""
    folder = Path(tempfile.mkdtemp(prefix="ctb-"))
    folder.chmod(0o711)
    secret = secrets.token_hex(24)
    bare = subprocess.Popen([sys.executable, "-m", "bench.bare"], stdout=subprocess.PIPE, text=True)
    daemon = None
    try:
        assert bare.stdout is not None
        bare_url = bare.stdout.readline().strip()
        daemon = _daemon(folder, secret)
        job = {"secret": secret, "users": USERS, "partners": PARTNERS, "connections": CONNECTIONS}
        _load(url=daemon.url, count=1000, prefix="warm", **job)
        rows: list[tuple[float, float, float, float]] = []
        for number in range(ROUNDS):
            nothing = _load(url=bare_url, count=COUNT, prefix="bare", **job)
            cpu, began = _cpu_s(daemon.pid), time.perf_counter()
            ours = _load(url=daemon.url, count=COUNT, prefix=f"r{number}-", **job)
            assert ours["statuses"] == {"202": COUNT}, ours
            daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60})
            credited = COUNT / (time.perf_counter() - began)
            cpu = (_cpu_s(daemon.pid) - cpu) / COUNT * 1000
            rows.append((nothing["per_s"], ours["per_s"], credited, cpu))
            print(
                f"  round {number + 1}: bare {nothing['per_s']:,.0f} /s, ours {ours['per_s']:,.0f} /s "
                f"(ratio {ours['per_s'] / nothing['per_s']:.2f}), {cpu:.2f} CPU-s per 1,000"
            )
        middle = sorted(rows, key=lambda row: row[1] / row[0])[ROUNDS // 2]
        print(
            f"webhook durable and credited: {middle[1]:,.0f} /s of bare hypercorn's "
            f"{middle[0]:,.0f} /s, ratio {middle[1] / middle[0]:.2f} (aim >= 0.5)"
        )
        rate = middle[1] / 3
        paced = _load(url=daemon.url, count=4000, prefix="paced", rate=rate, **job)
        print(
            f"ack at {rate:,.0f} /s: p50 {paced['p50_ms']:.1f} ms, p99 {paced['p99_ms']:.1f} ms "
            "(aim p99 < 20 ms)"
        )
    finally:
        bare.kill()
        bare.wait()
        if daemon is not None and daemon.running:
            daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
