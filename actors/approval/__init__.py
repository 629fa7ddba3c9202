"""Something that one person asks for and another approves: one actor per proposal, keyed by its id."""
