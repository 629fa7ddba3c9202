"""hypercorn on trio that reads the body and answers 202 with no work: what the edge costs alone."""

import sys
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio import serve  # pyright: ignore[reportUnknownVariableType]  # its own types


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the whole body, answer 202."""
    if scope["type"] == "lifespan":
        while True:
            phase = (await receive())["type"].removeprefix("lifespan.")
            await send({"type": f"lifespan.{phase}.complete"})
    while (await receive()).get("more_body"):
        pass
    body = b'{"status":"accepted"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def main() -> None:
    """Serve on a port of the system's choice; print the address."""
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.keep_alive_max_requests = 1_000_000  # the sender keeps its connections, as ours may
    async with trio.open_nursery() as nursery:
        binds: list[str] = await nursery.start(
            lambda task_status: serve(app, config, task_status=task_status)  # type: ignore[arg-type]  # hypercorn's own types name every kind of scope
        )
        sys.stdout.write("http://" + binds[0].removeprefix("http://") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(main)
