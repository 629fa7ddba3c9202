"""Numbered SQL files, applied in order at start by `comptoir.storage.migrate`.

The rule: a file that has been released is never edited (its digest is recorded with it); a change
is a new number. Source: design.md 7.
"""
