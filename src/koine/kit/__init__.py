"""General tools: clock, ids, tokens, settings, logs, outbound HTTP. No domain knowledge."""
