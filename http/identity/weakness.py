"""What is wrong with an RSA public key by itself.

The rule: a key that somebody else can factor verifies whatever that somebody signs, so it is refused
when it is loaded, not when a token comes. Beside size and exponent: factors below 752, as the partial
validation of NIST asks, and the form of the keys that one maker's chips drew (ROCA): their primes are
k * M + (65537 ** a mod M), so the modulus is a power of 65537 modulo each prime factor of M.
Source: NIST SP 800-89 section 5.3.3, SP 800-131A (2048 bits); RFC 8017 section 3.1; Nemec et al.,
"The Return of Coppersmith's Attack", CCS 2017 (CVE-2017-15361).
"""

import math
from typing import Final

__all__ = ["MODULUS_BITS_MAX", "MODULUS_BITS_MIN", "weakness"]

MODULUS_BITS_MIN: Final = 2048
MODULUS_BITS_MAX: Final = 8192
"""A verification takes half a millisecond there, twelve times what it takes at 2048 bits."""
EXPONENT_MIN: Final = 3
EXPONENT_BITS_MAX: Final = 33
"""BoringSSL's bound; a verification's time grows with the exponent's length."""
FACTOR_MAX: Final = 751
ROCA_PRIME_MAX: Final = 167
"""M of a 512-bit prime is the product of the primes up to here; larger ones add primes to it. A sound
modulus passes all of them by chance once in 2**27."""
ROCA_GENERATOR: Final = 65537


def _primes(most: int) -> list[int]:
    """The primes up to a small bound."""
    return [n for n in range(2, most + 1) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def _powers(prime: int) -> frozenset[int]:
    """Every power of the generator modulo a prime."""
    return frozenset(pow(ROCA_GENERATOR, n, prime) for n in range(prime - 1))


_SMALL_PRIMES: Final = math.prod(_primes(FACTOR_MAX))
_ROCA: Final = tuple((prime, _powers(prime)) for prime in _primes(ROCA_PRIME_MAX) if prime > 2)  # noqa: PLR2004  the odd ones


def weakness(modulus: int, exponent: int) -> str | None:
    """What is against a key, to follow "the key"; None for a sound one."""
    bits = modulus.bit_length()
    if not MODULUS_BITS_MIN <= bits <= MODULUS_BITS_MAX:
        return f"has not {MODULUS_BITS_MIN} to {MODULUS_BITS_MAX} bits"
    if exponent % 2 == 0 or exponent < EXPONENT_MIN or exponent.bit_length() > EXPONENT_BITS_MAX:
        return f"has an exponent that is even, under 3 or over {EXPONENT_BITS_MAX} bits"
    if math.gcd(modulus, _SMALL_PRIMES) != 1 or math.isqrt(modulus) ** 2 == modulus:
        return "has a factor that anybody finds"
    if all(modulus % prime in powers for prime, powers in _ROCA):
        return "was drawn by a generator that is broken (ROCA)"
    return None
