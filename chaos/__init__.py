"""Rigs: the promises of the server, tried for real and counted (`python -m chaos`)."""
