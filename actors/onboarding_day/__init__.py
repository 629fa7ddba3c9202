"""What happened to files of clients on one day, as sums: one actor per day (S39, E17, S26, S27)."""
