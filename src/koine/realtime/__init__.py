"""Open streams: events of the log, ephemeral events and presence for clients that are connected."""
