"""Inboxes, and contacts at them, in SQL."""
