"""What a batch of sends reads, and what it writes, in SQL."""
