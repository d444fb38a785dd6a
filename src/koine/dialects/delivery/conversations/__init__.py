"""Conversations about deliveries: listed, opened or joined, shown."""
