"""The sandbox's authority behind a socket of this process, and a contract that is sealed with it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from comptoir.actors.signature.sheet import Part, Seal, Sheet
from comptoir.sandbox.parties.trust import PASSWORD, Authority

__all__ = ["NOW_MS", "SHEET", "Serving", "now", "seal_of", "serving"]

SHEET = Sheet(
    "fr", "Mandat de gestion", "Banque", "ONB-2026-00001",
    (Part("1. Les parties", ("Entre la maison et Zoë #[b] *Łukasz* $x$.",)), Part("2. L'objet", ("Le reste.",))),
    "Le client :", "Zoë Łukasz", 1_800_000_000_000,
)  # fmt: skip
EVIDENCE = b'{"version":1}'


def now() -> datetime:
    """What time it really is."""
    return datetime.now(UTC)


NOW_MS = int(now().timestamp() * 1000)


class Serving:
    """An authority that answers, or does not."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.authority = Authority(address, now(), house_days=1)
        self.away = ""
        """Whose path ends so is answered with 503; empty: nobody's."""
        self.asked: list[str] = []


@contextmanager
def serving() -> Generator[Serving]:
    """Serve one until the end."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
            """Nobody reads it."""

        def do_GET(self) -> None:
            self._say(served.authority.revocations(now()))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(served.authority.stamp(body, now()))

        def _say(self, body: bytes) -> None:
            served.asked.append(self.path)
            away = bool(served.away) and self.path.endswith(served.away)
            self.send_response(503 if away else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Serving(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def seal_of(pdf: bytes, served: Serving) -> Seal:
    """A contract that is to be sealed."""
    return Seal(
        pdf, served.authority.pkcs12(), PASSWORD, f"{served.address}/trust/tsa", (), EVIDENCE, "fr",
        ("Signé par Zoë Łukasz", "le 2027-01-15"), 5.0,
    )  # fmt: skip
