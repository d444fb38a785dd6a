"""Things to start and play with; nothing of the product."""
