"""The file of an approved batch, as it was signed: one actor per batch, keyed by its name."""
