"""Public numbers, one series an actor."""
