"""How long data is kept: periods, legal holds, and the runs that delete."""
