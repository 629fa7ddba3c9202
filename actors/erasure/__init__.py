"""The erasure of a person's keys: one actor per person, keyed as theirs, which tells when it is done."""
