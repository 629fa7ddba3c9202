"""The wallet: one actor per user, which holds points as lots and spends the oldest first (S47)."""
