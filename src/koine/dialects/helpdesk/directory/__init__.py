"""Inboxes and people: what filters, bodies and conversations refer to."""
