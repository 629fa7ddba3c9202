"""SeaweedFS as a real S3 server: one process of its own on loopback, with a bucket, until it is stopped.

It judges Signature Version 4 itself, keeps checksums, refuses a second write under `If-None-Match`, and
encrypts at rest when it is asked to (SSE-S3). Source: the manual of SeaweedFS (`weed server -s3`).
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from comptoir.storage.objects.s3 import S3Options, Signer
from comptoir.storage.objects.sigv4 import BotocoreSigner, credentials_of

BUCKET = "onboarding-docs"
REGION = "eu-west-3"
PROGRAM = Path(sys.executable).with_name("weed")
START_SECONDS_MAX = 60.0
STARTS_MAX = 3
IN_USE = "address already in use"
SERVICES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class Seaweed:
    """A running server."""

    url: str
    access_key: str
    secret_key: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def options(self) -> S3Options:
        """Of an adapter for its bucket."""
        return S3Options(BUCKET, REGION, self.url)

    @property
    def signer(self) -> Signer:
        """Who it knows."""
        return BotocoreSigner(credentials_of(self.access_key, self.secret_key), REGION)


class PortTaken(Exception):
    """Somebody else's connection has one of the ports that were free a moment ago."""


@contextmanager
def seaweed(folder: Path) -> Generator[Seaweed]:
    """Start one in an empty folder; it is killed at the end, with all that it holds."""
    with ExitStack() as stack:
        yield _on_free_ports(stack, folder)


def _on_free_ports(stack: ExitStack, folder: Path) -> Seaweed:
    for number in range(1, STARTS_MAX):
        with suppress(PortTaken):
            return stack.enter_context(_started(folder / str(number)))
    return stack.enter_context(_started(folder / str(STARTS_MAX)))


@contextmanager
def _started(folder: Path) -> Generator[Seaweed]:
    folder.mkdir()
    access, secret = f"AKID{secrets.token_hex(6).upper()}", secrets.token_hex(20)
    identity = {
        "name": "comptoir",
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    ports = _free_ports(2 * len(SERVICES))
    words = [
        str(PROGRAM), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.telemetry=false", "-filer", "-s3", f"-s3.config={config}", "-s3.port.iceberg=0",
        "-s3.port.lance=0", "-master.volumeSizeLimitMB=256", "-volume.max=20",
    ]  # fmt: skip
    for place, service in enumerate(SERVICES):
        words += [f"-{service}.port={ports[2 * place]}"]
        words += [f"-{service}.port.grpc={ports[2 * place + 1]}"]
    kek = {"WEED_S3_SSE_KEK": secrets.token_hex(32)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, env={**os.environ, **kek}, stdout=log, stderr=log)
    server = Seaweed(f"http://127.0.0.1:{ports[-2]}", access, secret, folder, process)
    try:
        _wait_until_it_stores(server)
        yield server
    finally:
        process.kill()
        process.wait()
        for port in ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


def _free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    for one in taken:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


def _wait_until_it_stores(server: Seaweed) -> None:
    """Until the bucket is there and takes an object: its parts find each other in some seconds.

    Raises:
        PortTaken: it could not listen.
    """
    until = time.monotonic() + START_SECONDS_MAX
    bucket = f"{server.url}/{BUCKET}"
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                client.put(bucket, headers=server.signer.sign("PUT", bucket, {}))
                probe = server.signer.presign("PUT", f"{bucket}/probe", {}, 60)
                if client.put(probe, content=b"x").is_success:
                    return
            if server.process.poll() is not None:
                said = (server.folder / "log").read_text(errors="replace")
                raise PortTaken(said[-2000:]) if IN_USE in said else AssertionError(said[-2000:])
            time.sleep(0.2)
    raise AssertionError((server.folder / "log").read_text(errors="replace")[-2000:])
