"""A family of refresh tokens: one actor per sign-in, keyed by the digest of what names it."""
