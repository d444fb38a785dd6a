"""Floor 3: SQL. One file per noun; functions of a transaction."""
