"""Floor 1: clock, ids, tokens, settings. Knows nothing of conversations."""
