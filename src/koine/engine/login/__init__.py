"""Passwords, tokens and the keys that verify them, with what one process holds for them: threads,
counts of failed logins, fetched keys. Below `core`, because the engine object holds them."""
