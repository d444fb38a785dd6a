"""Five HTTP APIs over one engine. No dialect imports another."""
