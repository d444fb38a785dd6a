"""Conversations, messages, participants, tickets, surveys and files."""
