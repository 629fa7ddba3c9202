"""One object as a file: encrypted in chunks, of which none can be changed, cut off or exchanged unseen.

The rule: every file has a key of its own, drawn for it, which stands in its head wrapped by the vault for the
person whose document it is and bound to the object's name; whoever destroys the person's key destroys the
file (X13), and a file that was put in another's place does not open. A chunk is AES-256-GCM with its number
as nonce (the key is used for one file, so no nonce comes twice); its associated data are the digest of the
head, the number, and whether it is the last. So the chunks have one order and one end. What the file holds
(size, type, digest) is sealed in the head as well: its last 192 bytes, written at the end.

Layout: 512 bytes of head (magic, length of the wrapped key, the wrapped key, zeros), 192 bytes of sealed
facts, then chunks of 256 KiB plus 16 each, the last one shorter.
Source: NIST SP 800-38D; Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance" (STREAM); spec.md S12, S20, X13; design.md 7.
"""

import hashlib
import os
import struct
from collections.abc import Callable
from io import BufferedIOBase
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from comptoir.engine.objects import ObjectFacts
from comptoir.storage.objects.errors import ObjectTampered

__all__ = ["CHUNK_BYTES", "HEAD_BYTES", "KEY_BYTES", "FileReader", "FileWriter", "stored_bytes"]

KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 256 * 1024
"""One goes through a worker thread at a time: some hundred microseconds of work, and memory for one."""
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
MAGIC: Final = b"CTOBJ\x01\r\n"
OUTER_BYTES: Final = 512
FACTS_BYTES: Final = 192
HEAD_BYTES: Final = OUTER_BYTES + FACTS_BYTES
MEDIA_TYPE_BYTES_MAX: Final = 127
FACTS_NONCE: Final = b"\xff" * NONCE_BYTES
"""No chunk's: a file would need more bytes than there are."""

_LENGTH = struct.Struct(">H")
_PLACE = struct.Struct(">Q?")
_FACTS = struct.Struct(">Q32sB127s8x")
assert _FACTS.size + TAG_BYTES == FACTS_BYTES, "the facts fill their place"


def stored_bytes(size_bytes: int) -> int:
    """What an object of this size takes on the disk."""
    chunks = -(-size_bytes // CHUNK_BYTES)
    return HEAD_BYTES + size_bytes + chunks * TAG_BYTES


class FileWriter:
    """Seals what it is given into a file. All of it blocks: it belongs into a thread."""

    def __init__(self, file: BufferedIOBase, key: bytes, wrapped: bytes) -> None:
        """Begin a file.

        Args:
            file: empty, at its beginning.
            key: `KEY_BYTES`, drawn for this file.
            wrapped: the same, sealed by the vault.
        """
        self._file = file
        self._cipher = AESGCM(key)
        head = MAGIC + _LENGTH.pack(len(wrapped)) + wrapped
        assert len(head) <= OUTER_BYTES, "a wrapped key is short"
        self._outer = head.ljust(OUTER_BYTES, b"\0")
        self._bound = hashlib.sha256(self._outer).digest()
        self._digest = hashlib.sha256()
        self._waiting = bytearray()
        self._chunks = 0
        self.size_bytes = 0
        file.write(self._outer + bytes(FACTS_BYTES))

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray) -> None:
        """Take a part, and write the chunks that are full and not the last."""
        self._waiting += data
        self._digest.update(data)
        self.size_bytes += len(data)
        while len(self._waiting) > CHUNK_BYTES:
            self._put(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self, media_type: str) -> ObjectFacts:
        """Write the last chunk and what the file holds, and have both on the disk."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()
        name = media_type.encode("ascii")
        assert len(name) <= MEDIA_TYPE_BYTES_MAX, "checked when its address was signed"
        digest = self._digest.digest()
        facts = _FACTS.pack(self.size_bytes, digest, len(name), name)
        self._file.seek(OUTER_BYTES)
        self._file.write(self._cipher.encrypt(FACTS_NONCE, facts, self._bound))
        self._file.flush()
        os.fsync(self._file.fileno())
        return ObjectFacts(self.size_bytes, media_type, digest.hex())

    def _put(self, chunk: bytes, *, last: bool) -> None:
        place = self._bound + _PLACE.pack(self._chunks, last)
        self._file.write(self._cipher.encrypt(_nonce(self._chunks), chunk, place))
        self._chunks += 1


class FileReader:
    """Opens such a file. All of it blocks, as the writer's."""

    def __init__(self, file: BufferedIOBase, unwrap: Callable[[bytes], bytes]) -> None:
        """Open the head.

        Args:
            file: at its beginning.
            unwrap: has the vault open the wrapped key.

        Raises:
            ObjectTampered: it is no such file, or another one.
        """
        self._file = file
        outer, sealed = file.read(OUTER_BYTES), file.read(FACTS_BYTES)
        if len(outer) + len(sealed) != HEAD_BYTES or not outer.startswith(MAGIC):
            raise ObjectTampered("a stored object has no head of ours")
        (length,) = _LENGTH.unpack_from(outer, len(MAGIC))
        start = len(MAGIC) + _LENGTH.size
        self._bound = hashlib.sha256(outer).digest()
        self._cipher = AESGCM(unwrap(outer[start : start + length]))
        facts = self._open(FACTS_NONCE, sealed, self._bound)
        size, digest, name_bytes, name = _FACTS.unpack(facts)
        self.facts = ObjectFacts(size, name[:name_bytes].decode("ascii"), digest.hex())
        self._left = size
        self._chunks = 0
        self._ended = False

    def read(self) -> bytes | None:
        """The next chunk, proven; None at the end.

        Raises:
            ObjectTampered: it is not what was written there.
        """
        if self._ended:
            return None
        size = min(self._left, CHUNK_BYTES)
        last = size == self._left
        sealed = self._file.read(size + TAG_BYTES)
        place = self._bound + _PLACE.pack(self._chunks, last)
        chunk = self._open(_nonce(self._chunks), sealed, place)
        if last and self._file.read(1):
            raise ObjectTampered("something was added to a stored object")
        self._left -= size
        self._chunks += 1
        self._ended = last
        return chunk

    def _open(self, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
        try:
            return self._cipher.decrypt(nonce, sealed, bound)
        except (InvalidTag, ValueError):
            raise ObjectTampered("a stored object is not what was stored") from None


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE_BYTES, "big")
