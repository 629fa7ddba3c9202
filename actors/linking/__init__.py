"""The linking of a card: one actor per session, from the consent to the connection (S45, S48, S57)."""
