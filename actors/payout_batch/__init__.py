"""A batch of payouts: one actor per cut-off and file, keyed by its name, from its first transfer to its end."""
