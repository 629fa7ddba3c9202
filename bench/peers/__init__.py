"""Reference peers: the same webhook work as a good developer would write it in FastAPI and asyncpg.

Rule: a peer does per webhook what the daemon promises (genuine, strict, once, matched, credited as a
FIFO lot in a double-entry ledger, answered after COMMIT), on the same PostgreSQL with the same
settings, and nothing that it need not: no sealing, no audit log, no actors, no retries. `plain` is the
inline transaction, statement by statement; `single` is the same with one statement for everything;
`tuned` is that statement with everything around it made lean as well.
Source: docs/performance.md, "The peers".
"""
