"""Periodic work, done by one node at a time."""
