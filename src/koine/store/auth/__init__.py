"""API keys, logins and sessions in SQL."""
