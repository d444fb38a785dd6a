"""Floor 2: the nouns, permissions and errors. Frozen, no I/O."""
