"""The daily report of a dead-letter queue: one actor per queue, keyed by its name."""
