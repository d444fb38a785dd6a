"""Chats: created, listed, shown, changed and removed."""
