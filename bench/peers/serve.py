"""Serves a peer: `python -m bench.peers.serve plain|single|tuned`, told by PEER_* variables.

Rule: as a program of ours it prints one line when its port is open, and ends on SIGTERM. The port is
open before the application runs, so the first request waits for it and nobody has to ask twice.
Source: uvicorn's manual, "Deployment"; bench/peers/__init__.py.
"""

import json
import os
import socket
import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

from bench.peers.door import Options

__all__ = ["main"]

BACKLOG = 2048


def main() -> None:
    """Serve until told to stop."""
    name = sys.argv[1]
    options = Options.read()
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    port = listener.getsockname()[1]
    ready = {"event": "ready", "pid": os.getpid(), "http": f"http://127.0.0.1:{port}"}
    config = uvicorn.Config(
        f"bench.peers.{name}:app", loop="uvloop", http="httptools", ws="none", lifespan="on",
        log_level="warning", access_log=False, workers=options.workers,
    )  # fmt: skip
    server = uvicorn.Server(config)
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    if options.workers > 1:
        Multiprocess(config, [listener]).run()
    else:
        server.run([listener])


if __name__ == "__main__":
    main()
