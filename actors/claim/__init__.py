"""A person's question why a purchase gave no cashback, and what became of it: one actor per claim (E9)."""
