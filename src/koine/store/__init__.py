"""SQL, and nothing but SQL: one module per entity, of functions that take a transaction."""
