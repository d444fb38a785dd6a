"""Contacts at their inboxes."""
