"""Purchases that matched nobody and looked like a partner's: one actor per user keeps them for a month (X23)."""
