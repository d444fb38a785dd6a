"""Conversations: listed, shown, created, changed and deleted."""
