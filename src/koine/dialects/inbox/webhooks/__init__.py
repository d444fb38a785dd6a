"""The webhook of an inbox, as the original sends it (inbox.md, F)."""
