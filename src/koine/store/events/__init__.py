"""The event log in SQL: rows, positions, what one reader may read."""
