"""The bank connection: one actor per linked card, keyed by the blind index of its id (X15)."""
