"""Verifies passwords and tokens, without knowing what their owner may do: that is `engine/auth`.
Below `core`, because the engine object holds its threads, counts of failures and fetched keys."""
