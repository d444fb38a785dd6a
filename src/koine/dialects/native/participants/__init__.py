"""The participants of a conversation and their read marks."""
