"""The withdrawal: one actor per payout, from the points that are blocked to the money that arrived (S46, S50)."""
