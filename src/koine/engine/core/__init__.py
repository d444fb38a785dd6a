"""What every operation uses: the engine object, transactions, records of changes, limits."""
