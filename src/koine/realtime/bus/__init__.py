"""The bus: hints that the log advanced, and ephemeral events, from node to node."""
