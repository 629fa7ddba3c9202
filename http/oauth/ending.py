"""Access that ends now: told to the list, and answered when every request is held to it.

The rule: whoever ends something by a machine of its own (a person, a family, a client) has that machine
tell the list in the same commit, so that a crash in between loses nothing; then it is told here once more,
which changes nothing, and is answered only when the snapshot in memory has it.
Source: spec.md S34, S62; RFC 7009 section 2.2; actors/revocation.
"""

from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.http.port import Port

__all__ = ["end_access"]


async def end_access(port: Port, ground: Ground, key: str, generation: int = 0) -> None:
    """Refuse these access tokens; every request after the return is.

    Raises:
        EngineError: it may not be in force yet; what the machine has sent will bring it.
    """
    await port.ask(REVOCATIONS, EndAccess(ground, key, generation))
