"""The conversations of a contact."""
