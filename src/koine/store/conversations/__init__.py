"""Conversations in SQL: rows, lists, participants, messages, files."""
