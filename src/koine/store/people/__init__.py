"""Users, contacts and responders in SQL."""
