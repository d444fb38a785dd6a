"""The participants of conversations: added, removed, changed, and how far they have read."""
