"""The messages of conversations: listed and sent."""
