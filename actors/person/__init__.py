"""A person who may sign in: one actor each, keyed by the blind index of their `sub` (X15)."""
