"""What the engine object holds, transactions, and what every operation writes with."""
