"""The hot path: how a message is decided and written."""
