"""A browser in which a person has signed in: one actor per cookie, keyed by the cookie's digest."""
