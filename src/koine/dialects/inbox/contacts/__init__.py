"""The contact, as its own client creates, reads and updates it."""
