"""The messages of conversations: listed and posted."""
