"""PostgreSQL, and nothing but durability: journal, pending messages, ledger, vault, embedded server.

Nothing is re-exported here: whoever seals a value should not load a database driver, and importing
the bridge changes asyncio for the whole process. Import the modules: `journal` (PostgresJournal),
`embedded` (EmbeddedPostgres), `vault` (Vault), `testing` (MemoryJournal), `errors`.
"""

__all__ = ()
