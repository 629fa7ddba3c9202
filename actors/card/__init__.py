"""A bank card: one actor per card, keyed by its blind index, which says whose connection it is."""
