"""Move a whole server to another database: check, copy, verify, and mark the one it came from."""
