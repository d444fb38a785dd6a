"""The tickets of conversations."""
