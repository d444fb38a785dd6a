"""How long data is kept: periods, legal holds, runs, and what is due."""
