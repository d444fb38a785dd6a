"""Floor 6: the craft all dialects share: bodies, routes, limits, OpenAPI. No dialect word."""
