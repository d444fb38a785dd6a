"""What all dialects share: routing, request bodies, responses, rate limits, streams, OpenAPI."""
