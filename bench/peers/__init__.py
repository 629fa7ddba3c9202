"""Reference peers: the same webhook work as a good developer would write it in FastAPI and asyncpg.

Rule: a peer does per webhook what the daemon promises (genuine, strict, once, matched, credited as a
FIFO lot in a double-entry ledger, answered after COMMIT), on the same PostgreSQL with the same
settings, and nothing that it need not: no sealing, no audit log, no actors, no retries. `plain` is the
inline transaction, statement by statement; `tuned` is one prepared statement for everything.
Source: docs/performance.md, "The peers".
"""
