"""For how long data is kept, and legal holds."""
