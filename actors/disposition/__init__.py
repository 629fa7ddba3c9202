"""What an operator has decided about dead letters: one actor per letter, or per many that two people chose."""
