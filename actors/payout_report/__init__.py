"""A report of a bank's that was read back: one actor per message of it, keyed by a digest of its id."""
