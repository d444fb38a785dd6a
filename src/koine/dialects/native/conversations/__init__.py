"""Conversations, with the fields of every dialect."""
