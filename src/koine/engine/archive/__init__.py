"""A tenant in a file: export, verify and import it."""
