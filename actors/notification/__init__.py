"""A person as notices reach them: one actor per person, with their devices, addresses and wishes."""
